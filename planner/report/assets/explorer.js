"use strict";
/* The map's controls: phase slider, layers, one demand's routes, replay of a failure, and facts on click. */
(function () {
  const SVG = "http://www.w3.org/2000/svg";
  const REACH_PX = 9;
  const OLDER_WIDTH = 0.72;
  const FADED = 0.28;
  const PAPER_PX = 680;
  const byId = (id) => document.getElementById(id);
  let data = null;

  function readData() {
    if (!data) data = JSON.parse(byId("plan-data").textContent);
    return data;
  }

  /** Returns the symbol of a point layer as an SVG element. */
  function symbol(look) {
    const image = document.createElementNS(SVG, "svg");
    image.setAttribute("viewBox", "-10 -10 20 20");
    image.setAttribute("aria-hidden", "true");
    const halo = image.appendChild(document.createElementNS(SVG, "path"));
    const shape = image.appendChild(document.createElementNS(SVG, "path"));
    for (const path of [halo, shape]) path.setAttribute("d", look.path);
    halo.setAttribute("class", "halo");
    shape.setAttribute("fill", look.filled ? look.colour : "#ffffff");
    shape.setAttribute("stroke", look.filled ? "#1a1a1a" : look.colour);
    shape.setAttribute("stroke-width", "1.3");
    return image;
  }

  /** Returns the function that draws the points of a layer; folium calls it for every point. */
  plannerReport.marker = (layer) => (feature, latlng) => {
    const look = readData().markers[layer];
    const site = readData().sites[feature.properties.site];
    const icon = L.divIcon({
      html: symbol(look), className: `symbol ${layer}`, iconSize: [20, 20],
      iconAnchor: [10 - look.offset[0], 10 - look.offset[1]],
    });
    const marker = L.marker(latlng, { icon, keyboard: true, riseOnHover: true });
    marker.on("add", () => marker.getElement().setAttribute("aria-label", `${look.label}: ${site.name}`));
    if (layer === "site-user") {
      const label = document.createElement("span");
      label.textContent = site.name;
      marker.bindTooltip(label, { permanent: true, direction: "right", className: "site-label" });
    }
    return marker;
  };

  /** Returns the drawn parts of a layer: each with its phases and the lines that go with it. */
  function partsOf(name, group) {
    const parts = [];
    group.eachLayer((layer) => {
      const { phases, route, site } = layer.feature.properties;
      const part = { name, group, layer, phases, route, site, lines: [] };
      const look = data.lines[name];
      if (look) {
        part.lines.push(layer);
        const line = (pane, extra) => L.polyline(layer.getLatLngs(), { pane, interactive: false, smoothFactor: 0.6, ...extra });
        if (look.halo) part.halo = line("halo", { color: "#ffffff", lineCap: "butt" });
        if (look.hollow) part.core = line("core", { color: "#ffffff", weight: 1.6, lineCap: "butt" });
      }
      parts.push(part);
    });
    return parts;
  }

  const apart = (one, other) => one.right < other.left || one.left > other.right ||
    one.bottom < other.top || one.top > other.bottom;

  /** Puts every label right or left of its place, where it fits into the frame and covers no other; else hides it. */
  function spreadLabels(map, tooltips) {
    const taken = [];
    const frame = map.getContainer().getBoundingClientRect();
    for (const tooltip of tooltips.filter((entry) => map.hasLayer(entry))) {
      const label = tooltip.getElement();
      const fits = ["right", "left"].some((direction) => {
        tooltip.options.direction = direction;
        tooltip.options.offset = L.point(direction === "right" ? 10 : -20, 0);
        tooltip.update();
        const box = label.getBoundingClientRect();
        if (box.right > frame.right || box.left < frame.left || !taken.every((other) => apart(box, other))) return false;
        taken.push(box);
        return true;
      });
      label.classList.toggle("crowded", !fits);
    }
  }

  /** Lets the keyboard reach the tables that are wider than the page. */
  function makeScrollable() {
    for (const box of document.querySelectorAll(".scroll")) {
      const isWide = box.scrollWidth > box.clientWidth;
      if (!isWide) continue;
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", box.querySelector("caption").textContent);
    }
  }

  plannerReport.explore = function (map, layers, bounds, padding) {
    readData();
    const slider = byId("phase"), demand = byId("demand"), failure = byId("failure");
    const status = byId("map-status"), alarm = L.layerGroup().addTo(map);
    const { streets, ...groups } = layers;
    const parts = Object.entries(groups).flatMap(([name, group]) => partsOf(name, group));
    const tooltips = parts.map((part) => part.layer.getTooltip && part.layer.getTooltip()).filter(Boolean);
    const last = data.phases.length - 1;
    let spans = null;

    const phase = () => Number(slider.value);
    const replayed = () => (failure.value === "" ? null : data.failures[Number(failure.value)]);
    const isOn = (name) => {
      const box = document.querySelector(`input[name="layer"][value="${name}"]`);
      return !box || box.checked;
    };

    const kindIsOn = (kind) => {
      const boxes = [...document.querySelectorAll('input[name="kind"]')];
      return boxes.every((box) => box.checked || data.kinds[Number(box.value)] !== kind);
    };

    /** Whether a route is to be seen: those of the chosen demand, or in a replay those that survive. */
    function routeShown(route) {
      const event = replayed();
      if (event) return event.surviving.includes(route);
      return demand.value === "all" || (demand.value !== "" && data.routes[route].demand === Number(demand.value));
    }

    function isShown(part) {
      if (!isOn(part.name) || !part.phases.includes(phase())) return false;
      if (part.site !== undefined && !kindIsOn(data.sites[part.site].kind)) return false;
      return part.route === undefined || routeShown(part.route);
    }

    function restyle(part, faded) {
      const look = part.layer.feature.properties.style;
      const isRoute = part.route !== undefined;
      const isNew = part.phases[0] === phase() && last > 0;
      const isBase = part.name.startsWith("existing") || part.name === "hop-unused";
      const weight = look.weight * (isRoute || isBase || isNew || last === 0 ? 1 : OLDER_WIDTH);
      part.layer.setStyle({ weight, opacity: isRoute ? 0.8 : faded ? FADED : 1 });
      if (part.halo) part.halo.setStyle({ weight: weight + 3.5, opacity: faded ? 0 : 0.95 });
      if (part.core) part.core.setStyle({ weight: 0.34 * weight, opacity: faded ? 0 : 1 });
    }

    function toggle(layer, group, shown) {
      if (!layer) return;
      if (shown) group.addLayer(layer); else group.removeLayer(layer);
    }

    function drawParts() {
      const faded = (demand.value !== "" && demand.value !== "all") || replayed() !== null;
      for (const part of parts) {
        const shown = isShown(part);
        toggle(part.layer, part.group, shown);
        toggle(part.halo, map, shown);
        toggle(part.core, map, shown);
        if (shown && part.lines.length) restyle(part, faded);
      }
      toggle(streets, map, isOn("streets"));
    }

    /** Returns the points of a span as latitudes and longitudes. */
    function spanLine(number) {
      const line = [];
      for (let i = spans.starts[number]; i < spans.starts[number + 1]; i++) {
        line.push(map.options.crs.pointToLatLng(L.point(spans.points[2 * i], spans.points[2 * i + 1]), 0));
      }
      return line;
    }

    /** Draws what fails in the replay, and the routes that break with it. */
    function drawAlarm() {
      alarm.clearLayers();
      const event = replayed();
      if (!event || !spans) return;
      const plain = { pane: "alarm", interactive: false };
      for (const route of event.broken) {
        const lines = data.routes[route].spans.map(([number]) => spanLine(number));
        L.polyline(lines, { ...plain, ...data.alarm.broken }).addTo(alarm);
      }
      for (const number of event.spans) {
        L.polyline(spanLine(number), { ...plain, color: "#ffffff", weight: data.alarm.failed.weight + 4 }).addTo(alarm);
        L.polyline(spanLine(number), { ...plain, ...data.alarm.failed }).addTo(alarm);
      }
      const site = event.site === null ? null : data.sites[event.site].at;
      const place = site || (event.spans.length ? spanLine(event.spans[0])[0] : null);
      if (place) L.marker(place, { icon: crossIcon(), keyboard: false, interactive: false }).addTo(alarm);
    }

    function crossIcon() {
      const look = { path: "M-6 -6L6 6M6 -6L-6 6", colour: data.alarm.failed.color, filled: false };
      return L.divIcon({ html: symbol(look), className: "symbol failed", iconSize: [26, 26] });
    }

    function say() {
      const event = replayed();
      const { name, sentence } = data.phases[phase()];
      const lines = [sentence];
      if (demand.value !== "" && demand.value !== "all") lines.push(data.demands[Number(demand.value)].sentences[phase()]);
      if (event) lines.push(event.sentence);
      status.replaceChildren(...lines.map((line) => {
        const paragraph = document.createElement("p");
        paragraph.textContent = line;
        return paragraph;
      }));
      if (event) status.lastChild.className = "alarm";
      byId("phase-name").textContent = name;
      slider.setAttribute("aria-valuetext", name);
    }

    function refresh() {
      drawParts();
      drawAlarm();
      say();
      spreadLabels(map, tooltips);
    }

    /** Whether a span is drawn now, in the layer of the phase. */
    function spanShown(number) {
      const built = data.spans.from[number] !== null && data.spans.from[number] <= phase();
      const layer = built ? data.spans.layers[number] : data.spans.before[number];
      return layer !== "" && isOn(layer);
    }

    function nearest(latlng) {
      if (!spans) return -1;
      const at = map.options.crs.latLngToPoint(latlng, 0);
      return plannerReport.nearestLine(spans, at.x, at.y, REACH_PX / 2 ** map.getZoom(), spanShown);
    }

    function routesOver(number) {
      const names = data.routes
        .filter((route) => route.phases.includes(phase()) && route.spans.some(([span]) => span === number))
        .map((route) => `${data.demands[route.demand].name} (${route.rank})`);
      return names.join("; ");
    }

    function openFacts(latlng, heading, facts) {
      L.popup({ maxWidth: 340, maxHeight: 320 }).setLatLng(latlng)
        .setContent(plannerReport.factSheet(heading, facts)).openOn(map);
    }

    /** Moves the map when what was chosen lies outside of it. */
    function lookAt(boxes) {
      const whole = boxes.reduce((sum, box) => sum.extend(box), L.latLngBounds([]));
      if (whole.isValid() && !map.getBounds().contains(whole)) map.fitBounds(whole, { padding, maxZoom: 15 });
    }

    map.on("click", (event) => {
      const number = nearest(event.latlng);
      if (number < 0) return;
      const facts = data.spans.facts.map((term, i) => [term, data.spans.rows[number][i]]);
      openFacts(event.latlng, data.spans.rows[number][2], [...facts, ["Routes here", routesOver(number)]]);
    });
    map.on("mousemove", (event) => {
      map.getContainer().classList.toggle("over-line", nearest(event.latlng) >= 0);
    });
    for (const part of parts.filter((entry) => entry.site !== undefined)) {
      part.layer.on("click keypress", (event) => {
        if (event.type === "keypress" && event.originalEvent.key !== "Enter") return;
        const site = data.sites[part.site];
        openFacts(part.layer.getLatLng(), site.name, site.facts);
      });
    }

    /* The page scrolls past the map; the wheel zooms only after a click into it. */
    map.on("focus", () => map.scrollWheelZoom.enable());
    map.on("blur", () => map.scrollWheelZoom.disable());
    map.on("zoomend moveend", () => spreadLabels(map, tooltips));
    L.control.scale({ imperial: false, maxWidth: 140 }).addTo(map);

    slider.addEventListener("input", refresh);
    demand.addEventListener("change", () => {
      failure.value = "";
      refresh();
      lookAt(parts.filter((part) => part.route !== undefined && isShown(part)).map((part) => part.layer.getBounds()));
    });
    failure.addEventListener("change", () => {
      if (failure.value !== "") {
        slider.value = String(last);
        demand.value = "";
      }
      refresh();
      lookAt(alarm.getLayers().map((layer) => (layer.getBounds ? layer.getBounds() : layer.getLatLng().toBounds(400))));
    });
    for (const box of document.querySelectorAll('input[name="layer"]')) box.addEventListener("change", refresh);
    for (const box of document.querySelectorAll('input[name="kind"]')) box.addEventListener("change", refresh);
    byId("whole-plan").addEventListener("click", () => map.fitBounds(bounds, { padding }));
    const frame = map.getContainer().parentElement;
    const figure = byId("map-figure"), enlarge = byId("enlarge");
    enlarge.hidden = !figure.requestFullscreen;
    enlarge.addEventListener("click", () => {
      if (document.fullscreenElement) document.exitFullscreen(); else figure.requestFullscreen();
    });
    figure.addEventListener("fullscreenchange", () => map.invalidateSize());

    /* On paper the map is the picture on the screen, made smaller; a canvas cannot be drawn anew while printing. */
    let opened = [];
    window.addEventListener("beforeprint", () => {
      map.closePopup();
      opened = [...document.querySelectorAll("details[data-print]:not([open])")];
      for (const details of opened) details.open = true;
    });
    window.addEventListener("afterprint", () => {
      for (const details of opened) details.open = false;
    });
    const noteSize = () => {
      const { offsetWidth: width, offsetHeight: height } = frame;
      const scale = Math.min(1, PAPER_PX / width);
      frame.style.setProperty("--width", `${width}px`);
      frame.style.setProperty("--height", `${height}px`);
      frame.style.setProperty("--scale", String(scale));
      frame.style.setProperty("--spare", `${-(1 - scale) * height}px`);
    };
    map.on("resize", noteSize);
    noteSize();
    makeScrollable();

    map.fitBounds(bounds, { padding, animate: false });
    refresh();
    if ("DecompressionStream" in window) {
      plannerReport.unpackLines(data.spans.packed, data.stepsPerDeg).then((lines) => {
        spans = lines;
        drawAlarm();
        document.documentElement.dataset.map = "ready";
      });
    }
  };
})();
