"use strict";
/* The world map: what is chosen and shown, and the parts that draw it. */
(() => {
  const { number, element, colour, ramp, classOf, onTheme, tabs, address } = geoclusters;
  const WORLD = L.latLngBounds([-56, -168], [76, 190]);
  const LIMITS = L.latLngBounds([-85, -260], [85.06, 282]);
  const DENSITY = "density", CLOSEST = 10;

  /* Columns to one object a cluster. */
  function records(data) {
    const c = data.clusters, names = data.economies;
    return c.id.map((id, index) => ({
      index, id, rank: c.rank[index], name: c.name[index], lat: c.lat[index], lon: c.lon[index],
      economies: c.economies[index].map(([code, share]) => ({ code, share, name: names[code] || code })),
      counts: c.counts.map((column) => column[index]), shares: c.shares.map((column) => column[index]),
      score: c.score[index], population: c.population[index], source: c.sources[c.source[index]], intensity: c.intensity[index],
      intensityRank: c.intensityRank[index], area: c.area[index], nCells: c.cells[index], core: c.core[index],
      page: c.page[index], beyond: c.rank[index] > data.top,
    }));
  }

  /* What may shade the map: a value for each cluster, round limits, a unit; or the density under them. */
  function shadings(data) {
    const share = (key, label, value) =>
      ({ key, label, value, breaks: data.breaks[key], factor: 100, unit: "% of the world" });
    return [
      { ...share("score", "Score", (c) => c.score), unit: "%, sum of the shares" },
      ...data.metrics.map((m, i) => share(m.key, m.label, (c) => c.shares[i])),
      { key: "intensity", label: "Intensity", value: (c) => c.intensity, breaks: data.breaks.intensity, factor: 1,
        unit: "points of score per million inhabitants" },
      ...data.relief ? [{ key: DENSITY, label: "Density, from which the clusters were cut" }] : [],
    ];
  }

  /* What may be switched on and off: name, words, whether it is on at first. */
  function switches(data, clusters) {
    return [
      ["regions", "Regions of the clusters", true],
      ["cells", "Cells of the clusters (from near)", true],
      clusters.some((c) => c.beyond) && ["beyond", `Clusters beyond the first ${number(data.top)}`, true],
      data.links.count > 0 && ["links", "Links of the chosen cluster", true],
      ["noise", `Activity outside the clusters (${number(data.noise.cells)} ${data.noise.kind})`, true],
      ["names", "Ranks and names", true],
      ["borders", "Borders of economies", true],
      data.tiles && ["tiles", "OpenStreetMap (loaded from the network)", false],
    ].filter(Boolean).map(([key, label, on]) => ({ key, label, on }));
  }

  geoclusters.drawWorld = (map, data) => {
    for (const metric of data.metrics) metric.words = /^\p{Lu}\p{Ll}/u.test(metric.label) ? metric.label[0].toLowerCase() + metric.label.slice(1) : metric.label;
    const clusters = records(data), shades = shadings(data), layers = switches(data, clusters);
    const partners = geoclusters.partners(data.links, clusters, data.metrics);
    const shown = Object.fromEntries(layers.map(({ key, on }) => [key, on]));
    const missing = document.getElementById("missing");
    let shade = shades[0], selected = -1;

    map.setMinZoom(0.5).setMaxZoom(13);
    map.fitBounds(WORLD, { animate: false });
    const home = viewNow();
    limit();
    map.on("zoomend", limit);
    L.control.zoom({ position: "topright" }).addTo(map);
    L.control.scale({ position: "bottomright", imperial: false }).addTo(map);
    map.getContainer().setAttribute("role", "group");
    map.getContainer().setAttribute("aria-label", "Map; arrow keys move it, plus and minus zoom");

    const ground = geoclusters.land(map, data.land, data.coast);
    const list = geoclusters.ranking(clusters, data.metrics, { select, changed: refilter });
    const state = { shown, fill, selected: () => selected, economy: () => list.economy(), bare: () => shade.key === DENSITY };
    const marks = geoclusters.marks(map, data, clusters, state, select);
    const arcs = geoclusters.arcs(map, clusters, partners, data.metrics, select);
    const noise = geoclusters.dots(map, data.noise);
    const relief = data.relief && geoclusters.relief(map, data.relief);
    const tiles = data.tiles && geoclusters.tiles(map, data.tiles, ground);
    const card = geoclusters.card(data, clusters, partners, { select, close, showLinks });

    function fill(cluster) {
      if (state.bare()) return colour("relief-5");
      const value = shade.value(cluster);
      return value === null ? colour("unknown") : ramp(shade.breaks.length + 1)[classOf(value, shade.breaks)];
    }

    function viewNow() {
      const { lat, lng } = map.getCenter();
      return { zoom: map.getZoom(), centre: [lat, lng] };
    }

    function atHome() {
      const now = viewNow();
      return [now.zoom - home.zoom, now.centre[0] - home.centre[0], now.centre[1] - home.centre[1]].every((d) => Math.abs(d) < 0.01);
    }

    /* Not past the edges of the world, unless nearly all of it is in view. */
    function limit() {
      map.setMaxBounds(1.1 * map.getSize().y < 256 * 2 ** map.getZoom() ? LIMITS : null);
    }

    /* The address holds what is chosen, so that back, forward and a sent link show it. */
    function remember({ anew = false, view = true } = {}) {
      address.write({
        cluster: clusters[selected]?.id, economy: list.economy(),
        sort: list.order() === "score" ? "" : list.order(), shade: shade === shades[0] ? "" : shade.key,
        show: layers.every(({ key, on }) => shown[key] === on) ? null : layers.filter(({ key }) => shown[key]).map(({ key }) => key),
        view: view && !atHome() ? viewNow() : null,
      }, { anew });
    }

    function select(index) {
      if (index === selected) return index >= 0 && zoomTo(clusters[index].bounds);
      const inside = document.getElementById("card").contains(document.activeElement), before = selected;
      setSelected(index);
      remember({ anew: true });
      if (index >= 0) {
        zoomTo(clusters[index].bounds);
        card.focus();
      } else if (inside) list.focus(before);
    }

    function close() {
      if (selected >= 0) select(-1);
    }

    function setSelected(index) {
      selected = index;
      missing.hidden = true;
      list.mark(index);
      if (index >= 0) card.show(clusters[index]);
      else card.hide();
      arcs.draw(clusters[index]);
      marks.recolour();
      marks.names.redraw();
      writeLegend();
    }

    /* Beside the card, or above it where it lies at the foot of a small screen. */
    function zoomTo(bounds, closest = CLOSEST) {
      const own = map.getContainer().getBoundingClientRect(), over = document.getElementById("card").getBoundingClientRect();
      const wide = over.width < own.width * 0.6;
      map.fitBounds(bounds, {
        paddingTopLeft: [wide && over.width ? over.right - own.left + 20 : 15, 30],
        paddingBottomRight: [50, wide ? 50 : Math.max(30, own.bottom - over.top + 15)],
        maxZoom: closest, animate: matchMedia("(prefers-reduced-motion: reduce)").matches ? false : undefined,
      });
    }

    function showLinks() {
      if (!shown.links) setLayer("links", true);
      zoomTo(arcs.bounds(clusters[selected]), 7);
    }

    /* A choice in the list: the map pales what is not meant, and shows the economy whole. */
    function refilter() {
      marks.arrange();
      marks.names.redraw();
      remember({ anew: true });
      if (list.economy()) zoomToEconomy();
    }

    function zoomToEconomy() {
      const meant = clusters.filter(marks.isMeant);
      if (meant.length) zoomTo(meant.reduce((all, c) => all.extend(c.bounds), L.latLngBounds([])), 7);
    }

    function setShade(next) {
      shade = next;
      if (relief) toggle(relief, state.bare());
      map.getContainer().classList.toggle("bare", state.bare());
      document.querySelector(`input[name=shade][value="${CSS.escape(next.key)}"]`).checked = true;
      marks.arrange();
      writeLegend();
      marks.names.redraw();
    }

    function writeLegend() {
      const notes = [];
      const seen = map.getBounds();
      if (!state.bare() && clusters.some((c) => c.small && c.shown && seen.contains([c.lat, c.lon]))) notes.push(key("circle", "size grows with the score"));
      if (clusters.some((c) => c.beyond) && shown.beyond && !state.bare()) notes.push(`pale: beyond the first ${number(data.top)}`);
      if (state.bare()) notes.push(key("line", `threshold: ${data.relief.threshold}`), key("outline", "outline of a cluster, from near"));
      if (shown.noise) notes.push(key("dot", "activity outside the clusters"));
      if (shown.links && selected >= 0 && partners[selected].length) notes.push(key("arc", "links: documents in common"));
      if (!clusters.length && !state.bare()) geoclusters.legend({ label: "No clusters", breaks: [], notes });
      else if (state.bare()) geoclusters.reliefLegend(data.relief, `${data.relief.words}, in multiples of the threshold`, notes);
      else geoclusters.legend({ ...shade, notes });
    }

    function toggle(layer, on) {
      if (on !== map.hasLayer(layer)) on ? map.addLayer(layer) : map.removeLayer(layer);
    }

    function setLayer(which, on) {
      shown[which] = on;
      document.querySelector(`#layers [value="${which}"]`).checked = on;
      if (which === "noise") toggle(noise, on);
      else if (which === "names") toggle(marks.names, on);
      else if (which === "links") toggle(arcs.group, on);
      else if (which === "tiles") tiles.show(on);
      else if (which === "borders") ground.bordered = on;
      marks.arrange();
      marks.names.redraw();
      ground.redraw();
      writeLegend();
    }

    /* What the address says; what it does not say is as at first. */
    function follow() {
      const wanted = address.read();
      if (!wanted) return;
      list.set(wanted);
      for (const { key: which, on } of layers) {
        const next = wanted.show ? wanted.show.includes(which) && which !== "tiles" : on;
        if (next !== shown[which]) setLayer(which, next);
      }
      setShade(shades.find((s) => s.key === wanted.shade) || shades[0]);
      setSelected(clusters.findIndex((cluster) => cluster.id === wanted.cluster));
      if (wanted.cluster && selected < 0) {
        missing.textContent = `The link leads to cluster ${wanted.cluster.slice(0, 40)}, which this run does not have.`;
        missing.hidden = false;
      }
      if (wanted.view) map.setView(wanted.view.centre, wanted.view.zoom, { animate: false });
      else if (selected >= 0) zoomTo(clusters[selected].bounds);
      else if (list.economy()) zoomToEconomy();
      else map.setView(home.centre, home.zoom, { animate: false });
    }

    controls(shades, (next) => { setShade(next); remember({ anew: true }); },
      layers, (which, on) => { setLayer(which, on); remember({ anew: true }); });
    for (const { key: which, on } of layers) if (on) setLayer(which, true);
    map.on("zoomend", () => { marks.arrange(); marks.names.redraw(); });
    map.on("moveend", () => { remember(); writeLegend(); });
    follow();
    map.on("click", close);
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
    window.addEventListener("popstate", follow);
    tabs(document.querySelector("[role=tablist]"));
    geoclusters.sheet(() => map.invalidateSize({ animate: false }));
    onTheme(() => {
      for (const layer of [ground, noise, relief]) layer?.redraw();
      setShade(shade);
    });
    geoclusters.page = { map, clusters, partners, regions: marks.regions, circles: marks.circles, noise, relief, arcs: arcs.group, select,
      selected: () => clusters[selected] };
  };

  function key(kind, text) {
    return element("span", { class: "key" }, element("i", { class: kind }), text);
  }

  function controls(shades, setShade, layers, setLayer) {
    document.getElementById("shades").append(...shades.map((shade, i) =>
      element("label", {}, element("input", { type: "radio", name: "shade", value: shade.key, checked: i === 0 ? "" : null,
        onchange: () => setShade(shade) }), shade.label)));
    document.getElementById("layers").append(...layers.map(({ key: which, label, on }) =>
      element("label", {}, element("input", { type: "checkbox", value: which, checked: on ? "" : null,
        onchange: (event) => setLayer(which, event.target.checked) }), label)));
  }
})();
