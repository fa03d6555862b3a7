"use strict";
/* What all pages share: unpacking, numbers for people, elements from text, colours of the theme. */
window.geoclusters = (() => {
  /* The other half of packing.py: zigzag differences, seven bits a byte, in base64. */
  function bytes(text) {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  }

  function integers(text) {
    const packed = bytes(text);
    let count = 0;
    for (const byte of packed) count += byte < 128;
    const values = new Int32Array(count);
    let value = 0, shift = 0, index = 0;
    for (const byte of packed) {
      value |= (byte & 127) << shift;
      shift += 7;
      if (byte < 128) {
        values[index++] = (value >>> 1) ^ -(value & 1);
        value = shift = 0;
      }
    }
    return values;
  }

  /* Points as [lat, lon, lat, lon, …] in degrees. */
  function points(packed) {
    const steps = integers(packed.xy);
    const degrees = new Float64Array(steps.length);
    const unit = 10 ** packed.decimals;
    let x = 0, y = 0;
    for (let i = 0; i < steps.length; i += 2) {
      x += steps[i];
      y += steps[i + 1];
      degrees[i] = y / unit;
      degrees[i + 1] = x / unit;
    }
    return degrees;
  }

  /* Shapes as Leaflet takes them: polygons of rings of [lat, lon]. */
  function shapes(packed) {
    const degrees = points(packed);
    let at = 0;
    const rings = Array.from(integers(packed.rings), (size) =>
      Array.from({ length: size }, () => [degrees[at++], degrees[at++]]));
    let ring = 0;
    const polygons = Array.from(integers(packed.polygons), (count) => rings.slice(ring, ring += count));
    let polygon = 0;
    return Array.from(integers(packed.shapes), (count) => polygons.slice(polygon, polygon += count));
  }

  /* Rings on the plane of zoom 0 with their limits, polygon by polygon: ready to be painted at any zoom. */
  function planePolygons(packed) {
    const plane = projected(points(packed));
    let at = 0;
    const rings = Array.from(integers(packed.rings), (size) => plane.subarray(at, at += 2 * size));
    let ring = 0;
    return Array.from(integers(packed.polygons), (count) => {
      const own = rings.slice(ring, ring += count), limits = [Infinity, Infinity, -Infinity, -Infinity];
      for (let i = 0; i < own[0].length; i += 2) {
        limits[0] = Math.min(limits[0], own[0][i]);
        limits[1] = Math.min(limits[1], own[0][i + 1]);
        limits[2] = Math.max(limits[2], own[0][i]);
        limits[3] = Math.max(limits[3], own[0][i + 1]);
      }
      return { rings: own, limits };
    });
  }

  /* The same polygons, a list for each shape. */
  function parted(packed) {
    const polygons = planePolygons(packed);
    let at = 0;
    return Array.from(integers(packed.shapes), (count) => polygons.slice(at, at += count));
  }

  const TILE = 256;

  /* Web Mercator at zoom 0, so that a repaint is a multiplication and not a projection. */
  function projected(degrees) {
    const plane = new Float64Array(degrees.length);
    for (let i = 0; i < degrees.length; i += 2) {
      const sine = Math.sin(Math.max(-85.06, Math.min(85.06, degrees[i])) * Math.PI / 180);
      plane[i] = TILE * (degrees[i + 1] + 180) / 360;
      plane[i + 1] = TILE * (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI));
    }
    return plane;
  }

  const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

  function number(value) {
    if (value === null || value === undefined) return "–";
    if (Number.isInteger(value) || Math.abs(value) >= 100) return grouped.format(value);
    return Math.abs(value) >= 10 ? value.toFixed(1) : String(Number(value.toPrecision(3)));
  }

  function percent(share) {
    if (share === null || share === undefined) return "–";
    const value = 100 * share;
    if (value === 0 || (value >= 99.95 && value < 100.05)) return `${value.toFixed(0)} %`;
    return `${value >= 9.995 ? value.toFixed(1) : value >= 0.095 ? value.toFixed(2) : Number(value.toPrecision(1))} %`;
  }

  /* A measure with three digits, zeros among them, so that columns of it look alike. */
  function measured(value) {
    if (!value || Math.abs(value) >= 99.95) return number(value);
    return value.toFixed(Math.max(0, 2 - Math.floor(Math.log10(Number(Math.abs(value).toPrecision(3))))));
  }

  /* Round limits of classes: 0.002 is "0.2". */
  function limit(value) {
    return String(Number((value).toPrecision(3)));
  }

  const plainLetters = { ø: "o", ł: "l", ß: "ss", æ: "ae", œ: "oe", đ: "d", ı: "i", þ: "th", ð: "d" };

  /* Spell a text without accents, in small letters, so that "zurich" finds "Zürich". */
  function folded(text) {
    return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase()
      .replace(/[øłßæœđıþð]/g, (letter) => plainLetters[letter]).replace(/[–—-]/g, " ");
  }

  /* An element with attributes and children; texts become text nodes and are never read as markup. */
  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else made.setAttribute(name, value);
    }
    made.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return made;
  }

  /* Colours stand in the style sheet, so that canvas and page follow one theme. */
  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }

  const CLASSES = 7;

  /* As many colours as there are classes, evenly out of the seven of the scale. */
  function ramp(classes) {
    return Array.from({ length: classes }, (_, i) =>
      colour(`ramp-${classes === 1 ? 3 : Math.round(i * (CLASSES - 1) / (classes - 1))}`));
  }

  function classOf(value, breaks) {
    let place = 0;
    while (place < breaks.length && value >= breaks[place]) place++;
    return place;
  }

  function onTheme(redraw) {
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  }

  /* Arrow keys go through the tabs, as people who use them expect. */
  function tabs(list) {
    const all = [...list.querySelectorAll("[role=tab]")];
    function show(chosen) {
      for (const tab of all) {
        const on = tab === chosen;
        tab.setAttribute("aria-selected", on);
        tab.tabIndex = on ? 0 : -1;
        document.getElementById(tab.getAttribute("aria-controls")).hidden = !on;
      }
    }
    for (const [i, tab] of all.entries()) {
      tab.addEventListener("click", () => show(tab));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const next = all[(i + step + all.length) % all.length];
        show(next);
        next.focus();
      });
    }
  }

  function people(count) {
    return count >= 1e6 ? `${Number((count / 1e6).toPrecision(3))} million` : number(count);
  }

  return { bytes, integers, points, projected, planePolygons, parted, shapes, number, measured, people, percent, limit, folded, element, colour, ramp, classOf, onTheme, tabs };
})();
