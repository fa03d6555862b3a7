"use strict";
/* What is said of one cluster: the tooltip under the pointer and the card of the selected one. */
(() => {
  const { element, number, people, percent } = geoclusters;

  function economies(cluster) {
    return cluster.economies.length < 2
      ? cluster.economies.map((e) => e.name).join("")
      : cluster.economies.map((e) => `${e.name} ${percent(e.share)}`).join(" · ");
  }

  function measures(cluster, metrics, largest) {
    const rows = metrics.map((metric, i) =>
      element("tr", {},
        element("th", { scope: "row" }, metric.label),
        element("td", { class: "n" }, number(cluster.counts[i] === null ? null : Math.round(cluster.counts[i]))),
        element("td", { class: "n" }, percent(cluster.shares[i])),
        largest && element("td", { class: "bar", "aria-hidden": "true" },
          element("i", { style: `width:${(100 * cluster.shares[i] / (largest[i] || 1)).toFixed(1)}%` }))));
    const score = element("tr", { class: "total" },
      element("th", { scope: "row" }, "Score"), element("td"),
      element("td", { class: "n" }, percent(cluster.score)), largest && element("td"));
    return element("table", {},
      element("thead", {}, element("tr", {}, element("td"),
        element("th", { scope: "col", class: "n" }, "Documents"),
        element("th", { scope: "col", class: "n" }, "of the world"), largest && element("td"))),
      element("tbody", {}, rows, score));
  }

  function inhabitants(cluster) {
    if (cluster.population === null) return "Population not known";
    const rank = cluster.intensityRank === null ? "" : ` (rank ${number(cluster.intensityRank)})`;
    return `${people(cluster.population)} inhabitants · intensity ${number(cluster.intensity)}${rank}`;
  }

  geoclusters.tooltip = (cluster, metrics) =>
    element("div", { class: "tip" },
      element("strong", {}, `${cluster.rank}  `, element("bdi", {}, cluster.name)),
      element("span", {}, economies(cluster)),
      measures(cluster, metrics),
      element("span", {}, inhabitants(cluster)));

  geoclusters.card = (metrics, clusters, close) => {
    const card = document.getElementById("card");
    const largest = metrics.map((_, i) => Math.max(...clusters.map((c) => c.shares[i] || 0), 0));
    return {
      show(cluster) {
        card.replaceChildren(
          element("button", { type: "button", class: "close", "aria-label": "Close", onclick: close }, "×"),
          element("p", { class: "kicker" }, `Rank ${number(cluster.rank)} of ${number(clusters.length)}`),
          element("h2", {}, element("bdi", {}, cluster.name)),
          element("p", {}, economies(cluster)),
          measures(cluster, metrics, largest),
          element("p", {}, inhabitants(cluster)),
          element("p", {}, `${number(cluster.area)} km²`),
          cluster.page ? element("a", { href: `clusters/${cluster.id}.html` }, "Everything about this cluster →") : null);
        card.hidden = false;
      },
      hide() {
        card.hidden = true;
      },
    };
  };
})();
