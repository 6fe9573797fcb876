// Draws the charts, each when it comes near the screen. Vega runs without eval, by its interpreter; names from the lake
// are drawn as text, and a box or leaf only ever leads to an anchor of this page.
"use strict";
(() => {
  const { charts, themes } = JSON.parse(document.getElementById("charts").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const views = new Map();
  const READABLE = 0.62; // the scale at which boxes have their names
  const $ = (id) => document.getElementById(id);

  // A chart in its place, in the colours of the hour; what was searched or framed before stays.
  function draw(place) {
    const name = place.dataset.chart;
    const before = views.get(place);
    const theme = themes[dark.matches ? "dark" : "light"];
    const view = new vega.View(vega.parse(charts[name], theme.config, { ast: true }), {
      expr: vega.expressionInterpreter, renderer: place.dataset.renderer || "svg", container: place, hover: true,
      logLevel: vega.Error,
    });
    const signals = new Set((charts[name].signals || []).map((signal) => signal.name));
    if (signals.has("paper")) view.signal("paper", theme.paper);
    if (place.clientWidth) view.width(place.clientWidth);
    if (before && signals.has("search")) view.signal("search", before.signal("search")).signal("frame", before.signal("frame"));
    if (before) before.finalize();
    views.set(place, view);
    place.view = view; // for whoever looks at the page with a console, and for tests
    if (signals.has("chosen")) view.addSignalListener("chosen", (_, anchor) => lead(view, anchor));
    if (signals.has("hot")) view.addSignalListener("hot", (_, box) => tell(view, box));
    return view.runAsync();
  }

  function lead(view, anchor) {
    if (!anchor) return;
    location.hash = "";
    location.hash = `#${anchor}`;
    view.signal("chosen", "");
  }

  function tell(view, box) {
    const found = box >= 0 && view.data("boxes").find((each) => each.id === box);
    if (found && $("readout")) $("readout").textContent = found.title;
  }

  // ---- the graph's tools ----
  function graph(place) {
    const run = (change) => { const view = views.get(place); if (view) { change(view); view.runAsync(); } };
    const search = $("graph-search"), choice = $("graph-frame");
    const whole = charts.graph.signals.find((signal) => signal.name === "frame").value;
    search.addEventListener("input", () => run((view) => {
      const text = search.value.trim().toLowerCase();
      view.signal("search", text);
      const found = charts.graph.data[0].values.filter((box) => box.names.includes(text));
      $("readout").textContent = text ? `${found.length} of ${charts.graph.data[0].values.length} boxes match.` : "";
      if (found.length) view.signal("frame", text ? around(found, view) : whole);
    }));
    choice.addEventListener("change", () => run((view) => view.signal("frame", frameOf(choice, whole))));
    const steps = { in: 1.4, out: 1 / 1.4 };
    for (const button of document.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => run((view) => {
        if (button.dataset.zoom === "fit") view.signal("frame", { ...frameOf(choice, whole) });
        else view.signal("step", { factor: steps[button.dataset.zoom] });
      }));
    }
  }

  function frameOf(choice, whole) {
    return choice.value === "" ? whole : { ...charts.frames[Number(choice.value)], least: READABLE };
  }

  // What holds all of some boxes, with room for those beside them.
  function around(boxes, view) {
    const [width, height, room] = [view.signal("boxWidth"), view.signal("boxHeight"), 60];
    const x = Math.min(...boxes.map((box) => box.x)) - room, y = Math.min(...boxes.map((box) => box.y)) - room;
    const right = Math.max(...boxes.map((box) => box.x)) + width + room;
    const bottom = Math.max(...boxes.map((box) => box.y)) + height + room;
    return { x, y, w: right - x, h: bottom - y, least: boxes.length > 20 ? 0 : READABLE };
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
    const drawing = document.querySelector("[data-chart=graph]");
    if (drawing && $("graph-search")) graph(drawing);
  }

  start();
})();
