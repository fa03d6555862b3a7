"use strict";
/* The density surface that the clusters were cut from: bands between lines of equal density, and the threshold as a line. */
(() => {
  const { PaintLayer, integers, colour, element, pane } = geoclusters;

  /* Rings on the plane of zoom 0, level by level, each with its limits. */
  function unpacked({ unit, lines }) {
    return lines.map(({ xy, rings }) => {
      const steps = integers(xy), plane = new Float64Array(steps.length);
      let x = 0, y = 0;
      for (let i = 0; i < steps.length; i += 2) {
        plane[i] = (x += steps[i]) * unit;
        plane[i + 1] = (y += steps[i + 1]) * unit;
      }
      let at = 0;
      return Array.from(integers(rings), (size) => limited(plane.subarray(at, at += 2 * size)));
    });
  }

  function limited(ring) {
    let west = Infinity, north = Infinity, east = -Infinity, south = -Infinity;
    for (let i = 0; i < ring.length; i += 2) {
      west = Math.min(west, ring[i]);
      east = Math.max(east, ring[i]);
      north = Math.min(north, ring[i + 1]);
      south = Math.max(south, ring[i + 1]);
    }
    return { ring, west, north, east, south };
  }

  const LEAST_PIXELS = 2.4, SMOOTH = 6;

  /* What would hardly be seen becomes a dot; what lies outside is left out. */
  function trace(context, { ring, west, north, east, south }, scale, view) {
    const { x: left, y: top } = view.corner;
    if (east * scale < left || south * scale < top || west * scale > left + view.size.x || north * scale > top + view.size.y) return;
    if ((east - west) * scale < LEAST_PIXELS) {
      context.rect((west + east) / 2 * scale - left - LEAST_PIXELS / 2, (north + south) / 2 * scale - top - LEAST_PIXELS / 2, LEAST_PIXELS, LEAST_PIXELS);
    } else if (view.zoom < SMOOTH) straight(context, ring, scale, left, top);
    else smooth(context, ring, scale, left, top);
  }

  function straight(context, ring, scale, left, top) {
    let x = ring[0] * scale - left, y = ring[1] * scale - top;
    context.moveTo(x, y);
    for (let i = 2; i < ring.length; i += 2) {
      const nextX = ring[i] * scale - left, nextY = ring[i + 1] * scale - top;
      if (Math.abs(nextX - x) + Math.abs(nextY - y) < 0.7) continue;
      context.lineTo(x = nextX, y = nextY);
    }
    context.closePath();
  }

  /* Curves from middle to middle of the sides: the corners come from the grid and mean nothing. */
  function smooth(context, ring, scale, left, top) {
    const last = ring.length - 2;
    let x = ring[last] * scale - left, y = ring[last + 1] * scale - top;
    for (let i = 0; i <= last + 1; i += 2) {
      const at = i % ring.length, nextX = ring[at] * scale - left, nextY = ring[at + 1] * scale - top;
      if (i === 0) context.moveTo((x + nextX) / 2, (y + nextY) / 2);
      const then = (i + 2) % ring.length;
      context.quadraticCurveTo(nextX, nextY, (nextX + ring[then] * scale - left) / 2, (nextY + ring[then + 1] * scale - top) / 2);
      x = nextX;
      y = nextY;
    }
    context.closePath();
  }

  /* Unpacked when it is shown for the first time. */
  geoclusters.relief = (map, packed) => {
    let levels = null;
    function paint(context, view) {
      const scale = 2 ** view.zoom;
      levels ||= unpacked(packed);
      /* From afar the dots would hide the bands; from near they explain them. */
      map.getPane("relief").style.zIndex = view.zoom < SMOOTH ? 320 : 300;
      context.lineJoin = "round";
      levels.forEach((rings, i) => {
        context.beginPath();
        for (const ring of rings) trace(context, ring, scale, view);
        context.fillStyle = colour(`relief-${i}`);
        context.fill("evenodd");
        if (packed.levels[i] !== 1 || view.zoom < 3) return;
        context.strokeStyle = colour("threshold");
        context.lineWidth = view.zoom < 5 ? 0.8 : view.zoom < 7 ? 1.4 : 2.2;
        context.stroke();
      });
    }
    return new PaintLayer(paint, { pane: pane(map, "relief", 300) });
  };

  const named = (level) => level < 1 ? `1/${Math.round(1 / level / 10) * 10 || Math.round(1 / level)}` : `×${level}`;

  /* Bands with their limits as multiples of the threshold; the line of the threshold stands out in it as on the map. */
  geoclusters.reliefLegend = (packed, unit, notes) => {
    const names = packed.levels.map(named);
    document.getElementById("legend").replaceChildren(
      element("strong", {}, "Density"), element("span", { class: "unit" }, unit),
      element("ul", { class: "relief" }, names.map((name, i) =>
        element("li", { title: `${name} of the threshold and more`, class: packed.levels[i] === 1 ? "threshold" : null },
          element("i", { style: `background:var(--relief-${i})` }),
          element("span", { class: "limit", "aria-hidden": "true" }, name),
          element("span", { class: "hidden" }, `${name} of the threshold and more`)))),
      ...notes.map((note) => element("span", { class: "unit" }, note)));
  };
})();
