"use strict";
/* Links between clusters: unpacked, as partners of a cluster, and as great-circle arcs on the map. */
(() => {
  const { integers, element, number, pane } = geoclusters;
  const MOST_ARCS = 15, THICKEST = 9, KM_PER_STEP = 120;
  const SEAM = -169, NEAR = 6.5;

  /* Partners of each cluster, the strongest first, with the documents of each metric. */
  geoclusters.partners = (packed, clusters, metrics) => {
    const values = integers(packed.rows), width = 2 + metrics.length;
    const partners = clusters.map(() => []);
    let first = 0;
    for (let i = 0; i < values.length; i += width) {
      first += values[i];
      const second = values[i + 1], counts = Array.from(values.subarray(i + 2, i + width));
      const documents = counts.reduce((sum, count) => sum + count, 0);
      partners[first].push({ index: second, counts, documents });
      partners[second].push({ index: first, counts, documents });
    }
    for (const own of partners) own.sort((a, b) => b.documents - a.documents || a.index - b.index);
    return partners;
  };

  function vector({ lat, lon }) {
    const phi = lat * Math.PI / 180, lambda = lon * Math.PI / 180;
    return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)];
  }

  /* Points of the great circle, in pieces where it leaves the map at one edge and comes back at the other. */
  geoclusters.greatCircle = (from, to) => {
    const a = vector(from), b = vector(to);
    const angle = Math.acos(Math.max(-1, Math.min(1, a[0] * b[0] + a[1] * b[1] + a[2] * b[2])));
    const steps = Math.max(2, Math.ceil(6371 * angle / KM_PER_STEP)), pieces = [[]];
    for (let i = 0; i <= steps; i++) {
      const part = i / steps, sine = Math.sin(angle);
      const p = sine < 1e-9 ? 1 - part : Math.sin((1 - part) * angle) / sine;
      const q = sine < 1e-9 ? part : Math.sin(part * angle) / sine;
      const [x, y, z] = a.map((value, k) => p * value + q * b[k]);
      let lon = Math.atan2(y, x) * 180 / Math.PI;
      if (lon < SEAM) lon += 360;
      join(pieces, [Math.atan2(z, Math.hypot(x, y)) * 180 / Math.PI, lon]);
    }
    return pieces;
  };

  function join(pieces, [lat, lon]) {
    const piece = pieces.at(-1), last = piece.at(-1);
    if (last && Math.abs(lon - last[1]) > 180) {
      const eastwards = last[1] > lon, leaves = eastwards ? SEAM + 360 : SEAM, returns = eastwards ? SEAM : SEAM + 360;
      const whole = Math.abs(leaves - last[1]) + Math.abs(lon - returns) || 1;
      const middle = last[0] + (lat - last[0]) * Math.abs(leaves - last[1]) / whole;
      piece.push([middle, leaves]);
      pieces.push([[middle, returns]]);
    }
    pieces.at(-1).push([lat, lon]);
  }

  function tip(from, to, partner, metrics) {
    return element("div", { class: "tip" },
      element("strong", {}, element("bdi", {}, from.name), " – ", element("bdi", {}, to.name)),
      element("table", {}, element("tbody", {}, metrics.map((metric, i) => partner.counts[i] > 0 &&
        element("tr", {}, element("th", { scope: "row" }, metric.label), element("td", { class: "n" }, number(partner.counts[i]))))
        .filter(Boolean))),
      element("span", {}, "documents with an address in both"));
  }

  /* The arcs of one cluster at a time; each has a broad line without colour over it for pointers and fingers. */
  geoclusters.arcs = (map, clusters, partners, metrics, select) => {
    const renderer = L.svg({ pane: pane(map, "links", 430), padding: 0.6 });
    const group = L.layerGroup();

    /* From near the arcs only say where they lead; the cluster is what is looked at. */
    const thin = () => map.getPane("links").classList.toggle("near", map.getZoom() >= NEAR);
    map.on("zoomend", thin);

    function draw(cluster) {
      group.clearLayers();
      thin();
      if (!cluster) return;
      const own = partners[cluster.index].slice(0, MOST_ARCS), most = own[0]?.documents || 1;
      for (const partner of own.toReversed()) {
        const other = clusters[partner.index], way = geoclusters.greatCircle(cluster, other);
        const weight = 0.8 + (THICKEST - 0.8) * Math.sqrt(partner.documents / most);
        const arc = L.polyline(way, { renderer, interactive: false, className: "arc", weight, smoothFactor: 0.5 });
        const broad = L.polyline(way, { renderer, className: "arc-broad", weight: Math.max(16, weight), opacity: 0, smoothFactor: 1 });
        broad.bindTooltip(() => tip(cluster, other, partner, metrics), { sticky: true, opacity: 1, className: "tip-box" });
        broad.on("mouseover mouseout", (event) => arc.getElement()?.classList.toggle("on", event.type === "mouseover"));
        broad.on("click", (event) => { L.DomEvent.stopPropagation(event); select(other.index); });
        group.addLayer(arc).addLayer(broad);
      }
    }

    return {
      group, draw,
      bounds: (cluster) => partners[cluster.index].slice(0, MOST_ARCS)
        .reduce((all, p) => all.extend([clusters[p.index].lat, clusters[p.index].lon]), L.latLngBounds([[cluster.lat, cluster.lon]])),
    };
  };
})();
