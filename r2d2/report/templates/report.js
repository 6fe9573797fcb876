// The plan's table and its evidence. Text from the lake only ever becomes text nodes:
// no markup is parsed here, and the page's policy (Trusted Types) refuses it.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const rows = expand(data.rowFields, data.rows);
  const edges = expand(data.edgeFields, data.edges);
  const ACTIONS = {
    retire: "Can be retired", redirect: "A view can stand in its place", colder: "Can move to a colder class",
    "stop producer": "Its producer can be stopped", keep: "Kept", none: "Not planned",
  };
  const GONE = ["retire", "redirect"];
  const DECISIONS = {
    undecided: "Nobody decided", lapsed: "Lapsed", approved: "Approved", rejected: "Rejected", retired: "Retired already",
  };
  const SHOWN = 20; // entries of a list of datasets
  const NAME = 140; // characters of a name in the table
  const REASON = 400; // characters of a reason in the table
  const grouped = data.topics.length > 0;
  const byAnchor = new Map();
  const view = { found: rows, sort: "", down: false, action: "all", topic: "", decision: "", page: 0, size: 50 };
  const $ = (id) => document.getElementById(id);

  function expand(fields, values) {
    return values.map((value) => Object.fromEntries(fields.map((field, i) => [field, value[i]])));
  }

  function prepare() {
    rows.forEach((row, index) => {
      for (const field of ["format", "modified", "status", "action"]) row[field] = data.texts[row[field]];
      row.index = index;
      [row.stand, row.standNote] = data.texts[row.stand];
      row.decision = decision(row);
      row.above = [];
      row.below = [];
      row.parentName = row.parent === null ? "" : data.rows[row.parent][data.rowFields.indexOf("name")];
      row.topicName = row.topic === null ? "" : data.topics[row.topic][0];
      row.haystack = [row.name, row.parentName, row.reason, row.format, row.topicName, ...row.aliases].join("\n").toLowerCase();
      byAnchor.set(row.anchor, row);
    });
    for (const edge of edges) {
      for (const field of ["how", "reason", "columns"]) edge[field] = data.texts[edge[field]];
      rows[edge.child].above.push(edge);
      rows[edge.parent].below.push(edge);
    }
  }

  // What was decided on a dataset that could go.
  function decision(row) {
    if (!GONE.includes(row.action)) return "";
    if (row.stand !== "open") return row.stand;
    return row.standNote ? "lapsed" : "undecided";
  }

  // ---- text ----
  const number = new Intl.NumberFormat("en");
  const count = (value) => (value === null ? "unknown" : number.format(value));

  function bytes(size) {
    const units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    const digits = (value) => (value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
    let unit = 0;
    while (Number(size.toFixed(digits(size))) >= 1000 && unit < units.length - 1) { size /= 1000; unit += 1; }
    return unit === 0 ? `${size} B` : `${size.toFixed(digits(size))} ${units[unit]}`;
  }

  function seconds(value) {
    if (value === null) return "unknown";
    if (value < 1) return `${Number(value.toPrecision(2))} s`;
    if (value < 10) return `${value.toFixed(1)} s`;
    const whole = Math.round(value);
    if (whole < 60) return `${whole} s`;
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
    if (whole < 172800) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
    return `${number.format(Math.floor(whole / 86400))} days ${Math.floor((whole % 86400) / 3600)} h`;
  }

  function money(amount) {
    if (amount === null) return "unknown";
    const small = amount !== 0 && Math.abs(amount) < 0.01;
    const decimals = small ? Math.min(12, 1 - Math.floor(Math.log10(Math.abs(amount)))) : 2;
    const text = small ? amount.toFixed(decimals)
      : amount.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    return `${text} ${data.currency}`;
  }

  const shortened = (text, limit = NAME) =>
    (text.length <= limit ? text : `${text.slice(0, limit / 2 - 1)}…${text.slice(text.length - limit / 2)}`);

  // A word for the shell; names with invisible or special characters come quoted from the program.
  const command = (verb, row) =>
    `r2d2 ${verb} --state ${data.state} ${row.name.startsWith("-") ? "-- " : ""}${row.word === null ? row.name : row.word}`;

  // ---- building ----
  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  // A name, apart from the direction of the text around it, that may be broken after a slash.
  function named(row) {
    const steps = shortened(row.name).split("/");
    return make("bdi", null, ...steps.flatMap((step, i) => (i ? ["/", make("wbr"), step] : [step])));
  }

  function link(row) {
    return make("a", { href: `#${row.anchor}` }, named(row));
  }

  function names(list) {
    const items = list.slice(0, SHOWN).map((row) => make("li", null, link(row)));
    if (list.length > SHOWN) items.push(make("li", null, `and ${count(list.length - SHOWN)} more`));
    return make("ul", null, ...items);
  }

  function edgeText(edge) {
    const reason = (edge.reason || data.meanings[edge.how] || "").replace(/\.$/, "");
    const parts = [make("code", null, edge.how), `: ${reason}. `];
    parts.push(`${count(edge.childRows)} of ${count(edge.parentRows)} rows, ${count(edge.columnCount)} columns compared`);
    parts.push(`; versions ${rows[edge.parent].version} and ${rows[edge.child].version}.`);
    if (edge.predicate) parts.push(" Rows: ", make("code", null, edge.predicate), ".");
    else if (edge.masked) parts.push(" The row selection holds values and is masked.");
    return parts;
  }

  function sharedNames(row) {
    const more = row.sharedCount - row.shared.length;
    const others = row.shared.join(", ") + (more > 0 ? ` and ${count(more)} more` : "");
    return make("span", null, make("bdi", null, others), ": not compared with these, and neither side may be retired");
  }

  function proof(row) {
    const steps = row.proof.map((index) => edges[index]);
    if (steps.length) {
      return make("ol", null, ...steps.map((edge) =>
        make("li", null, link(rows[edge.parent]), edge.equal ? " holds the same rows as " : " holds every row of ",
          link(rows[edge.child]), ". ", ...edgeText(edge))));
    }
    if (row.groups.some((group) => rows[row.parent].groups.includes(group))) {
      return make("span", null, "Exact duplicate: the same rows, as often, in the same columns as ",
        link(rows[row.parent]), ".");
    }
    return make("span", null, "Follows from a longer chain of proven containments; ",
      make("code", null, command("explain", row)), " lists it.");
  }

  function relation(list, end) {
    const items = list.slice(0, SHOWN).map((edge) => make("li", null, link(rows[edge[end]]), " ", ...edgeText(edge)));
    if (list.length > SHOWN) items.push(make("li", null, `and ${count(list.length - SHOWN)} more`));
    return make("ul", null, ...items);
  }

  function evidence(row) {
    const list = make("dl");
    const add = (term, ...content) => list.append(make("dt", null, term), make("dd", null, ...content));
    if (row.name.length > NAME) add("Full name", make("bdi", null, row.name));
    if (row.reason.length > REASON) add("Full reason", row.reason);
    if (row.parent !== null) add("Proof", proof(row));
    if (row.action === "retire") add("To rebuild it", `${seconds(row.seconds)}, ${money(row.cost)} each time`);
    if (row.action === "redirect") add("To read it", `${seconds(row.seconds)}, ${money(row.cost)} more each time`);
    for (const group of row.groups) {
      add("Exact duplicates", names(data.groups[group].filter((i) => i !== row.index).map((i) => rows[i])));
    }
    const shown = new Set(row.proof.map((index) => edges[index]));
    const above = row.above.filter((edge) => !shown.has(edge));
    if (above.length) add("Contained in", relation(above, "parent"));
    if (row.below.length) add(`Contains (${count(row.below.length)})`, relation(row.below, "child"));
    const columns = (row.above[0] || {}).columns || [];
    if (columns.length) {
      const more = row.above[0].columnCount - columns.length;
      add("Compared columns", columns.join(", ") + (more > 0 ? ` and ${count(more)} more` : ""));
    }
    if (row.topic !== null) add("Topic", make("bdi", null, data.topics[row.topic].filter(Boolean).reverse().join(" › ")));
    if (row.aliases.length) add("Other names", make("bdi", null, row.aliases.join(", ")));
    if (row.shared.length) add("Shares files with", sharedNames(row));
    if (row.status !== "ok") add("Status", row.status);
    add("Dataset", `${row.format}, ${count(row.columns)} columns, version ${row.version}` +
      (row.modified ? `, last changed ${row.modified}` : ""));
    if (!["", "undecided"].includes(row.decision)) add("Decision", row.standNote || DECISIONS[row.decision].toLowerCase());
    if (["undecided", "lapsed", "approved"].includes(row.decision)) add("To let it go", ...lettingGo(row));
    if (!["", "rejected"].includes(row.decision)) add("To undo that", make("code", null, command("restore", row)));
    add("More", make("code", null, command("explain", row)));
    return make("div", { class: "evidence" }, list);
  }

  function lettingGo(row) {
    const apply = make("code", null, `r2d2 apply --state ${data.state}`);
    if (row.decision === "approved") return [apply];
    return [make("code", null, command('review approve --by YOUR_NAME --note "not needed"', row)), ", then ", apply];
  }

  function entry(row) {
    const action = make("span", { class: "act" }, make("span", { class: `mark ${row.action.replace(" ", "-")}` }), ACTIONS[row.action]);
    const details = make("details", null, make("summary", null, shortened(row.reason, REASON) || "Evidence"));
    details.addEventListener("toggle", () => {
      if (details.open && details.childElementCount === 1) details.append(evidence(row));
    });
    return make("tbody", { id: row.anchor },
      make("tr", null,
        make("th", { scope: "rowgroup", class: "name" }, named(row)),
        make("td", null, action),
        make("td", { class: "name" }, row.parent === null ? "" : link(rows[row.parent])),
        ...(grouped ? [make("td", { class: "topic" }, make("bdi", null, shortened(row.topicName)))] : []),
        make("td", { class: "num" }, row.saving > 0 ? money(row.saving) : ""),
        make("td", { class: "num" }, GONE.includes(row.action) ? seconds(row.seconds) : ""),
        make("td", { class: "num" }, bytes(row.bytes)),
        make("td", { class: "num" }, count(row.rows))),
      make("tr", null, make("td", { class: "why", colspan: grouped ? "8" : "7" }, details)));
  }

  // ---- the table ----
  function select() {
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    view.found = rows.filter((row) =>
      (view.action === "all" || row.action === view.action) &&
      (view.topic === "" || row.topic === Number(view.topic)) &&
      (view.decision === "" || row.decision === view.decision) && words.every((word) => row.haystack.includes(word)));
    if (view.sort) view.found.sort(compare);
    view.page = 0;
    show();
  }

  function compare(a, b) {
    const x = a[view.sort], y = b[view.sort];
    const unknown = (value) => value === null || value === "";
    if (unknown(x) || unknown(y)) return unknown(x) - unknown(y) || a.index - b.index;
    const order = typeof x === "string" ? (x < y ? -1 : x > y ? 1 : 0) : x - y;
    return (view.down ? -order : order) || a.index - b.index;
  }

  function show() {
    const pages = Math.max(1, Math.ceil(view.found.length / view.size));
    const first = view.page * view.size;
    const part = view.found.slice(first, first + view.size);
    const table = $("plan-table");
    for (const body of [...table.tBodies]) body.remove();
    table.append(...part.map(entry));
    const saving = view.found.reduce((sum, row) => sum + row.saving, 0);
    $("result").textContent = `${count(view.found.length)} of ${count(rows.length)} datasets` +
      (saving ? `, saving ${money(saving)} a month` : "");
    $("page").textContent = view.found.length
      ? `${count(first + 1)} to ${count(first + part.length)} of ${count(view.found.length)}` : "Nothing matches";
    $("previous").disabled = view.page === 0;
    $("next").disabled = view.page >= pages - 1;
  }

  function turn(pages) {
    view.page += pages;
    show();
    $("plan-tools").scrollIntoView();
  }

  function sortBy(button) {
    const key = button.dataset.sort;
    const text = ["name", "action", "parentName", "topicName"].includes(key);
    view.down = view.sort === key ? !view.down : !text;
    view.sort = key;
    for (const header of document.querySelectorAll("#plan-table thead th")) header.removeAttribute("aria-sort");
    button.closest("th").setAttribute("aria-sort", view.down ? "descending" : "ascending");
    select();
  }

  function filters() {
    const choices = [["all", "All"], ...Object.entries(ACTIONS)];
    for (const [action, label] of choices) {
      const number = action === "all" ? rows.length : rows.filter((row) => row.action === action).length;
      if (!["all", "retire", "keep"].includes(action) && number === 0) continue;
      const input = make("input", { type: "radio", name: "action", value: action });
      input.checked = action === "all";
      input.addEventListener("change", () => { view.action = action; select(); });
      $("filter").append(make("label", null, input, `${label} `, make("span", { class: "n" }, count(number))));
    }
  }

  // Topics to choose from, those of one broader topic together.
  function topics() {
    const choice = $("topic");
    if (!choice) return;
    const sizes = data.topics.map(() => 0);
    for (const row of rows) if (row.topic !== null) sizes[row.topic] += 1;
    let group = choice, last = "";
    data.topics.forEach(([name, above], index) => {
      if (above !== last) choice.append((group = make("optgroup", { label: shortened(above) })));
      last = above;
      group.append(make("option", { value: index }, `${shortened(name)} (${count(sizes[index])})`));
    });
    choice.addEventListener("change", () => { view.topic = choice.value; select(); });
    for (const link of document.querySelectorAll("[data-topic]")) {
      link.addEventListener("click", () => { reset(); choice.value = view.topic = link.dataset.topic; select(); });
    }
  }

  // Decisions to choose from, where anybody decided.
  function decisions() {
    const choice = $("decision");
    if (!choice) return;
    for (const [decided, label] of Object.entries(DECISIONS)) {
      const number = rows.filter((row) => row.decision === decided).length;
      if (number) choice.append(make("option", { value: decided }, `${label} (${count(number)})`));
    }
    choice.addEventListener("change", () => { view.decision = choice.value; select(); });
  }

  // Nothing is filtered any more.
  function reset() {
    $("search").value = "";
    document.querySelector("#filter input").checked = true;
    view.action = "all";
    view.topic = "";
    view.decision = "";
    if (grouped) $("topic").value = "";
    if ($("decision")) $("decision").value = "";
  }

  // A link to a dataset leads to its entry, whatever page of the table it is on and whatever is filtered.
  function follow() {
    const row = byAnchor.get(location.hash.slice(1));
    if (!row) return;
    if (!view.found.includes(row)) {
      reset();
      select();
    }
    view.page = Math.floor(view.found.indexOf(row) / view.size);
    show();
    const details = $(row.anchor).querySelector("details");
    details.open = true;
    $(row.anchor).scrollIntoView();
    details.firstElementChild.focus({ preventScroll: true });
  }

  // ---- CSV ----
  // A spreadsheet must not take a name for a formula.
  function cell(value) {
    if (typeof value === "number") return String(value);
    let text = value === null ? "" : value;
    if (/^[=+\-@\t\r]/.test(text)) text = `'${text}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  function csv(list) {
    const lines = [["dataset", "action", "parent", "saving_per_month", "currency", "rebuild_seconds", "rebuild_cost",
      "bytes", "rows", "format", "version", "reason", "decision", ...(grouped ? ["topic"] : [])]];
    for (const row of list) {
      lines.push([row.name, row.action, row.parentName, row.saving, data.currency, row.seconds, row.cost,
        row.bytes, row.rows, row.format, row.version, row.reason, row.decision,
        ...(grouped ? [row.topicName] : [])]);
    }
    return lines.map((line) => line.map(cell).join(",") + "\r\n").join("");
  }

  function save() {
    const address = URL.createObjectURL(new Blob(["\ufeff", csv(view.found)], { type: "text/csv" }));
    const name = `r2d2-plan-${data.run.replace(/[^A-Za-z0-9._-]+/g, "_").slice(0, 80)}.csv`;
    make("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  function start() {
    document.documentElement.classList.add("scripted");
    prepare();
    filters();
    topics();
    decisions();
    for (const button of document.querySelectorAll("[data-sort]")) {
      button.addEventListener("click", () => sortBy(button));
    }
    $("search").addEventListener("input", select);
    $("previous").addEventListener("click", () => turn(-1));
    $("next").addEventListener("click", () => turn(1));
    $("size").addEventListener("change", (event) => { view.size = Number(event.target.value); view.page = 0; show(); });
    $("export").addEventListener("click", save);
    window.addEventListener("hashchange", follow);
    // A second click on the same link changes no hash, and must lead there all the same.
    document.addEventListener("click", (event) => {
      const anchor = event.target.closest("a");
      const target = anchor && (anchor.getAttribute("href") || "").slice(1);
      if (target && `#${target}` === location.hash && byAnchor.has(target)) { event.preventDefault(); follow(); }
    });
    show();
    follow();
  }

  start();
})();
