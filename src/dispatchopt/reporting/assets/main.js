// Start of the page: tables that sort, rows that lead to the map, then charts and map.
"use strict";
(() => {
  const app = window.dispatchopt;

  const cellValue = (row, column) => {
    const cell = row.cells[column], raw = cell.dataset.value;
    return raw !== undefined && raw !== "" ? Number(raw) : cell.textContent;
  };

  const sortTable = (table, column, header) => {
    const down = header.getAttribute("aria-sort") === "ascending";
    table.querySelectorAll("th[aria-sort]").forEach((th) => th.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0], sign = down ? -1 : 1;
    const rows = [...body.rows].sort((a, b) => {
      const x = cellValue(a, column), y = cellValue(b, column);
      if (typeof x === "number" && typeof y === "number") return sign * (x - y);
      if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
      return sign * x.localeCompare(y, "en", { numeric: true });
    });
    body.append(...rows);
  };

  const startTables = () => {
    document.querySelectorAll("table.sortable").forEach((table) => {
      table.querySelectorAll("thead button").forEach((button) => {
        const header = button.closest("th");
        button.addEventListener("click", () => sortTable(table, header.cellIndex, header));
      });
    });
  };

  const follow = (row) => {
    const box = document.getElementById("map");
    if (!box || !app.map) return;
    box.scrollIntoView({ block: "center" });
    if (row.dataset.order !== undefined && app.player) app.player.openOrder(Number(row.dataset.order), true);
    else if (row.dataset.site !== undefined && app.sites) {
      const site = Number(row.dataset.site), marker = app.storeMarkers.get(site);
      app.map.setView(app.latLng(app.sites, site), Math.max(14, app.map.getZoom()), { animate: false });
      if (marker) marker.openPopup();
    }
  };

  const startRows = () => {
    document.querySelectorAll("tr[data-order], tr[data-site]").forEach((row) => {
      row.addEventListener("click", () => follow(row));
      row.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        follow(row);
      });
    });
  };

  startTables();
  app.startCharts();
  app.startMap();
  startRows();
  document.documentElement.dataset.ready = "true";
})();
