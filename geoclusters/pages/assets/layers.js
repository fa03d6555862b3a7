"use strict";
/* What is drawn on the maps besides Leaflet's own shapes: land, dots without an object each, labels. */
(() => {
  const { planePolygons, projected, points, bytes, colour, element, limit, ramp } = geoclusters;
  /* A canvas over the map that is painted anew after each move and stretched while zooming. */
  const PaintLayer = L.Layer.extend({
    options: { pane: "overlayPane", padding: 0.25 },

    initialize(paint, options) {
      this._paint = paint;
      L.setOptions(this, options);
    },

    onAdd(map) {
      this._canvas = L.DomUtil.create("canvas", "leaflet-zoom-animated", this.getPane());
      this._canvas.setAttribute("aria-hidden", "true");
      this._map = map;
      this.redraw();
    },

    onRemove() {
      this._canvas.remove();
    },

    getEvents() {
      return { moveend: this.redraw, resize: this.redraw, zoomanim: this._stretch };
    },

    redraw() {
      if (!this._map) return this;
      const map = this._map, ratio = window.devicePixelRatio || 1;
      const size = map.getSize().multiplyBy(1 + 2 * this.options.padding).round();
      const corner = map.containerPointToLayerPoint(map.getSize().multiplyBy(-this.options.padding)).round();
      this._corner = corner.add(map.getPixelOrigin());
      this._zoom = map.getZoom();
      L.DomUtil.setTransform(this._canvas, corner, 1);
      this._canvas.width = size.x * ratio;
      this._canvas.height = size.y * ratio;
      this._canvas.style.width = `${size.x}px`;
      this._canvas.style.height = `${size.y}px`;
      const context = this._canvas.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      this._paint(context, { zoom: this._zoom, corner: this._corner, size, map });
      return this;
    },

    _stretch(event) {
      const map = this._map, scale = map.getZoomScale(event.zoom, this._zoom);
      const origin = map.project(event.center, event.zoom).subtract(map.getSize().divideBy(2))
        .add(L.DomUtil.getPosition(map.getPane("mapPane"))).round();
      L.DomUtil.setTransform(this._canvas, this._corner.multiplyBy(scale).subtract(origin), scale);
    },
  });

  function pane(map, name, level) {
    const made = map.createPane(name);
    made.style.zIndex = level;
    made.style.pointerEvents = "none";
    return name;
  }

  const NEAR = 5;

  /* Countries as one quiet surface; their borders are lines in the colour of the sea. The fine outlines are unpacked
     when they are near enough to be seen for the first time. */
  function land(map, coarse, fine) {
    const drawn = {};
    const polygons = (name, packed) => (drawn[name] ||= planePolygons(packed));
    function paint(context, view) {
      const near = fine && view.zoom >= NEAR;
      context.fillStyle = colour("land");
      context.strokeStyle = colour(layer.bordered ? "border" : "land");
      context.lineWidth = view.zoom < 3 ? 0.6 : 1;
      context.lineJoin = "round";
      for (const polygon of near ? polygons("fine", fine) : polygons("coarse", coarse)) trace(context, view, polygon);
    }
    const layer = new PaintLayer(paint, { pane: pane(map, "land", 210), padding: 0.4 });
    layer.bordered = true;
    return layer.addTo(map);
  }

  /* Points nearer than most of a pixel to the last one are left out. */
  function trace(context, view, { rings, limits }) {
    const scale = 2 ** view.zoom, { x: left, y: top } = view.corner;
    if (limits[2] * scale < left || limits[3] * scale < top
      || limits[0] * scale > left + view.size.x || limits[1] * scale > top + view.size.y) return;
    context.beginPath();
    for (const ring of rings) {
      let x = ring[0] * scale - left, y = ring[1] * scale - top;
      context.moveTo(x, y);
      for (let i = 2; i < ring.length; i += 2) {
        const nextX = ring[i] * scale - left, nextY = ring[i + 1] * scale - top;
        if (Math.abs(nextX - x) + Math.abs(nextY - y) < 0.7) continue;
        context.lineTo(x = nextX, y = nextY);
      }
      context.closePath();
    }
    context.fill("evenodd");
    context.stroke();
  }

  const DOT_SIZES = [0.75, 0.95, 1.25, 1.7];
  const DOT_STRENGTHS = [0.28, 0.4, 0.52, 0.65];

  /* Tens of thousands of dots: four sizes, each painted in one go. */
  function dots(map, packed) {
    const plane = projected(points(packed)), size = bytes(packed.size);
    function paint(context, view) {
      const scale = 2 ** view.zoom, grown = Math.min(4, 0.78 * 1.2 ** Math.max(0, view.zoom - 1));
      context.fillStyle = colour("noise");
      for (let kind = 0; kind < DOT_SIZES.length; kind++) {
        const side = grown * DOT_SIZES[kind];
        context.globalAlpha = DOT_STRENGTHS[kind];
        for (let i = 0; i < size.length; i++) {
          if (size[i] !== kind) continue;
          const x = plane[2 * i] * scale - view.corner.x, y = plane[2 * i + 1] * scale - view.corner.y;
          if (x < -4 || y < -4 || x > view.size.x + 4 || y > view.size.y + 4) continue;
          context.fillRect(x - side / 2, y - side / 2, side, side);
        }
      }
    }
    return new PaintLayer(paint, { pane: pane(map, "noise", 310) });
  }

  function apart(a, b) {
    return a[2] < b[0] || a[0] > b[2] || a[3] < b[1] || a[1] > b[3];
  }

  /* Where no label can be read, on a canvas that is larger than the map by a part of it on each side: under the legend
     and the controls, and across the four edges of the map. */
  function unreadable(map, padding) {
    const frame = map.getContainer().getBoundingClientRect();
    const { left, top, right, bottom } = frame;
    const edges = [[left, top, left, bottom], [right, top, right, bottom], [left, top, right, top], [left, bottom, right, bottom]];
    const over = [...document.querySelectorAll(".legend, .switch, .leaflet-control")].map((part) => part.getBoundingClientRect());
    const x = padding * frame.width - left, y = padding * frame.height - top;
    return [...edges, ...over.map((box) => [box.left, box.top, box.right, box.bottom])]
      .map((box) => [box[0] + x, box[1] + y, box[2] + x, box[3] + y]);
  }

  /* Labels in the order given, each where it can be read and covers neither an earlier one nor a circle; the others are
     left out. */
  function labels(map, wanted) {
    function paint(context, view) {
      const taken = unreadable(map, this.options.padding), numbers = [];
      const free = (box) => taken.every((other) => apart(other, box));
      const all = wanted(view).map((label) => {
        const at = map.project([label.lat, label.lon], view.zoom).subtract(view.corner);
        return { ...label, x: at.x, y: at.y };
      }).filter((l) => l.x > -50 && l.y > -50 && l.x < view.size.x + 50 && l.y < view.size.y + 50);
      for (const { x, y, radius } of all.filter((l) => l.radius > 5)) {
        taken.push([x - radius * 0.8, y - radius * 0.8, x + radius * 0.8, y + radius * 0.8]);
      }
      context.textBaseline = "middle";
      context.lineJoin = "round";
      for (const label of all) {
        const box = [label.x - 8, label.y - 6, label.x + 8, label.y + 6];
        const inside = label.number && numbers.every((n) => apart(n, box));
        if (inside) {
          numbers.push(box);
          writeNumber(context, label);
        }
        if (label.text) writeName(context, label, inside ? label.text : label.textWithRank, free, taken);
      }
    }
    return new PaintLayer(paint, { pane: pane(map, "labels", 450) });
  }

  /* Towns as labels, the largest first: none from afar, the large ones from nearer, then all. */
  function towns(packed) {
    const degrees = points(packed);
    const all = packed.names.map((text, i) =>
      ({ text, textWithRank: text, lat: degrees[2 * i], lon: degrees[2 * i + 1], radius: 0, town: true }));
    return (map, from) => {
      if (map.getZoom() < from) return [];
      const seen = map.getBounds().pad(0.25);
      return all.slice(0, map.getZoom() < from + 1.5 ? packed.large : all.length)
        .filter((town) => seen.contains([town.lat, town.lon]));
    };
  }

  function writeNumber(context, label) {
    context.font = `600 ${Math.max(9, Math.min(13, label.radius * 0.85))}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.strokeStyle = label.fill;
    context.lineWidth = 3;
    context.strokeText(label.number, label.x, label.y + 0.5);
    context.fillStyle = label.ink;
    context.fillText(label.number, label.x, label.y + 0.5);
  }

  function writeName(context, label, text, free, taken) {
    context.font = label.town ? "11px system-ui, sans-serif" : `${label.strong ? 600 : 500} 12px system-ui, sans-serif`;
    context.textAlign = "left";
    const width = context.measureText(text).width, gap = label.radius + 4;
    const ink = colour(label.town ? "town" : "ink");
    const places = [[gap, 0], [-gap - width, 0], [-width / 2, -gap - 6], [-width / 2, gap + 6]];
    for (const [dx, dy] of places) {
      const x = label.x + dx, y = label.y + dy, box = [x - 3, y - 8, x + width + 3, y + 8];
      if (!free(box)) continue;
      taken.push(box);
      context.strokeStyle = colour("halo");
      context.lineWidth = 3.5;
      context.strokeText(text, x, y);
      context.fillStyle = ink;
      context.fillText(text, x, y);
      if (label.town) context.fillRect(label.x - 1.5, label.y - 1.5, 3, 3);
      return;
    }
  }

  /* Classes as a row of colours with their limits between them, the names of the classes for who cannot see it;
     where all is one class there is nothing to tell apart. */
  function legend({ label, unit, breaks, factor, colours = ramp(breaks.length + 1), notes = [] }) {
    const limits = breaks.map((b) => limit(b * factor)), longest = Math.max(0, ...limits.map((text) => text.length));
    const names = colours.map((_, i) => i === 0 ? `below ${limits[0]}`
      : i === limits.length ? `${limits[i - 1]} and more` : `${limits[i - 1]} to ${limits[i]}`);
    document.getElementById("legend").replaceChildren(...[
      element("strong", {}, label), unit ? element("span", { class: "unit" }, unit) : null,
      limits.length ? element("ul", {}, colours.map((c, i) =>
        element("li", { title: names[i], style: `min-width:${(0.62 * longest + 0.6).toFixed(2)}em` }, element("i", { style: `background:${c}` }),
          element("span", { class: "limit", "aria-hidden": "true" }, i ? limits[i - 1] : ""),
          element("span", { class: "hidden" }, names[i])))) : null,
      ...notes.map((note) => element("span", { class: "unit" }, note))].filter(Boolean));
  }

  Object.assign(geoclusters, { PaintLayer, trace, land, dots, labels, towns, legend, pane });
})();
