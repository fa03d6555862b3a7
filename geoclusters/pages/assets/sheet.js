"use strict";
/* On a small screen the panel is a sheet at the foot: its grip makes it small, half or large. */
(() => {
  const SIZES = ["small", "half", "large"], LEAST_DRAG = 6;

  geoclusters.sheet = (resized) => {
    const main = document.querySelector("main"), grip = document.getElementById("grip"), side = document.querySelector(".side");
    const tabs = side.querySelector("[role=tablist]");
    let start = null;

    function set(size) {
      main.dataset.sheet = size;
      grip.setAttribute("aria-expanded", size !== "small");
      main.style.removeProperty("--sheet");
      if (size === "small") main.style.setProperty("--sheet", `${tabs.offsetTop + tabs.offsetHeight + parseFloat(getComputedStyle(side).marginTop)}px`);
      resized();
    }

    function sizeOf(height) {
      const part = height / main.clientHeight;
      return part < 0.3 ? "small" : part < 0.7 ? "half" : "large";
    }

    /* A tap goes between small and half; the large sheet comes only by pulling, or by the arrow up. */
    grip.addEventListener("click", () => { if (!start?.moved) set(main.dataset.sheet === "small" ? "half" : "small"); });
    grip.addEventListener("keydown", (event) => {
      const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      set(SIZES[Math.max(0, Math.min(2, SIZES.indexOf(main.dataset.sheet) + step))]);
    });
    grip.addEventListener("pointerdown", (event) => {
      start = { y: event.clientY, height: side.offsetHeight, moved: false };
      grip.setPointerCapture(event.pointerId);
    });
    grip.addEventListener("pointermove", (event) => {
      if (!start || !event.buttons || (!start.moved && Math.abs(event.clientY - start.y) < LEAST_DRAG)) return;
      start.moved = true;
      main.style.setProperty("--sheet", `${Math.max(90, Math.min(main.clientHeight - 90, start.height + start.y - event.clientY))}px`);
    });
    grip.addEventListener("pointerup", () => { if (start?.moved) set(sizeOf(side.offsetHeight)); });
    grip.addEventListener("pointercancel", () => set(sizeOf(side.offsetHeight)));
    document.getElementById("search").addEventListener("focus", () => { if (main.dataset.sheet === "small") set("half"); });
    tabs.addEventListener("click", () => { if (main.dataset.sheet === "small") set("half"); });
    main.dataset.sheet = "half";
  };

  /* Streets and names from a server, only when they are asked for: nothing is loaded before. */
  geoclusters.tiles = (map, { url, attribution, zoom }, ground) => {
    const layer = L.tileLayer(url, { attribution, maxNativeZoom: zoom, maxZoom: 19, className: "tiles" });
    const credit = L.control.attribution({ prefix: false });
    return {
      show(on) {
        if (on) map.addLayer(layer).addControl(credit).removeLayer(ground);
        else if (map.hasLayer(layer)) map.removeLayer(layer).removeControl(credit).addLayer(ground);
      },
    };
  };
})();
