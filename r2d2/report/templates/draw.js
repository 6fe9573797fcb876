// Draws the charts, each when it comes near the screen. Vega runs without eval, by its interpreter; names from the lake
// are drawn as text, and a box or leaf only ever leads to an anchor of this page.
"use strict";
(() => {
  const { charts, themes } = JSON.parse(document.getElementById("charts").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const views = new Map();
  const NARROW = 600; // pixels, below which a screen is a phone's
  const HINT = "Point at a box to see its name. Keys: arrows move the graph, + and − change its size, 0 shows all of it.";

  // A chart in its place, in the colours of the hour; what was searched, chosen or moved before stays.
  function draw(place) {
    const spec = charts[place.dataset.chart];
    const theme = themes[dark.matches ? "dark" : "light"];
    const signals = new Set((spec.signals || []).map((signal) => signal.name));
    const before = views.get(place);
    if (signals.has("view") && !before) tools(place);
    const view = new vega.View(vega.parse(spec, theme.config, { ast: true }), {
      expr: vega.expressionInterpreter, renderer: place.dataset.renderer || "svg", container: place, hover: true,
      bind: emptied(place.controls), logLevel: vega.Error,
    });
    if (signals.has("view")) named(place, spec);
    if (signals.has("paper")) view.signal("paper", theme.paper);
    if (place.clientWidth) view.width(place.clientWidth);
    if (signals.has("view") && place.clientWidth < NARROW) view.height(380);
    const kept = before && signals.has("view") && before.signal("view");
    if (kept) view.signal("search", before.signal("search")).signal("family", before.signal("family"));
    if (before) before.finalize();
    views.set(place, view);
    place.view = view; // for whoever looks at the page with a console, and for tests
    if (signals.has("chosen")) view.addSignalListener("chosen", (_, anchor) => lead(view, anchor));
    if (signals.has("hot")) {
      view.addSignalListener("hot", (_, box) => tell(place, view, box));
      view.addSignalListener("matching", (_, found) => count(place, view, found));
    }
    const drawn = view.runAsync();
    return kept ? drawn.then(() => view.signal("view", kept).runAsync()) : drawn;
  }

  function emptied(element) {
    if (element) element.replaceChildren();
    return element;
  }

  function lead(view, anchor) {
    if (!anchor) return;
    location.hash = "";
    location.hash = `#${anchor}`;
    view.signal("chosen", "");
  }

  // ---- the graph's tools ----
  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  function tell(place, view, box) {
    const found = box >= 0 && view.data("boxes").find((each) => each.id === box);
    if (found) place.readout.textContent = found.title;
  }

  function count(place, view, { words, count: found }) {
    place.readout.textContent = words ? `${found} of ${view.data("boxes").length} boxes match.` : HINT;
  }

  // Search and families are the chart's own controls; what moves it and makes it larger is put beside them.
  function tools(place) {
    const run = (name, value) => { const view = views.get(place); if (view) view.signal(name, value).runAsync(); };
    const turn = (by) => ({ factor: by });
    const whole = () => { const view = views.get(place); if (view) run("frame", { ...view.signal("chosenFrame") }); };
    const larger = () => run("step", turn(1.4)), smaller = () => run("step", turn(1 / 1.4));
    const button = (name, does) => {
      const made = make("button", { type: "button" }, name);
      made.addEventListener("click", does);
      return made;
    };
    place.controls = make("div", { class: "controls" });
    place.readout = make("p", { class: "readout", "aria-live": "polite" }, HINT);
    const zoom = make("span", { class: "zoom", role: "group", "aria-label": "Size of the graph" },
      button("Smaller", smaller), button("Larger", larger), button("Fit", whole));
    place.before(make("div", { class: "tools" }, place.controls, zoom), place.readout);
    place.classList.add("graph");
    reached(place, run, { "+": larger, "=": larger, "-": smaller, 0: whole });
    touched(place, run);
  }

  // What is focused says its keys. Each new view calls its place an image of its own, so this comes after that.
  function named(place, spec) {
    place.setAttribute("role", "group");
    place.removeAttribute("aria-roledescription");
    place.setAttribute("aria-label", `${spec.description}. Arrow keys move it, plus and minus change its size, 0 shows all of it.`);
  }

  // By keyboard: arrows move it, + and - make it larger and smaller, 0 shows all of it.
  function reached(place, run, keys) {
    const steps = { ArrowLeft: [-60, 0], ArrowRight: [60, 0], ArrowUp: [0, -60], ArrowDown: [0, 60] };
    place.tabIndex = 0;
    place.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (steps[event.key]) run("move", { x: steps[event.key][0], y: steps[event.key][1] });
      else if (keys[event.key]) keys[event.key]();
      else return;
      event.preventDefault();
    });
  }

  // Two fingers move it and make it larger; one scrolls the page.
  function touched(place, run) {
    let before = null;
    const spot = ([one, other]) => {
      const frame = place.querySelector("canvas, svg").getBoundingClientRect(), [left, top] = views.get(place).origin();
      return {
        x: (one.clientX + other.clientX) / 2 - frame.left - left, y: (one.clientY + other.clientY) / 2 - frame.top - top,
        apart: Math.max(1, Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY)),
      };
    };
    const begin = (event) => { before = event.touches.length === 2 && views.has(place) ? spot(event.touches) : null; };
    for (const kind of ["touchstart", "touchend", "touchcancel"]) place.addEventListener(kind, begin, { passive: true });
    place.addEventListener("touchmove", (event) => {
      if (!before) return;
      event.preventDefault();
      const now = spot(event.touches);
      run("pinch", { factor: now.apart / before.apart, x: now.x, y: now.y, fromX: before.x, fromY: before.y });
      before = now;
    }, { passive: false });
  }

  function start() {
    const places = [...document.querySelectorAll("[data-chart]")];
    const near = new IntersectionObserver((seen) => {
      for (const entry of seen) {
        if (entry.isIntersecting && !views.has(entry.target)) { near.unobserve(entry.target); draw(entry.target); }
      }
    }, { rootMargin: "400px" });
    const resized = new ResizeObserver((changes) => {
      for (const { target } of changes) {
        const view = views.get(target);
        if (view && target.clientWidth && view.width() !== target.clientWidth) view.width(target.clientWidth).runAsync();
      }
    });
    for (const place of places) { near.observe(place); resized.observe(place); }
    dark.addEventListener("change", () => { for (const place of [...views.keys()]) draw(place); });
    addEventListener("beforeprint", () => { for (const place of places) if (!views.has(place)) draw(place); });
  }

  start();
})();
