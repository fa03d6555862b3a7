"use strict";
/* The ranked list beside the map, and the search in it. */
(() => {
  const { element, folded, number, percent } = geoclusters;

  geoclusters.ranking = (clusters, select) => {
    const list = document.getElementById("ranking");
    const search = document.getElementById("search"), found = document.getElementById("found");
    const largest = Math.max(...clusters.map((c) => c.score), 1e-12);
    const rows = clusters.map((cluster) => row(cluster, largest, select));
    const texts = clusters.map((c) =>
      folded(`${c.rank} ${c.name} ${c.economies.map((e) => `${e.code} ${e.name}`).join(" ")}`));
    list.append(...rows);

    function filter() {
      const words = folded(search.value).split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((item, i) => {
        item.hidden = !words.every((word) => texts[i].includes(word));
        shown += !item.hidden;
      });
      found.textContent = !words.length ? "" : shown === 1 ? "1 cluster" : `${number(shown)} clusters`;
    }

    function step(event) {
      const direction = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const buttons = rows.filter((item) => !item.hidden).map((item) => item.firstChild);
      if (!direction || !buttons.length) return;
      event.preventDefault();
      const next = buttons.indexOf(document.activeElement) + direction;
      (next < 0 ? search : buttons[Math.min(next, buttons.length - 1)]).focus();
    }

    search.addEventListener("input", filter);
    search.addEventListener("keydown", step);
    list.addEventListener("keydown", step);
    return {
      mark(index) {
        rows.forEach((item, i) => item.firstChild.toggleAttribute("aria-current", i === index));
        if (index >= 0) keepInView(rows[index]);
      },
    };
  };

  function keepInView(item) {
    const panel = item.closest(".panel"), head = panel.querySelector(".search").offsetHeight;
    const top = item.offsetTop - panel.offsetTop - head, bottom = top + head + item.offsetHeight;
    if (top < panel.scrollTop || bottom > panel.scrollTop + panel.clientHeight) panel.scrollTop = top - 60;
  }

  function row(cluster, largest, select) {
    return element("li", { class: cluster.beyond ? "beyond" : null },
      element("button", { type: "button", onclick: () => select(cluster.index) },
        element("span", { class: "rank" }, String(cluster.rank)),
        element("span", { class: "name" }, element("bdi", {}, cluster.name),
          element("small", {}, cluster.economies.map((e) => e.name).join(" · "))),
        element("span", { class: "score" }, percent(cluster.score),
          element("i", { style: `width:${(100 * cluster.score / largest).toFixed(1)}%` }))));
  }
})();
