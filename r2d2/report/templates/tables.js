// Tables of a notebook's page: a heading sorts, a field narrows. Texts only ever become text nodes.
"use strict";
(() => {
  const LONG = 10; // rows above which a table can be searched
  const UNITS = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, PB: 1e15, EB: 1e18, s: 1, min: 60, h: 3600, days: 86400, "%": 0.01 };

  // What a cell counts as: "1 min 13 s" is 73, "1.2 GB" 1.2e9, "6.94 USD" 6.94; null where it is no number.
  function valueOf(text) {
    const parts = [...text.matchAll(/([−-]?[\d,]*\.?\d+)\s*([A-Za-z%]*)/g)];
    if (!parts.length) return null;
    return parts.reduce((sum, [, number, unit]) =>
      sum + Number(number.replaceAll(",", "").replace("−", "-")) * (UNITS[unit] ?? 1), 0);
  }

  function sort(table, header) {
    const at = header.cellIndex, number = header.classList.contains("num");
    const up = header.getAttribute("aria-sort") !== (number ? "descending" : "ascending");
    const down = number ? up : !up;
    const key = (row) => (number ? valueOf(row.cells[at].textContent) ?? -Infinity : row.cells[at].textContent.toLowerCase());
    const rows = [...table.tBodies[0].rows].map((row, place) => ({ row, place, key: key(row) }));
    rows.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) * (down ? -1 : 1) || a.place - b.place);
    table.tBodies[0].append(...rows.map((each) => each.row));
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
  }

  function searchable(table) {
    const field = document.createElement("input");
    field.type = "search";
    field.placeholder = "search this table";
    field.setAttribute("aria-label", "Search this table");
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of table.tBodies[0].rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
    });
    table.parentElement.before(field);
  }

  for (const table of document.querySelectorAll(".r2d2-table table")) {
    if (table.tBodies[0].rows.length > LONG) searchable(table);
    for (const header of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => sort(table, header));
    }
  }
})();
