// Shared helpers: the page's data, packed numbers, elements, colours, formats.
"use strict";
const app = {};
window.dispatchopt = app;

app.data = JSON.parse(document.getElementById("page-data").textContent);

// Whole numbers come as text: zigzag, then five bits a character, lowest first, bit six = "more".
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const DIGIT = new Uint8Array(128);
for (let i = 0; i < 64; i++) DIGIT[ALPHABET.charCodeAt(i)] = i;

app.unpack = (text) => {
  const out = [];
  let value = 0, scale = 1;
  for (let i = 0; i < text.length; i++) {
    const digit = DIGIT[text.charCodeAt(i)];
    value += (digit & 31) * scale;
    if (digit & 32) { scale *= 32; continue; }
    out.push(value % 2 ? -(value + 1) / 2 : value / 2);
    value = 0;
    scale = 1;
  }
  return out;
};

app.unpackSum = (text) => {
  const out = app.unpack(text);
  for (let i = 1; i < out.length; i++) out[i] += out[i - 1];
  return out;
};

// Degrees in units of 1e-5 to the unit square of the Mercator projection.
app.worldX = (lon5) => lon5 / 36e6 + 0.5;
app.worldY = (lat5) => {
  const s = Math.sin(lat5 * 1e-5 * Math.PI / 180);
  return 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI);
};

// Delta coded x, y, x, y ...: lines of `counts` vertices, each line's first vertex relative to the last one's.
app.unpackLines = (packed) => {
  const counts = app.unpack(packed.counts);
  const deltas = app.unpack(packed.xy);
  const total = deltas.length / 2;
  const x = new Float64Array(total), y = new Float64Array(total);
  let lon = 0, lat = 0;
  for (let i = 0; i < total; i++) {
    lon += deltas[2 * i];
    lat += deltas[2 * i + 1];
    x[i] = app.worldX(lon);
    y[i] = app.worldY(lat);
  }
  const start = new Int32Array(counts.length + 1);
  for (let i = 0; i < counts.length; i++) start[i + 1] = start[i] + counts[i];
  return { x, y, start, size: counts.length };
};

app.unpackPoints = (packed) => {
  const lon = app.unpackSum(packed.lon), lat = app.unpackSum(packed.lat);
  const x = Float64Array.from(lon, app.worldX), y = Float64Array.from(lat, app.worldY);
  return { x, y, lon, lat, size: lon.length };
};

app.latLng = (points, i) => [points.lat[i] * 1e-5, points.lon[i] * 1e-5];

// Elements are made from text nodes only: names from files can never become markup.
app.el = (tag, attributes = {}, ...children) => {
  const node = tag.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
};

// A small card of name and value pairs, for popups and tooltips.
app.card = (title, rows, note) => {
  const list = app.el("dl", {});
  for (const [name, value] of rows) {
    if (value === null || value === undefined || value === "") continue;
    list.append(app.el("dt", {}, String(name)), app.el("dd", {}, String(value)));
  }
  return app.el("div", { class: "card-popup" },
    app.el("strong", {}, String(title)), list, note ? app.el("p", {}, String(note)) : null);
};

app.colour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || "#888";
app.storeColour = (index) => app.colour(`s${index}`);

app.clock = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  return `${String(hours).padStart(2, "0")}:${String(minutes).padStart(2, "0")}`;
};

app.minutes = (seconds) => `${(seconds / 60).toFixed(1)} min`;

const GROUPED = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
app.number = (value) => GROUPED.format(value);

app.money = (cents) => (cents / 100).toLocaleString("en",
  { minimumFractionDigits: 2, maximumFractionDigits: 2 });

// Told again whenever light turns dark, or before printing.
app.onTheme = (redraw) => {
  const query = window.matchMedia("(prefers-color-scheme: dark)");
  query.addEventListener("change", redraw);
  window.addEventListener("afterprint", redraw);
};
