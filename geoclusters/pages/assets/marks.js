"use strict";
/* The clusters on the map: circles from afar, regions from near, their cells from very near, ranks and names. */
(() => {
  const { shapes, colour } = geoclusters;
  const NEAR = 7, LEAST_REGION = 44, LEAST_OUTLINE = 56;
  const LARGEST_RADIUS = 17, SMALLEST_RADIUS = 2.6;
  const PALE = 0.45, FADED = 0.16;

  /* `state` says what is shown and is read anew at each turn: fill, selected, economy, shown, bare. */
  geoclusters.marks = (map, data, clusters, state, select) => {
    const renderer = L.canvas({ padding: 0.3 });
    const regionShapes = shapes(data.regions);
    const regions = L.layerGroup().addTo(map), circles = L.layerGroup().addTo(map);
    const largest = Math.max(...clusters.map((c) => c.score), 1e-12);

    function lively(layer, cluster) {
      layer.bindTooltip(() => geoclusters.tooltip(cluster, data.metrics), { sticky: true, opacity: 1, className: "tip-box" });
      layer.on("click", (event) => {
        L.DomEvent.stopPropagation(event);
        select(cluster.index);
      });
      return layer;
    }

    for (const cluster of clusters) {
      cluster.bounds = L.latLngBounds(regionShapes[cluster.index].flat(2).concat([[cluster.lat, cluster.lon]]));
      cluster.region = lively(L.polygon(regionShapes[cluster.index], { renderer, smoothFactor: 0.7 }), cluster);
      cluster.circle = lively(L.circleMarker([cluster.lat, cluster.lon], { renderer, weight: 1 }), cluster);
    }

    function radius(cluster) {
      const grown = LARGEST_RADIUS * Math.min(1.5, Math.max(0.62, 1 + 0.16 * (map.getZoom() - 2)));
      return Math.max(SMALLEST_RADIUS, grown * Math.sqrt(cluster.score / largest));
    }

    function width(cluster) {
      return 256 * 2 ** map.getZoom() * (cluster.bounds.getEast() - cluster.bounds.getWest()) / 360;
    }

    /* A circle gives way when the region is plainly larger on the screen, or at once where the density is to be seen. */
    function isSmall(cluster) {
      if (state.bare()) return width(cluster) < LEAST_OUTLINE;
      return width(cluster) < Math.max(LEAST_REGION, 3 * radius(cluster));
    }

    function isMeant(cluster) {
      return !state.economy() || cluster.economies.some((e) => e.code === state.economy());
    }

    function strength(cluster) {
      return (cluster.beyond ? PALE : 1) * (isMeant(cluster) ? 1 : FADED);
    }

    function place(group, layer, shown) {
      if (shown !== group.hasLayer(layer)) shown ? group.addLayer(layer) : group.removeLayer(layer);
    }

    function arrange() {
      const { shown } = state;
      for (const cluster of clusters) {
        cluster.shown = shown.beyond || !cluster.beyond;
        cluster.small = !shown.regions || isSmall(cluster);
        place(regions, cluster.region, cluster.shown && shown.regions);
        place(circles, cluster.circle.setRadius(radius(cluster)), cluster.shown && cluster.small);
      }
      /* Small ones lie on large ones, and the pale ones under all. */
      for (const cluster of [...clusters].sort((a, b) => isMeant(a) - isMeant(b) || b.beyond - a.beyond || a.rank - b.rank)) {
        if (cluster.small && cluster.shown) cluster.circle.bringToFront();
      }
      arrangeCells();
      recolour();
    }

    /* The cells, by cluster, are unpacked when they are near enough to be seen for the first time. Nobody touches them:
       they are painted without an object each, and only those in view. */
    let unpacked = null;
    const cells = new geoclusters.PaintLayer((context, view) => {
      unpacked ||= geoclusters.parted(data.outlines);
      context.strokeStyle = colour("edge") + alpha(0.35);
      context.lineWidth = 0.5;
      for (const cluster of clusters) {
        if (!cluster.shown) continue;
        context.fillStyle = state.fill(cluster) + alpha(0.5 * (cluster.index === state.selected() ? 1 : strength(cluster)));
        for (const polygon of unpacked[cluster.index]) geoclusters.trace(context, view, polygon);
      }
    }, { pane: geoclusters.pane(map, "outlines", 420) });

    function arrangeCells() {
      const near = state.shown.cells && !state.bare() && map.getZoom() >= NEAR;
      for (const cluster of clusters) cluster.near = near;
      if (near !== map.hasLayer(cells)) near ? map.addLayer(cells) : map.removeLayer(cells);
    }

    function recolour() {
      const accent = colour("accent"), edge = colour(state.bare() ? "outline" : "edge"), halo = colour("halo"), thin = map.getZoom() < NEAR ? 0.6 : 1.2;
      for (const cluster of clusters) {
        const fillColor = state.fill(cluster), on = cluster.index === state.selected(), full = on ? 1 : strength(cluster), bare = state.bare();
        cluster.region.setStyle({ fillColor, color: on ? accent : edge, weight: on ? 2.5 : bare ? 1.4 : thin,
          opacity: bare && cluster.small ? 0 : full, fillOpacity: bare ? 0 : (cluster.near ? 0.4 : 0.62) * full });
        cluster.circle.setStyle({ fillColor, color: on ? accent : bare ? edge : halo, weight: on ? 3 : 1,
          opacity: bare && !on ? 0 : full, fillOpacity: bare ? 0 : 0.92 * full });
      }
      cells.redraw();
    }

    /* First the numbers that fit into their circles, then as many names as there is room for. */
    const townsSeen = geoclusters.towns(data.towns);
    const names = geoclusters.labels(map, (view) => {
      const most = view.zoom < 2 ? 12 : view.zoom < 3 ? 26 : view.zoom < 4 ? 60 : clusters.length;
      const meant = clusters.filter((c) => c.shown && isMeant(c));
      const own = [...meant.filter((c) => c.index === state.selected()), ...meant.filter((c) => c.index !== state.selected())]
        .map((c, i) => label(c, i < most, view.zoom));
      const written = new Set(own.filter((l) => l.text).map((l) => l.first));
      return [...own, ...townsSeen(map, 5.5).filter((town) => !written.has(town.text))];
    });

    function label(cluster, named, zoom) {
      const size = cluster.small && !state.bare() ? radius(cluster) : 0, inside = size >= 7.5;
      const first = cluster.name.split("–")[0], name = zoom < 4.5 ? first : cluster.name;
      const short = name.length > 40 ? `${name.slice(0, 39)}…` : name, fill = state.fill(cluster);
      return {
        lat: cluster.lat, lon: cluster.lon, radius: size, fill, ink: ink(fill), first,
        number: inside ? String(cluster.rank) : null,
        text: named ? short : null, textWithRank: `${cluster.rank} ${short}`,
        strong: cluster.rank <= 10 || !cluster.small || cluster.index === state.selected(),
      };
    }

    return { regions, circles, names, arrange, recolour, isMeant };
  };

  /* The part of a colour of six digits that says how much it covers. */
  function alpha(part) {
    return Math.round(255 * part).toString(16).padStart(2, "0");
  }

  const DARK_INK = "#10151c", LIGHT_INK = "#ffffff", LEAST_CONTRAST = 4;

  /* Relative luminance of WCAG 2. */
  function luminance(hex) {
    const [r, g, b] = hex.match(/\w\w/g).map((part) => parseInt(part, 16) / 255)
      .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  /* Light text while it can be read, then dark text. */
  function ink(fillColour) {
    return 1.05 / (luminance(fillColour) + 0.05) >= LEAST_CONTRAST ? LIGHT_INK : DARK_INK;
  }
  geoclusters.ink = ink;
})();
