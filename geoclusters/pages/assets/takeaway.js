"use strict";
/* Files that the page builds from what it holds: the outline as GeoJSON, the numbers as CSV. */
(() => {
  const { shapes, element } = geoclusters;
  const DAY = 180;

  /* Longitudes may have been counted on past the date line; files have them from -180 to 180. */
  const lonLat = ([lat, lon]) => [Number((lon > DAY ? lon - 360 : lon).toFixed(5)), Number(lat.toFixed(5))];

  /* RFC 7946: outer rings run counter-clockwise, holes clockwise. */
  function wound(ring, outer) {
    let area = 0;
    for (let i = 1; i < ring.length; i++) area += ring[i - 1][0] * ring[i][1] - ring[i][0] * ring[i - 1][1];
    return area > 0 === outer ? ring : ring.toReversed();
  }

  geoclusters.outlineFile = ({ outline, properties }) => JSON.stringify({
    type: "FeatureCollection",
    features: [{
      type: "Feature",
      properties,
      geometry: {
        type: "MultiPolygon",
        coordinates: shapes(outline)[0].map((rings) => rings.map((ring, i) => wound(ring.map(lonLat), i === 0))),
      },
    }],
  });

  /* A text that a spreadsheet would compute gets an apostrophe before it. */
  function cell(value) {
    if (value === null || value === undefined) return "";
    if (typeof value !== "string") return String(value);
    const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  geoclusters.numbersFile = ({ columns, rows }) =>
    [columns, ...rows].map((line) => line.map(cell).join(",")).join("\n") + "\n";

  function link(name, type, text, content) {
    const url = URL.createObjectURL(new Blob([text], { type }));
    return element("li", {}, element("a", { href: url, download: name }, name), " ", element("small", {}, content));
  }

  geoclusters.takeaway = (taken) => {
    const list = document.getElementById("takeaway");
    list.append(
      link(`${taken.name}.geojson`, "application/geo+json", geoclusters.outlineFile(taken), "GeoJSON: outline and indicators of this cluster"),
      link(`${taken.name}.csv`, "text/csv", `\ufeff${geoclusters.numbersFile(taken)}`, "CSV: the numbers of this page"));
    list.hidden = false;
  };
})();
