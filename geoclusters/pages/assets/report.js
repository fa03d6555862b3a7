"use strict";
/* The report: tables that sort and filter, what a point says under the pointer or in focus, printing. */
(() => {
  const { folded, number } = geoclusters;
  const inOrder = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  function valueOf(row, column) {
    const cell = row.cells[column];
    return cell.dataset.v === undefined ? cell.textContent.trim() : cell.dataset.v;
  }

  /* What is not known stays last, whichever way the column runs. */
  function compared(a, b, numeric, direction) {
    if (a === "" || b === "") return (a === "") - (b === "");
    return direction * (numeric ? a - b : inOrder.compare(a, b));
  }

  /* A first press sorts numbers from the largest, except ranks, and words from A. */
  function firstDirection(head) {
    return head.classList.contains("n") && !/rank|place/i.test(head.textContent) ? -1 : 1;
  }

  function sort(table, heads, column) {
    const head = heads[column], now = head.getAttribute("aria-sort");
    const direction = now ? (now === "ascending" ? -1 : 1) : firstDirection(head);
    const body = table.tBodies[0], numeric = head.classList.contains("n");
    const rows = [...body.rows].map((row) => [valueOf(row, column), row]);
    rows.sort(([a], [b]) => compared(a, b, numeric, direction));
    body.append(...rows.map(([, row]) => row));
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
  }

  function wire(box) {
    const table = box.querySelector("table"), heads = [...table.tHead.rows[0].cells];
    const search = box.querySelector("input"), all = box.querySelector("button.all"), told = box.querySelector("[role=status]");
    const rows = [...table.tBodies[0].rows], texts = rows.map((row) => folded(row.textContent));
    heads.forEach((head, column) =>
      head.querySelector("button").addEventListener("click", () => sort(table, heads, column)));

    /* A filter looks at every row, also at those behind the switch. */
    function show() {
      const words = folded(search.value).split(/\s+/).filter(Boolean);
      const every = words.length > 0 || all?.getAttribute("aria-pressed") === "true";
      let shown = 0;
      rows.forEach((row, i) => {
        row.hidden = !words.every((word) => texts[i].includes(word)) || (!every && row.classList.contains("beyond"));
        shown += !row.hidden;
      });
      told.textContent = words.length ? `${number(shown)} of ${number(rows.length)}` : "";
    }
    search.addEventListener("input", show);
    all?.addEventListener("click", () => {
      const on = all.getAttribute("aria-pressed") !== "true";
      all.setAttribute("aria-pressed", on);
      all.dataset.more ||= all.textContent;
      all.textContent = on ? "Show fewer" : all.dataset.more;
      show();
    });
    show();
  }

  function tips() {
    const box = document.getElementById("tip");
    const hide = () => { box.hidden = true; };
    function show(event) {
      const of = event.target.closest?.("[data-tip]");
      if (!of) return hide();
      box.textContent = of.dataset.tip;
      box.hidden = false;
      const at = of.getBoundingClientRect(), own = box.getBoundingClientRect();
      const left = Math.max(8, Math.min(at.left + at.width / 2 - own.width / 2, document.documentElement.clientWidth - own.width - 8));
      const above = at.top - own.height - 8;
      box.style.left = `${left + scrollX}px`;
      box.style.top = `${(above > 0 ? above : at.bottom + 8) + scrollY}px`;
    }
    document.addEventListener("pointerover", show);
    document.addEventListener("focusin", show);
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
    document.addEventListener("click", (event) => {
      const page = event.target.dataset?.page;
      if (page) location.href = page;
    });
  }

  /* One stop for the tab key; arrows go on by rank. */
  function walk(chart) {
    const points = [...chart.querySelectorAll("[data-rank]")].sort((a, b) => a.dataset.rank - b.dataset.rank);
    if (points.length && !points.some((p) => p.tabIndex === 0)) points[0].setAttribute("tabindex", 0);
    chart.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const at = points.indexOf(document.activeElement);
      if (!step || at < 0) return;
      event.preventDefault();
      const next = points[(at + step + points.length) % points.length];
      points[at].setAttribute("tabindex", -1);
      next.setAttribute("tabindex", 0);
      next.focus();
    });
  }

  geoclusters.drawReport = () => {
    document.querySelectorAll(".sorted").forEach(wire);
    const chart = document.getElementById("scatter");
    if (chart) walk(chart);
    tips();
    document.getElementById("print").addEventListener("click", () => print());
    geoclusters.page = { tables: document.querySelectorAll(".sorted table").length };
  };
})();
