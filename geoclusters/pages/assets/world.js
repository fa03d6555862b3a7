"use strict";
/* The world map: clusters as circles from afar and as regions from near, and what leads to them. */
(() => {
  const { shapes, number, element, colour, ramp, classOf, onTheme, tabs } = geoclusters;
  const WORLD = L.latLngBounds([-56, -168], [76, 190]);
  const NEAR = 7, LEAST_REGION = 44;
  const LARGEST_RADIUS = 17, SMALLEST_RADIUS = 2.6;

  /* Columns to one object a cluster. */
  function records(data) {
    const c = data.clusters, names = data.economies;
    return c.id.map((id, index) => ({
      index, id, rank: c.rank[index], name: c.name[index], lat: c.lat[index], lon: c.lon[index],
      economies: c.economies[index].map(([code, share]) => ({ code, share, name: names[code] || code })),
      counts: c.counts.map((column) => column[index]), shares: c.shares.map((column) => column[index]),
      score: c.score[index], population: c.population[index], intensity: c.intensity[index],
      intensityRank: c.intensityRank[index], area: c.area[index], page: c.page[index],
      beyond: c.rank[index] > data.top,
    }));
  }

  /* What may shade the map: a value for each cluster, round limits, a unit. */
  function shadings(data) {
    const share = (key, label, value) =>
      ({ key, label, value, breaks: data.breaks[key], factor: 100, unit: "% of the world" });
    const score = share("score", "Score", (c) => c.score);
    score.unit = "%, sum of the shares";
    return [score,
      ...data.metrics.map((m, i) => share(m.key, m.label, (c) => c.shares[i])),
      { key: "intensity", label: "Intensity", value: (c) => c.intensity, breaks: data.breaks.intensity, factor: 1,
        unit: "points of score per million inhabitants" }];
  }

  geoclusters.drawWorld = (map, data) => {
    const clusters = records(data), shades = shadings(data);
    let shade = shades[0], selected = -1;

    map.setMinZoom(0.5).setMaxZoom(13);
    map.fitBounds(WORLD, { animate: false });
    map.setMaxBounds([[-85, -260], [85.06, 282]]);
    L.control.zoom({ position: "topright" }).addTo(map);
    L.control.scale({ position: "bottomright", imperial: false }).addTo(map);
    map.getContainer().setAttribute("aria-label", "Map; arrow keys move it, plus and minus zoom");

    const ground = geoclusters.land(map, data.land, data.coast);
    const renderer = L.canvas({ padding: 0.3 });
    const regionShapes = shapes(data.regions);
    const regions = L.layerGroup().addTo(map), circles = L.layerGroup().addTo(map);
    const largest = Math.max(...clusters.map((c) => c.score), 1e-12);

    function fill(cluster) {
      const value = shade.value(cluster);
      return value === null ? colour("unknown") : ramp(shade.breaks.length + 1)[classOf(value, shade.breaks)];
    }

    function lively(layer, cluster) {
      layer.bindTooltip(() => geoclusters.tooltip(cluster, data.metrics), { sticky: true, opacity: 1, className: "tip-box" });
      layer.on("click", (event) => {
        L.DomEvent.stopPropagation(event);
        select(cluster.index);
      });
      return layer;
    }

    for (const cluster of clusters) {
      const faint = cluster.beyond ? 0.45 : 1;
      cluster.bounds = L.latLngBounds(regionShapes[cluster.index].flat(2).concat([[cluster.lat, cluster.lon]]));
      cluster.region = lively(L.polygon(regionShapes[cluster.index], {
        renderer, weight: 1.2, opacity: faint, fillOpacity: 0.62 * faint, smoothFactor: 0.7 }), cluster);
      cluster.circle = lively(L.circleMarker([cluster.lat, cluster.lon], {
        renderer, weight: 1, opacity: faint, fillOpacity: 0.92 * faint }), cluster);
    }

    function radius(cluster) {
      const grown = LARGEST_RADIUS * Math.min(1.5, Math.max(0.62, 1 + 0.16 * (map.getZoom() - 2)));
      return Math.max(SMALLEST_RADIUS, grown * Math.sqrt(cluster.score / largest));
    }

    /* A circle gives way when the region is plainly larger on the screen. */
    function isSmall(cluster) {
      const width = cluster.bounds.getEast() - cluster.bounds.getWest();
      return 256 * 2 ** map.getZoom() * width / 360 < Math.max(LEAST_REGION, 3 * radius(cluster));
    }

    const wanted = { beyond: true, regions: true, cells: true };

    function arrange() {
      for (const cluster of clusters) {
        const shown = wanted.beyond || !cluster.beyond;
        cluster.small = !wanted.regions || isSmall(cluster);
        place(regions, cluster.region, shown && wanted.regions);
        place(circles, cluster.circle.setRadius(radius(cluster)), shown && cluster.small);
      }
      /* Small ones lie on large ones, and the pale ones under all. */
      for (const cluster of [...clusters].sort((a, b) => b.beyond - a.beyond || a.rank - b.rank)) {
        if (cluster.small) cluster.circle.bringToFront();
      }
      arrangeCells();
    }

    function place(group, layer, shown) {
      if (shown !== group.hasLayer(layer)) shown ? group.addLayer(layer) : group.removeLayer(layer);
    }

    function recolour() {
      for (const cluster of clusters) {
        const fillColor = fill(cluster), on = cluster.index === selected;
        cluster.region.setStyle({ fillColor, color: on ? colour("accent") : colour("edge"), weight: on ? 2.5 : map.getZoom() < NEAR ? 0.6 : 1.2 });
        if (cluster.cells) cluster.cells.setStyle({ fillColor, color: colour("edge") });
        cluster.circle.setStyle({ fillColor, color: on ? colour("accent") : colour("halo"), weight: on ? 3 : 1 });
      }
    }

    /* First the numbers that fit into their circles, then as many names as there is room for. */
    const townsSeen = geoclusters.towns(data.towns);
    const names = geoclusters.labels(map, (view) => {
      const most = view.zoom < 2 ? 12 : view.zoom < 3 ? 26 : view.zoom < 4 ? 60 : clusters.length;
      const own = clusters.filter((c) => wanted.beyond || !c.beyond).map((c, i) => label(c, i < most, view.zoom));
      const written = new Set(own.filter((l) => l.text).map((l) => l.first));
      return [...own, ...townsSeen(map, 5.5).filter((town) => !written.has(town.text))];
    });

    function label(cluster, named, zoom) {
      const size = cluster.small ? radius(cluster) : 0, inside = size >= 7.5;
      const first = cluster.name.split("–")[0], name = zoom < 4.5 ? first : cluster.name;
      const short = name.length > 40 ? `${name.slice(0, 39)}…` : name;
      return {
        lat: cluster.lat, lon: cluster.lon, radius: size, fill: fill(cluster), ink: ink(fill(cluster)), first,
        number: inside ? String(cluster.rank) : null,
        text: named ? short : null, textWithRank: `${cluster.rank} ${short}`,
        strong: cluster.rank <= 10 || !cluster.small,
      };
    }

    const noise = geoclusters.dots(map, data.noise);
    const outlines = L.layerGroup().addTo(map);

    /* The cells are unpacked when they are near enough to be seen for the first time. */
    function arrangeCells() {
      const shown = wanted.cells && map.getZoom() >= NEAR;
      if (shown && !clusters[0]?.cells) {
        const quiet = L.canvas({ pane: geoclusters.pane(map, "outlines", 420), padding: 0.3 });
        shapes(data.outlines).forEach((shape, i) => {
          clusters[i].cells = L.polygon(shape, { renderer: quiet, interactive: false, weight: 0.5, opacity: 0.35,
            fillOpacity: clusters[i].beyond ? 0.25 : 0.5, smoothFactor: 0.5, color: colour("edge"), fillColor: fill(clusters[i]) });
        });
      }
      for (const cluster of clusters) {
        if (!cluster.cells) continue;
        place(outlines, cluster.cells, shown && (wanted.beyond || !cluster.beyond));
        cluster.region.setStyle({ fillOpacity: (shown ? 0.4 : 0.62) * (cluster.beyond ? 0.45 : 1) });
      }
    }

    const list = geoclusters.ranking(clusters, (index) => select(index));
    const card = geoclusters.card(data.metrics, clusters, () => select(-1));

    function zoomTo(cluster) {
      const side = map.getSize().x > 700 ? 340 : 10;
      map.fitBounds(cluster.bounds, {
        paddingTopLeft: [side, 30], paddingBottomRight: [50, 50], maxZoom: 10,
        animate: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      });
    }

    /* The address holds what is selected, so that back, forward and a sent link show it. */
    function select(index) {
      const hash = index < 0 ? "" : `#cluster=${clusters[index].id}`;
      if (location.hash === hash) return follow();
      if (hash) location.hash = hash;
      else { history.pushState(null, "", location.pathname + location.search); follow(); }
    }

    function follow() {
      const id = decodeURIComponent((location.hash.match(/cluster=([^&]*)/) || [])[1] || "");
      selected = clusters.findIndex((cluster) => cluster.id === id);
      list.mark(selected);
      recolour();
      if (selected < 0) return card.hide();
      card.show(clusters[selected]);
      zoomTo(clusters[selected]);
    }

    function setShade(next) {
      shade = next;
      recolour();
      names.redraw();
      const pale = clusters.some((c) => c.beyond) ? [`pale: beyond the first ${number(data.top)}`] : [];
      geoclusters.legend({ ...shade, notes: [...pale, dotKey()] });
    }

    function toggle(layer) {
      return (on) => on ? map.addLayer(layer) : map.removeLayer(layer);
    }

    function rearrange(key) {
      return (on) => { wanted[key] = on; arrange(); names.redraw(); };
    }

    controls(shades, setShade, [
      ["Regions of the clusters", true, rearrange("regions")],
      ["Cells of the clusters (from near)", true, rearrange("cells")],
      [`Activity outside the clusters (${number(data.noise.cells)} cells)`, true, toggle(noise)],
      ["Ranks and names", true, toggle(names)],
      ...(clusters.some((c) => c.beyond) ? [[`Clusters beyond the first ${data.top}`, true, rearrange("beyond")]] : []),
    ]);
    arrange();
    noise.addTo(map);
    names.addTo(map);
    setShade(shade);
    map.on("zoomend", () => { arrange(); recolour(); names.redraw(); });
    map.on("click", () => { if (selected >= 0) select(-1); });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape" && selected >= 0) select(-1); });
    window.addEventListener("hashchange", follow);
    window.addEventListener("popstate", follow);
    tabs(document.querySelector("[role=tablist]"));
    onTheme(() => {
      ground.redraw();
      noise.redraw();
      setShade(shade);
    });
    if (location.hash) follow();
    geoclusters.page = { map, clusters, regions, circles, noise, select, selected: () => clusters[selected] };
  };

  function dotKey() {
    return element("span", { class: "key" }, element("i", { class: "dot" }), "activity outside the clusters");
  }

  /* Dark text on light fills and the reverse. */
  function ink(fillColour) {
    const [r, g, b] = fillColour.match(/\w\w/g).map((part) => parseInt(part, 16));
    return 0.299 * r + 0.587 * g + 0.114 * b > 150 ? "#10151c" : "#ffffff";
  }

  function controls(shades, setShade, layers) {
    document.getElementById("shades").append(...shades.map((shade, i) =>
      element("label", {}, element("input", { type: "radio", name: "shade", value: shade.key, checked: i === 0 ? "" : null,
        onchange: () => setShade(shade) }), shade.label)));
    document.getElementById("layers").append(...layers.map(([label, on, change]) =>
      element("label", {}, element("input", { type: "checkbox", checked: on ? "" : null,
        onchange: (event) => change(event.target.checked) }), label)));
  }
})();
