// Tables of a notebook's page: a heading sorts, a field narrows, long ones are turned. Texts only ever become text nodes.
"use strict";
(() => {
  const LONG = 10; // rows above which a table can be searched
  const SIZE = 200; // rows that are shown at a time
  const UNITS = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, PB: 1e15, EB: 1e18, s: 1, min: 60, h: 3600, days: 86400 };
  const NUMBER = /^[<>]?([−-]?[\d,]*\.?\d+(?:e[+-]?\d+)?)(%?)$/;
  const count = (value) => value.toLocaleString("en");

  // What a cell counts as: "1 min 13 s" is 73, "1.2 GB" 1.2e9, "6.94 USD" 6.94; null where it is no number.
  function valueOf(text) {
    let sum = 0, last = null;
    for (const word of text.trim().split(/\s+/)) {
      const [, digits, percent] = NUMBER.exec(word) || [];
      if (digits) {
        last = Number(digits.replaceAll(",", "").replace("−", "-")) * (percent ? 0.01 : 1);
        sum += last;
      } else if (last !== null) { // the unit of the number before it
        sum += last * ((UNITS[word] ?? 1) - 1);
        last = null;
      } else return null;
    }
    return sum;
  }

  function made(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  // Puts all rows in another order; those that say nothing, or that something is unknown, come last in both.
  function sort(state, header) {
    const at = header.cellIndex, number = header.classList.contains("num");
    const up = header.getAttribute("aria-sort") !== (number ? "descending" : "ascending");
    const down = number ? up : !up;
    const key = ({ cells }) => (number ? valueOf(cells[at].textContent) : cells[at].textContent.toLowerCase() || null);
    const keyed = state.rows.map((row) => ({ row, key: key(row) }));
    keyed.sort(({ key: a }, { key: b }) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1);
    });
    state.rows = keyed.map((each) => each.row);
    state.table.tBodies[0].append(...state.rows);
    for (const other of state.table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    select(state);
  }

  function select(state) {
    const found = (row) => state.words.every((word) => state.texts.get(row).includes(word));
    state.found = state.words.length ? state.rows.filter(found) : state.rows;
    state.first = 0;
    show(state);
  }

  function show(state) {
    const { found, first, pager } = state;
    const part = found.slice(first, first + SIZE), shown = new Set(part);
    for (const row of state.rows) row.hidden = !shown.has(row);
    if (!pager) return;
    pager.place.textContent = found.length ? `${count(first + 1)} to ${count(first + part.length)} of ${count(found.length)}` : "Nothing matches";
    pager.previous.disabled = first === 0;
    pager.next.disabled = first + SIZE >= found.length;
  }

  function turn(state, rows) {
    state.first += rows;
    show(state);
    state.table.closest(".r2d2-table").scrollIntoView();
  }

  function searchable(state) {
    const field = made("input", { type: "search", placeholder: "search this table", "aria-label": "Search this table" });
    field.addEventListener("input", () => {
      state.words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      select(state);
    });
    state.table.parentElement.before(field);
  }

  function paged(state) {
    const button = (name, rows) => {
      const element = made("button", { type: "button" }, name);
      element.addEventListener("click", () => turn(state, rows));
      return element;
    };
    const place = made("span", { "aria-live": "polite" });
    state.pager = { place, previous: button("Previous", -SIZE), next: button("Next", SIZE) };
    const { previous, next } = state.pager;
    state.table.parentElement.after(made("div", { class: "tools pager" }, previous, place, next));
  }

  for (const table of document.querySelectorAll(".r2d2-table table")) {
    const rows = [...table.tBodies[0].rows];
    const texts = new Map(rows.map((row) => [row, [...row.cells].map((cell) => cell.textContent.toLowerCase()).join("\n")]));
    const state = { table, rows, texts, words: [], found: rows, first: 0, pager: null };
    if (rows.length > LONG) searchable(state);
    if (rows.length > SIZE) paged(state);
    show(state);
    for (const header of table.tHead.rows[0].cells) {
      const button = made("button", { type: "button" }, ...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => sort(state, header));
    }
  }
})();
