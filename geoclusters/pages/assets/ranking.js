"use strict";
/* The list beside the map: search, order, filter by economy; a choice in it is a choice on the map. */
(() => {
  const { element, folded, measured, number, people, percent } = geoclusters;
  const byName = new Intl.Collator("en", { sensitivity: "base", numeric: true });

  /* What the list may be ordered by: the value of a cluster, and how it is written. */
  function orders(metrics) {
    const written = (value, text) => value === null ? "–" : text(value);
    return [
      { key: "score", label: "Score", value: (c) => c.score, text: percent },
      { key: "name", label: "Name", value: (c) => c.score, text: percent },
      ...metrics.map((m, i) => ({ key: m.key, label: m.label, value: (c) => c.shares[i], text: percent })),
      { key: "intensity", label: "Intensity", value: (c) => c.intensity, text: (v) => written(v, measured) },
      { key: "population", label: "Population", value: (c) => c.population, text: (v) => written(v, people) },
    ];
  }

  /* Falling values, unknown ones last, equal ones by rank; names by the alphabet. */
  function sorted(clusters, order) {
    const compare = order.key === "name" ? (a, b) => byName.compare(a.name, b.name)
      : (a, b) => (order.value(b) ?? -Infinity) - (order.value(a) ?? -Infinity);
    return [...clusters].sort((a, b) => (order.value(a) === order.value(b) && order.key !== "name" ? 0 : compare(a, b)) || a.rank - b.rank);
  }

  /* Every economy that holds a part of a cluster, with the number of these clusters. */
  function economies(clusters) {
    const counted = new Map();
    for (const cluster of clusters) {
      for (const { code, name } of cluster.economies) {
        const known = counted.get(code) || { code, name, count: 0 };
        known.count++;
        counted.set(code, known);
      }
    }
    return [...counted.values()].sort((a, b) => byName.compare(a.name, b.name));
  }

  geoclusters.ranking = (clusters, metrics, { select, changed }) => {
    const [list, search, found, order, economy, none] =
      ["ranking", "search", "found", "order", "economy", "none"].map((id) => document.getElementById(id));
    const all = orders(metrics), rows = clusters.map((cluster) => row(cluster, select));
    const texts = clusters.map((c) => folded(`${c.rank} ${c.name} ${c.economies.map((e) => `${e.code} ${e.name}`).join(" ")}`));
    let shown = clusters;
    order.append(...all.map(({ key, label }) => element("option", { value: key }, label)));
    economy.append(element("option", { value: "" }, "All economies"),
      ...economies(clusters).map(({ code, name, count }) => element("option", { value: code }, `${name} (${count})`)));

    function arrange() {
      const chosen = all.find(({ key }) => key === order.value);
      const largest = Math.max(...clusters.map((c) => chosen.value(c) || 0), 1e-12);
      shown = sorted(clusters, chosen);
      list.append(...shown.map(({ index }) => rows[index].item));
      for (const cluster of clusters) rows[cluster.index].write(chosen.text(chosen.value(cluster)), (chosen.value(cluster) || 0) / largest);
      filter();
    }

    function filter() {
      const words = folded(search.value).split(/\s+/).filter(Boolean);
      let hits = 0;
      for (const { index, economies: own } of clusters) {
        const hit = words.every((word) => texts[index].includes(word)) && (!economy.value || own.some((e) => e.code === economy.value));
        rows[index].item.hidden = !hit;
        hits += hit;
      }
      const whole = clusters.length === 1 ? "1 cluster" : `${number(clusters.length)} clusters`;
      found.textContent = hits === clusters.length ? whole : `${number(hits)} of ${whole}`;
      none.hidden = hits > 0 || !clusters.length;
    }

    function step(event) {
      const buttons = shown.map(({ index }) => rows[index]).filter(({ item }) => !item.hidden).map(({ button }) => button);
      const at = buttons.indexOf(document.activeElement);
      const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
      const inField = event.target === search;
      if (next === undefined || !buttons.length || (inField && event.key !== "ArrowDown")) return;
      event.preventDefault();
      (next < 0 ? search : buttons[Math.min(next, buttons.length - 1)]).focus();
    }

    function choose() {
      arrange();
      changed();
    }

    document.getElementById("all").addEventListener("click", () => {
      search.value = economy.value = "";
      choose();
      search.focus();
    });
    search.addEventListener("input", filter);
    order.addEventListener("change", choose);
    economy.addEventListener("change", choose);
    search.addEventListener("keydown", step);
    list.addEventListener("keydown", step);
    arrange();
    return {
      order: () => order.value,
      economy: () => economy.value,
      set({ sort, economy: code }) {
        order.value = all.some(({ key }) => key === sort) ? sort : all[0].key;
        economy.value = [...economy.options].some(({ value }) => value === code) ? code : "";
        arrange();
      },
      mark(index) {
        rows.forEach(({ button }, i) => i === index ? button.setAttribute("aria-current", "true") : button.removeAttribute("aria-current"));
        if (index >= 0) keepInView(rows[index].item);
      },
      focus: (index) => (rows[index] && !rows[index].item.hidden ? rows[index].button : search).focus(),
    };
  };

  function keepInView(item) {
    const panel = item.closest(".panel"), head = panel.querySelector(".search").offsetHeight;
    const top = item.offsetTop - head, bottom = item.offsetTop + item.offsetHeight;
    if (top < panel.scrollTop || bottom > panel.scrollTop + panel.clientHeight) panel.scrollTop = top - 60;
  }

  function row(cluster, select) {
    const value = element("span"), bar = element("i");
    const button = element("button", { type: "button", onclick: () => select(cluster.index) },
      element("span", { class: "rank" }, element("span", { class: "hidden" }, "Rank "), String(cluster.rank)),
      element("span", { class: "name" }, element("bdi", {}, cluster.name),
        element("small", {}, cluster.economies.map((e) => e.name).join(" · "))),
      element("span", { class: "score" }, value, bar));
    return {
      button,
      item: element("li", { class: cluster.beyond ? "beyond" : null }, button),
      write(text, part) {
        value.textContent = text;
        bar.style.width = `${(100 * part).toFixed(1)}%`;
      },
    };
  }
})();
