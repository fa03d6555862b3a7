"use strict";
/* What is shown, as text in the address of the page: a link restores it, and so does the browser's way back. */
(() => {
  const MOST_DECIMALS = 3;

  /* Null where the part after the # is no state of the map but leads to a place in the page. */
  function read() {
    const text = location.hash.slice(1);
    if (text && !text.includes("=")) return null;
    const given = new URLSearchParams(text);
    return {
      cluster: given.get("cluster") || "", shade: given.get("shade") || "", economy: given.get("economy") || "",
      sort: given.get("sort") || "", show: given.has("show") ? given.get("show").split(".") : null,
      view: view(given.get("view")),
    };
  }

  function view(text) {
    const numbers = (text || "").split("/").map(Number);
    const sound = text && numbers.length === 3 && numbers.every(Number.isFinite) && Math.abs(numbers[1]) <= 90 && Math.abs(numbers[2]) <= 360;
    return sound ? { zoom: numbers[0], centre: [numbers[1], numbers[2]] } : null;
  }

  function written(state) {
    const given = new URLSearchParams();
    for (const key of ["cluster", "shade", "economy", "sort"]) if (state[key]) given.set(key, state[key]);
    if (state.show) given.set("show", state.show.join("."));
    if (state.view) given.set("view", [state.view.zoom, ...state.view.centre].map((n) => Number(n.toFixed(MOST_DECIMALS))).join("/"));
    return given.toString().replaceAll("%2F", "/");
  }

  /* A browser may refuse when the address changes too often; the map goes on without. */
  function write(state, { anew }) {
    const text = written(state);
    if (text === location.hash.slice(1)) return;
    const target = text ? `#${text}` : location.pathname + location.search;
    try {
      if (anew) history.pushState(null, "", target);
      else history.replaceState(null, "", target);
    } catch { /* as said above */ }
  }

  geoclusters.address = { read, write };
})();
