// The map: Leaflet for moving about, own canvas layers for whatever comes in thousands.
"use strict";
(() => {
  const app = window.dispatchopt;
  const { el } = app;

  // L.Renderer brings padding and the zoom animation; `paint(ctx, view)` draws in pixels of the canvas.
  const Sheet = L.Renderer.extend({
    initialize(paint, options) {
      this._paint = paint;
      L.Renderer.prototype.initialize.call(this, { padding: 0.25, ...options });
    },
    _initContainer() {
      this._container = document.createElement("canvas");
      this._ctx = this._container.getContext("2d");
    },
    _destroyContainer() {
      this._container.remove();
      delete this._container;
      delete this._ctx;
    },
    _update() {
      if (this._map._animatingZoom && this._bounds) return;
      L.Renderer.prototype._update.call(this);
      const size = this._bounds.getSize(), ratio = Math.min(2, window.devicePixelRatio || 1);
      L.DomUtil.setPosition(this._container, this._bounds.min);
      this._container.width = ratio * size.x;
      this._container.height = ratio * size.y;
      this._container.style.width = `${size.x}px`;
      this._container.style.height = `${size.y}px`;
      this._ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.repaint();
    },
    _updatePaths() {},
    repaint() {
      if (!this._map || !this._ctx || !this._bounds) return;
      const origin = this._map.getPixelOrigin(), size = this._bounds.getSize();
      const view = {
        scale: 256 * 2 ** this._map.getZoom(), zoom: this._map.getZoom(),
        left: origin.x + this._bounds.min.x, top: origin.y + this._bounds.min.y, w: size.x, h: size.y,
      };
      this._ctx.clearRect(0, 0, size.x, size.y);
      this._paint(this._ctx, view);
    },
  });
  app.Sheet = Sheet;

  // Mean, over a band of classes, of what a street is worth at a zoom: wide roads stay, lanes fade out.
  const ROAD_LOOK = {
    0: { colour: "road-major", width: 2.6, alpha: 1 },
    1: { colour: "road-middle", width: 1.7, alpha: 0.95 },
    2: { colour: "road-minor", width: 1, alpha: 0.85 },
  };

  const roadPainter = (groups) => {
    const sets = groups.map((group) => ({ ...app.unpackLines(group), level: group.level }));
    return (ctx, view) => {
      ctx.lineCap = "round";
      ctx.lineJoin = "round";
      const grow = Math.max(0.6, Math.min(2.2, 1 + (view.zoom - 13) * 0.22));
      for (const set of [...sets].sort((a, b) => b.level - a.level)) {
        const look = ROAD_LOOK[set.level];
        ctx.strokeStyle = app.colour(look.colour);
        ctx.globalAlpha = look.alpha;
        ctx.lineWidth = look.width * grow;
        strokeLines(ctx, set, view);
      }
      ctx.globalAlpha = 1;
    };
  };

  const strokeLines = (ctx, set, view) => {
    const { x, y, start, size } = set, { scale, left, top, w, h } = view;
    ctx.beginPath();
    let pending = 0;
    for (let k = 0; k < size; k++) {
      const a = start[k], b = start[k + 1] - 1;
      const x0 = x[a] * scale - left, y0 = y[a] * scale - top;
      const x1 = x[b] * scale - left, y1 = y[b] * scale - top;
      const margin = 40;
      if ((x0 < -margin && x1 < -margin) || (x0 > w + margin && x1 > w + margin)) continue;
      if ((y0 < -margin && y1 < -margin) || (y0 > h + margin && y1 > h + margin)) continue;
      ctx.moveTo(x0, y0);
      for (let i = a + 1; i <= b; i++) ctx.lineTo(x[i] * scale - left, y[i] * scale - top);
      // Very long paths are slow to stroke.
      if (++pending % 400 === 0) { ctx.stroke(); ctx.beginPath(); }
    }
    ctx.stroke();
  };

  const cross = (ctx, x, y, r) => {
    ctx.moveTo(x - r, y - r);
    ctx.lineTo(x + r, y + r);
    ctx.moveTo(x + r, y - r);
    ctx.lineTo(x - r, y + r);
  };
  app.cross = cross;

  const customerPainter = (customers, isOn) => (ctx, view) => {
    const { x, y, size, store, weight } = customers, { scale, left, top, w, h } = view;
    const crowd = size > 20000 ? 0.7 : size > 2000 ? 0.85 : 1;
    const base = Math.max(1.2, Math.min(5, 1 + (view.zoom - 10) * 0.48)) * crowd;
    const palette = new Map();
    const colourOf = (s) => {
      if (!palette.has(s)) palette.set(s, app.storeColour(s));
      return palette.get(s);
    };
    if (isOn("covered")) {
      ctx.globalAlpha = 0.75;
      for (let i = 0; i < size; i++) {
        if (store[i] < 0) continue;
        const px = x[i] * scale - left, py = y[i] * scale - top;
        if (px < -9 || py < -9 || px > w + 9 || py > h + 9) continue;
        const r = base * weight[i];
        ctx.fillStyle = colourOf(customers.shade[i]);
        ctx.beginPath();
        ctx.arc(px, py, r, 0, 2 * Math.PI);
        ctx.fill();
      }
    }
    if (isOn("uncovered")) {
      // A city with thousands of them must not drown in crosses.
      ctx.globalAlpha = crowd < 1 ? 0.55 : 0.85;
      ctx.lineWidth = Math.max(1, base * 0.5);
      ctx.strokeStyle = app.colour("bad");
      ctx.beginPath();
      for (let i = 0; i < size; i++) {
        if (store[i] >= 0) continue;
        const px = x[i] * scale - left, py = y[i] * scale - top;
        if (px < -9 || py < -9 || px > w + 9 || py > h + 9) continue;
        cross(ctx, px, py, Math.max(crowd < 1 ? 1.3 : 2, base * 0.8 * weight[i]));
      }
      ctx.stroke();
    }
    ctx.globalAlpha = 1;
  };

  const storeIcon = (colour, letter) => {
    const svg = el("svg:svg", { viewBox: "0 0 28 34", width: 28, height: 34, "aria-hidden": "true" },
      el("svg:path", { d: "M14 33C14 33 2 20.5 2 13a12 12 0 0 1 24 0c0 7.5-12 20-12 20z", class: "pin", style: `fill:var(--s${colour})` }),
      el("svg:circle", { cx: 14, cy: 13, r: 7.4, class: "pin-face" }));
    const text = el("svg:text", { x: 14, y: 16.4, "text-anchor": "middle", class: "pin-text" });
    text.textContent = letter;
    svg.append(text);
    return L.divIcon({ html: svg, className: "store-pin", iconSize: [28, 34], iconAnchor: [14, 33], popupAnchor: [0, -28] });
  };

  const siteLayers = (map, sites) => {
    const stores = L.layerGroup(), candidates = L.layerGroup();
    const canvas = L.canvas({ padding: 0.25, pane: "sites" });
    app.storeMarkers = new Map();
    for (let i = 0; i < sites.size; i++) {
      const at = app.latLng(sites, i), isOpen = sites.shade[i] >= 0;
      const popup = () => app.card(sites.ids[i], sites.facts[i] || [], sites.notes[i]);
      if (isOpen) {
        const number = sites.number[i];
        const marker = L.marker(at, { icon: storeIcon(sites.shade[i], String(number)), title: `Store ${sites.ids[i]}`, alt: `Store ${sites.ids[i]}`, riseOnHover: true });
        marker.bindPopup(popup);
        app.storeMarkers.set(i, marker);
        stores.addLayer(marker);
      } else {
        const dot = L.circleMarker(at, { renderer: canvas, radius: 4.5, weight: 1.6, className: "site-dot" });
        dot.bindPopup(popup);
        dot.siteStatus = sites.status[i];
        candidates.addLayer(dot);
      }
    }
    const style = () => candidates.eachLayer((dot) => dot.setStyle({
      color: app.colour(dot.siteStatus === 3 ? "bad" : "ink-2"), fillColor: app.colour("surface"), fillOpacity: 1,
    }));
    style();
    app.onTheme(style);
    return { stores, candidates };
  };

  const areaLayer = (areas) => {
    const group = L.layerGroup();
    const canvas = L.canvas({ padding: 0.25, pane: "areas" });
    const shapes = areas.map((area) => {
      const lines = app.unpackPolygons(area.rings);
      const shape = L.polygon(lines, { renderer: canvas, interactive: false, smoothFactor: 0.6 });
      shape.shade = area.shade;
      group.addLayer(shape);
      return shape;
    });
    const style = () => shapes.forEach((shape) => {
      const colour = app.storeColour(shape.shade);
      shape.setStyle({ color: colour, weight: 1.6, opacity: 0.7, fillColor: colour, fillOpacity: 0.09 });
    });
    style();
    app.onTheme(style);
    return group;
  };

  app.unpackPolygons = (packed) => packed.map((polygon) => polygon.map((ring) => {
    const deltas = app.unpack(ring), out = [];
    let lon = 0, lat = 0;
    for (let i = 0; i < deltas.length; i += 2) {
      lon += deltas[i];
      lat += deltas[i + 1];
      out.push([lat * 1e-5, lon * 1e-5]);
    }
    return out;
  }));

  app.nearest = (map, points, latlng, limit, accept = () => true) => {
    const scale = 256 * 2 ** map.getZoom();
    const cx = app.worldX(latlng.lng * 1e5) * scale, cy = app.worldY(latlng.lat * 1e5) * scale;
    let best = -1, least = limit * limit;
    for (let i = 0; i < points.size; i++) {
      const dx = points.x[i] * scale - cx, dy = points.y[i] * scale - cy, d = dx * dx + dy * dy;
      if (d < least && accept(i)) { least = d; best = i; }
    }
    return best;
  };

  const customerCard = (customers, sites, i) => {
    const store = customers.store[i];
    const name = customers.ids ? customers.ids[i] : `Customer ${i + 1}`;
    const rows = [["Demand", `${app.number(customers.demand[i])} orders a day`]];
    if (store >= 0) {
      rows.push(["Store", sites.ids[store]], ["Distance", customers.distance ? `${app.number(customers.distance[i])} m` : ""]);
      return app.card(name, rows);
    }
    rows.push(["Not covered", customers.reasons[customers.reason[i]] || "no store within reach"]);
    return app.card(name, rows);
  };

  const unpackCustomers = (packed) => {
    const customers = app.unpackPoints(packed);
    Object.assign(customers, {
      store: app.unpack(packed.store), shade: app.unpack(packed.shade), demand: app.unpack(packed.demand),
      distance: packed.distance ? app.unpack(packed.distance) : null, reason: app.unpack(packed.reason),
      reasons: packed.reasons, ids: packed.ids,
    });
    // Area in proportion to demand, within reason.
    const sorted = [...customers.demand].sort((a, b) => a - b);
    const middle = Math.max(1, sorted[Math.floor(sorted.length / 2)] || 1);
    customers.weight = customers.demand.map((d) => Math.max(0.6, Math.min(2.6, Math.sqrt(d / middle))));
    return customers;
  };

  const shareWheel = (map) => {
    // The wheel scrolls the page until the map has been clicked or focused.
    const box = map.getContainer();
    map.scrollWheelZoom.disable();
    box.addEventListener("focusin", () => map.scrollWheelZoom.enable());
    map.on("click", () => map.scrollWheelZoom.enable());
    box.addEventListener("mouseleave", () => map.scrollWheelZoom.disable());
  };

  const addTiles = (map, spec) => {
    if (spec.tiles) L.tileLayer(spec.tiles, { attribution: spec.tiles_attribution || "", maxZoom: 19 }).addTo(map);
  };

  const buildLayers = (map, spec, isOn) => {
    const layers = {};
    if (spec.roads && spec.roads.length) layers.roads = new Sheet(roadPainter(spec.roads), { pane: "roads" });
    if (spec.areas && spec.areas.length) layers.areas = areaLayer(spec.areas);
    const customers = spec.customers ? unpackCustomers(spec.customers) : null;
    if (customers && customers.size) {
      layers.customers = new Sheet(customerPainter(customers, isOn), { pane: "customers" });
    }
    const sites = spec.sites ? Object.assign(app.unpackPoints(spec.sites), {
      ids: spec.sites.ids, shade: app.unpack(spec.sites.shade), status: app.unpack(spec.sites.status),
      number: app.unpack(spec.sites.number), facts: spec.sites.facts, notes: spec.sites.notes,
    }) : null;
    if (sites) Object.assign(layers, siteLayers(map, sites));
    if (spec.routes && spec.routes.length) layers.routes = routeLayer(spec.routes);
    return { layers, customers, sites };
  };

  const routeLayer = (routes) => {
    const group = L.layerGroup();
    const canvas = L.canvas({ padding: 0.25, pane: "areas" });
    const shapes = routes.map((route) => {
      const shape = L.polyline(app.unpackPolygons([[route.path]])[0], { renderer: canvas, weight: 3 });
      shape.shade = route.shade;
      shape.bindPopup(() => app.card(route.name, route.facts || []));
      group.addLayer(shape);
      return shape;
    });
    const style = () => shapes.forEach((s) => s.setStyle({ color: app.storeColour(s.shade), opacity: 0.85 }));
    style();
    app.onTheme(style);
    return group;
  };

  const LAYER_NAMES = [
    ["roads", "Roads"], ["areas", "Service areas"], ["routes", "Routes"], ["covered", "Customers covered"],
    ["uncovered", "Customers not covered"], ["stores", "Stores"], ["candidates", "Sites not opened"],
    ["orders", "Orders of the day"], ["couriers", "Couriers of the day"],
  ];

  const layerPanel = (state, counts, toggle) => {
    const panel = document.getElementById("layers");
    for (const [name, text] of LAYER_NAMES) {
      if (!(name in state)) continue;
      const box = el("input", { type: "checkbox", id: `layer-${name}`, checked: state[name] });
      box.addEventListener("change", () => toggle(name, box.checked));
      const count = name in counts ? el("span", { class: "count" }, app.number(counts[name])) : null;
      panel.append(el("label", { class: "layer", for: `layer-${name}` }, box,
        el("span", { class: `swatch swatch-${name}` }), el("span", {}, text), count));
    }
  };

  app.startMap = () => {
    const box = document.getElementById("map"), spec = app.data.map;
    if (!box || !spec) return;
    const map = L.map(box, { zoomSnap: 0.25, zoomDelta: 0.75, maxZoom: 19, minZoom: 3, preferCanvas: true, zoomControl: true });
    map.attributionControl.setPrefix(false);
    if (spec.attribution) map.attributionControl.addAttribution(app.el("span", {}, spec.attribution).innerHTML);
    ["roads", "areas", "customers", "sites", "orders", "couriers"].forEach((name, i) => {
      const pane = map.createPane(name);
      pane.style.zIndex = 210 + 20 * i;
      if (name !== "sites" && name !== "areas") pane.style.pointerEvents = "none";
    });
    const [[south, west], [north, east]] = spec.bounds;
    const wholeCity = () => {
      // The panel must not hide a part of the city where there is room beside it.
      const side = map.getSize().x > 900 ? 250 : 14;
      map.fitBounds([[south, west], [north, east]],
        { paddingTopLeft: [14, 14], paddingBottomRight: [side, 14], animate: false });
    };
    wholeCity();
    addTiles(map, spec);
    L.control.scale({ imperial: false }).addTo(map);
    shareWheel(map);

    const state = {};
    const isOn = (name) => state[name] !== false;
    const { layers, customers, sites } = buildLayers(map, spec, isOn);
    const counts = {};
    for (const name of Object.keys(layers)) if (name !== "customers") state[name] = true;
    if (customers && customers.size) {
      const uncovered = customers.store.filter((s) => s < 0).length;
      Object.assign(state, { covered: true, uncovered: true });
      Object.assign(counts, { covered: customers.size - uncovered, uncovered });
    }
    if (sites) {
      counts.stores = app.storeMarkers.size;
      counts.candidates = sites.size - app.storeMarkers.size;
    }
    const player = app.data.play ? app.startPlayer(map, isOn) : null;
    if (player) Object.assign(state, { orders: true, couriers: true });
    const toggle = (name, on) => {
      state[name] = on;
      if (name === "covered" || name === "uncovered") layers.customers.repaint();
      else if (layers[name]) (on ? map.addLayer(layers[name]) : map.removeLayer(layers[name]));
      else if (player) player.repaint();
    };
    layerPanel(state, counts, toggle);
    Object.values(layers).forEach((layer) => map.addLayer(layer));
    app.onTheme(() => {
      if (layers.roads) layers.roads.repaint();
      if (layers.customers) layers.customers.repaint();
    });
    map.on("click", (event) => {
      const order = player ? player.orderAt(event.latlng) : -1;
      if (order >= 0) { player.openOrder(order, false); return; }
      if (!customers) return;
      const hit = app.nearest(map, customers, event.latlng, 9,
        (i) => isOn(customers.store[i] < 0 ? "uncovered" : "covered"));
      if (hit >= 0) L.popup().setLatLng(app.latLng(customers, hit)).setContent(customerCard(customers, sites, hit)).openOn(map);
    });
    document.getElementById("map-reset").addEventListener("click", wholeCity);
    if (map.getSize().x < 640) document.querySelector(".map-side").open = false;
    Object.assign(app, { map, layers, customers, sites, player });
  };
})();
