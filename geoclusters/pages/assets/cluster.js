"use strict";
/* The map of one cluster: cells by density, the coast around it and the clusters next to it. */
(() => {
  const { shapes, number, element, colour, ramp, classOf, onTheme, legend } = geoclusters;

  function tooltip(data, i) {
    return element("div", { class: "tip" },
      element("strong", {}, `${number(data.density[i] * data.factor)} ${data.unit}`),
      element("span", {}, "density around the cell"),
      element("table", {}, element("tbody", {}, data.metrics.map((metric, m) =>
        element("tr", {}, element("th", { scope: "row" }, metric), element("td", { class: "n" }, number(data.counts[m][i])))))));
  }

  geoclusters.drawCluster = (map, data) => {
    const [west, south, east, north] = data.bounds;
    const box = L.latLngBounds([south, west], [north, east]);
    map.setMaxZoom(15);
    map.getContainer().setAttribute("aria-label", "Map; arrow keys move it, plus and minus zoom");
    L.control.zoom({ position: "topright" }).addTo(map);
    L.control.scale({ position: "bottomright", imperial: false }).addTo(map);

    const hexagons = shapes(data.cells), own = L.latLngBounds(hexagons.flat(3));
    map.fitBounds(own.pad(0.12), { animate: false, maxZoom: 13 });
    map.setMinZoom(Math.min(map.getBoundsZoom(box, true), map.getZoom())).setMaxBounds(box);

    const ground = geoclusters.land(map, data.land);
    const neighbours = shapes(data.neighbours).map((shape, i) => {
      const page = data.neighbourPages[i];
      const layer = L.polygon(shape, { weight: 1, dashArray: "4 3" }).addTo(map);
      layer.bindTooltip(() => element("span", {}, data.neighbourNames[i]), { sticky: true, className: "tip-box", opacity: 1 });
      if (page) layer.on("click", () => { location.href = `${page}.html`; });
      return layer;
    });
    const cells = hexagons.map((shape, i) =>
      L.polygon(shape, { weight: 0.5, fillOpacity: 0.85, smoothFactor: 0.3 }).addTo(map)
        .bindTooltip(() => tooltip(data, i), { sticky: true, className: "tip-box", opacity: 1 }));
    const region = L.polygon(shapes(data.region).flat(), { interactive: false, fill: false, weight: 1.5 }).addTo(map);

    const townsSeen = geoclusters.towns(data.towns);
    const names = geoclusters.labels(map, () => townsSeen(map, 0)).addTo(map);

    function recolour() {
      const colours = ramp(data.breaks.length + 1);
      cells.forEach((cell, i) => cell.setStyle({ fillColor: colours[classOf(data.density[i], data.breaks)], color: colour("halo") }));
      region.setStyle({ color: colour("ink") });
      for (const layer of neighbours) layer.setStyle({ color: colour("soft"), fillColor: colour("soft"), fillOpacity: 0.18 });
      legend({ label: "Density", unit: data.unit, breaks: data.breaks, factor: data.factor, notes: [] });
    }
    recolour();
    onTheme(() => { ground.redraw(); recolour(); names.redraw(); });
    geoclusters.page = { map, cells, neighbours };
  };
})();
