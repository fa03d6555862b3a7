"use strict";
/* The map of one cluster: cells by activity or density, what lies outside, the clusters next to it. */
(() => {
  const { shapes, points, bytes, number, element, colour, ramp, classOf, onTheme } = geoclusters;
  const BORDER_CELL = 0.55, CORE_CELL = 0.9, DOT = 0.75, PAPER_WIDTH = 660;

  function tooltip(data, core, i) {
    return element("div", { class: "tip" },
      element("strong", {}, core[i] ? "Core cell" : "Border cell"),
      data.scales.map((scale) =>
        element("span", {}, `${scale.label}: ${number(scale.values[i] * scale.factor)} ${scale.unit}`)),
      element("table", {}, element("tbody", {}, data.metrics.map((metric, m) =>
        element("tr", {}, element("th", { scope: "row" }, metric), element("td", { class: "n" }, number(data.counts[m][i])))))));
  }

  /* Classes under the threshold are grey, those above take the colours of the scale. */
  function colours({ breaks, under }) {
    const greys = Array.from({ length: under }, (_, i) => colour(`under-${i}`));
    return [...greys, ...ramp(breaks.length + 1 - under)];
  }

  function switches(scales, choose) {
    const field = document.getElementById("scales");
    field.append(...scales.map((scale, i) => element("label", {},
      element("input", { type: "radio", name: "scale", value: scale.key, checked: i === 0, onchange: () => choose(scale) }),
      element("span", {}, scale.key === "density" ? "Density" : "Activity"))));
  }

  function controls(map, data, own) {
    const [west, south, east, north] = data.bounds;
    const box = L.latLngBounds([south, west], [north, east]);
    map.setMaxZoom(15);
    map.getContainer().setAttribute("aria-label", "Map; arrow keys move it, plus and minus zoom");
    L.control.zoom({ position: "topright" }).addTo(map);
    L.control.scale({ position: "bottomright", imperial: false }).addTo(map);
    map.fitBounds(own.pad(0.12), { animate: false, maxZoom: 13 });
    map.setMinZoom(Math.min(map.getBoundsZoom(box, true), map.getZoom())).setMaxBounds(box);
  }

  function neighbourLayers(map, data) {
    return shapes(data.neighbours).map((shape, i) => {
      const page = data.neighbourPages[i];
      const layer = L.polygon(shape, { weight: 1, dashArray: "4 3" }).addTo(map);
      layer.bindTooltip(() => element("span", {}, data.neighbourNames[i]), { sticky: true, className: "tip-box", opacity: 1 });
      if (page) layer.on("click", () => { location.href = `${page}.html`; });
      return layer;
    });
  }

  function dotLayers(map, packed) {
    const degrees = points(packed);
    return Array.from({ length: degrees.length / 2 }, (_, i) =>
      L.circle([degrees[2 * i], degrees[2 * i + 1]], { radius: packed.radius, stroke: false, fillOpacity: DOT, interactive: false }).addTo(map));
  }

  /* On paper the map stays as it is drawn, smaller where a sheet is narrower. */
  function forPaper(container) {
    const stage = container.closest(".stage");
    window.addEventListener("beforeprint", () => {
      const { offsetWidth: width, offsetHeight: height } = stage;
      Object.assign(stage.style, { width: `${width}px`, height: `${height}px`, zoom: Math.min(1, PAPER_WIDTH / width) });
      container.style.background = getComputedStyle(container).backgroundColor;
    });
    window.addEventListener("afterprint", () => {
      stage.removeAttribute("style");
      container.style.background = "";
    });
  }

  geoclusters.drawCluster = (map, data) => {
    const hexagons = shapes(data.cells), core = bytes(data.core);
    controls(map, data, L.latLngBounds(hexagons.flat(3)));
    const ground = geoclusters.land(map, data.land);
    const dots = dotLayers(map, data.dots);
    const neighbours = neighbourLayers(map, data);
    const cells = hexagons.map((shape, i) =>
      L.polygon(shape, { weight: 0.5, smoothFactor: 0.3, fillOpacity: core[i] ? CORE_CELL : BORDER_CELL }).addTo(map)
        .bindTooltip(() => tooltip(data, core, i), { sticky: true, className: "tip-box", opacity: 1 }));
    const region = L.polygon(shapes(data.region).flat(), { interactive: false, fill: false, weight: 1.8 }).addTo(map);
    const townsSeen = geoclusters.towns(data.towns);
    const names = geoclusters.labels(map, () => townsSeen(map, 0)).addTo(map);
    let shown = data.scales[0];

    function recolour() {
      const inks = colours(shown), classes = bytes(shown.dots);
      cells.forEach((cell, i) => cell.setStyle({ fillColor: inks[classOf(shown.values[i], shown.breaks)], color: colour("halo") }));
      dots.forEach((dot, i) => dot.setStyle({ fillColor: inks[classes[i]] }));
      region.setStyle({ color: colour("ink") });
      for (const layer of neighbours) layer.setStyle({ color: colour("soft"), fillColor: colour("soft"), fillOpacity: 0.06 });
      geoclusters.legend({ ...shown, colours: inks });
      names.redraw();
    }
    switches(data.scales, (scale) => { shown = scale; recolour(); });
    recolour();
    geoclusters.takeaway(data.takeaway);
    onTheme(() => { ground.redraw(); recolour(); });
    forPaper(map.getContainer());
    geoclusters.page = { map, cells, dots, neighbours, shown: () => shown.key };
  };
})();
