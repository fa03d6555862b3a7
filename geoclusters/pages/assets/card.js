"use strict";
/* What is said of one cluster: the tooltip under the pointer and the card of the chosen one. */
(() => {
  const { element, measured, number, people, percent } = geoclusters;
  const MOST_PARTNERS = 5, LEAST_REST = 0.001;

  function economies(cluster) {
    return cluster.economies.length < 2
      ? cluster.economies.map((e) => e.name).join("")
      : cluster.economies.map((e) => `${e.name} ${percent(e.share)}`).join(" · ");
  }

  /* One economy as a word, several as a bar of their shares. */
  function economyBar(cluster) {
    if (cluster.economies.length < 2) return element("p", {}, economies(cluster));
    const rest = 1 - cluster.economies.reduce((sum, e) => sum + e.share, 0);
    const parts = [...cluster.economies, ...(rest > LEAST_REST ? [{ name: "others", share: rest }] : [])];
    return element("div", { class: "stacked" },
      element("div", { class: "bar", "aria-hidden": "true" },
        parts.map((part, i) => element("i", { class: `kind-${i % 8}`, style: `width:${(100 * part.share).toFixed(2)}%` }))),
      element("ul", {}, parts.map((part, i) => element("li", {},
        element("i", { class: `kind-${i % 8}`, "aria-hidden": "true" }), element("bdi", {}, part.name), ` ${percent(part.share)}`))));
  }

  function measures(cluster, metrics, largest) {
    const rows = metrics.map((metric, i) =>
      element("tr", {},
        element("th", { scope: "row" }, metric.label),
        element("td", { class: "n" }, number(cluster.counts[i])),
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
    return `${people(cluster.population)} inhabitants · intensity ${measured(cluster.intensity)}${rank}`;
  }

  function facts(cluster) {
    const lines = cluster.population === null ? [["Population", "not known"]] : [
      ["Population", `${people(cluster.population)}`, cluster.source],
      ["Intensity", measured(cluster.intensity), cluster.intensityRank === null ? "points of score per million inhabitants"
        : `rank ${number(cluster.intensityRank)}; points of score per million inhabitants`]];
    lines.push(["Area", `${number(cluster.area)} km²`, `${number(cluster.nCells)} cells, of these ${number(cluster.core)} core`]);
    return element("dl", {}, lines.map(([term, value, note]) =>
      element("div", {}, element("dt", {}, term), element("dd", {}, value, note ? element("small", {}, note) : null))));
  }

  function counted(counts, metrics) {
    return metrics.map((metric, i) => counts[i] > 0 && `${number(counts[i])} ${metric.words}`).filter(Boolean).join(", ");
  }

  function names(title, given, cluster, metrics) {
    const own = given.of[cluster.index];
    return own?.length ? element("section", {}, element("h3", {}, title),
      element("ul", { class: "lines" }, own.map(([name, ...counts]) =>
        element("li", {}, element("bdi", {}, given.names[name]), element("small", {}, counted(counts, metrics)))))) : null;
  }

  function partnerList(own, clusters, metrics, { select, showLinks }) {
    if (!own.length) return null;
    return element("section", {}, element("h3", {}, "Main partners"),
      element("ul", { class: "lines partners" }, own.slice(0, MOST_PARTNERS).map((partner) =>
        element("li", {}, element("button", { type: "button", onclick: () => select(partner.index) }, element("bdi", {}, clusters[partner.index].name)),
          element("small", {}, counted(partner.counts, metrics))))),
      element("button", { type: "button", class: "plain", onclick: showLinks }, "Show the links on the map"));
  }

  geoclusters.tooltip = (cluster, metrics) =>
    element("div", { class: "tip" },
      element("strong", {}, `${cluster.rank}  `, element("bdi", {}, cluster.name)),
      element("span", {}, economies(cluster)),
      measures(cluster, metrics),
      element("span", {}, inhabitants(cluster)));

  geoclusters.card = (data, clusters, partners, actions) => {
    const card = document.getElementById("card"), { metrics } = data;
    const largest = metrics.map((_, i) => Math.max(...clusters.map((c) => c.shares[i] || 0), 0));
    return {
      show(cluster) {
        card.replaceChildren(
          element("button", { type: "button", class: "close", "aria-label": "Close", onclick: actions.close }, "×"),
          element("p", { class: "kicker" }, `Rank ${number(cluster.rank)} of ${number(clusters.length)}`),
          element("h2", { tabindex: "-1" }, element("bdi", {}, cluster.name)),
          economyBar(cluster),
          measures(cluster, metrics, largest),
          facts(cluster),
          ...[partnerList(partners[cluster.index], clusters, metrics, actions),
            names("Largest organisations", data.organisations, cluster, metrics),
            names("Largest fields", data.fields, cluster, metrics),
            cluster.page ? element("p", { class: "more" }, element("a", { href: `clusters/${cluster.id}.html` }, "Everything about this cluster →")) : null,
          ].filter(Boolean));
        card.hidden = false;
        card.scrollTop = 0;
      },
      focus: () => card.querySelector("h2")?.focus({ preventScroll: true }),
      hide() {
        card.hidden = true;
      },
    };
  };
})();
