// Small charts: bars, lines and bands on one pair of axes, drawn as SVG at the size of their box.
"use strict";
(() => {
  const app = window.dispatchopt;
  const { el } = app;
  const PAD = { top: 30, right: 14, bottom: 44, left: 54 };

  const niceStep = (span, count) => {
    const raw = span / Math.max(1, count);
    const power = 10 ** Math.floor(Math.log10(raw));
    const unit = raw / power;
    return (unit <= 1 ? 1 : unit <= 2 ? 2 : unit <= 2.5 ? 2.5 : unit <= 5 ? 5 : 10) * power;
  };

  const present = (value) => value !== null && value !== undefined && Number.isFinite(value);

  const extent = (spec) => {
    const stacks = new Map();
    let low = 0, high = 0;
    if (present(spec.y.min)) low = spec.y.min;
    for (const series of spec.series) {
      series.values.forEach((value, i) => {
        if (spec.stacked && series.type === "bar") {
          stacks.set(i, (stacks.get(i) || 0) + (value || 0));
          return;
        }
        for (const v of [value, series.low && series.low[i], series.high && series.high[i]]) {
          if (present(v)) { high = Math.max(high, v); low = Math.min(low, v); }
        }
      });
    }
    for (const sum of stacks.values()) high = Math.max(high, sum);
    for (const line of spec.lines || []) high = Math.max(high, line.y);
    if (present(spec.y.max)) high = spec.y.max;
    return [low, high > low ? high : low + 1];
  };

  const tickText = (axis, value) => {
    if (axis.kind === "percent") return `${Math.round(value * 1000) / 10}%`;
    if (axis.clock) return app.clock(value * 3600);
    if (axis.kind === "hour") return `${String(Math.round(value) % 24).padStart(2, "0")}:00`;
    if (Math.abs(value) >= 10000) return `${app.number(Math.round(value / 100) / 10)}k`;
    return app.number(Math.round(value * 1e6) / 1e6);
  };

  const valueText = (axis, value) => {
    if (!present(value)) return "no data";
    if (axis.kind === "percent") return `${(value * 100).toFixed(1)}%`;
    const text = app.number(Math.round(value * 100) / 100);
    return axis.unit ? `${text} ${axis.unit}` : text;
  };
  app.valueText = valueText;

  const xText = (spec, i) => {
    const value = spec.x.values[i];
    if (spec.x.kind === "hour") {
      const pad = (h) => String(h % 24).padStart(2, "0");
      return `${pad(value)}:00 to ${pad(value + 1)}:00`;
    }
    if (spec.x.clock) return app.clock(value * 3600);
    return spec.x.unit ? `${value} ${spec.x.unit}` : String(value);
  };

  const frame = (spec, width, height) => {
    const numeric = spec.x.kind === "number";
    const size = spec.x.values.length;
    const inner = { w: width - PAD.left - PAD.right, h: height - PAD.top - PAD.bottom };
    const [low, high0] = extent(spec);
    const step = niceStep(high0 - low, Math.max(2, Math.floor(inner.h / 38)));
    const high = present(spec.y.max) ? high0 : Math.ceil(high0 / step - 1e-9) * step;
    const y = (value) => PAD.top + inner.h * (1 - (value - low) / (high - low));
    let x, band;
    if (numeric) {
      const first = Math.min(...spec.x.values), last = Math.max(...spec.x.values);
      const span = last > first ? last - first : 1;
      const indent = last > first ? 0 : inner.w / 2;
      x = (value) => PAD.left + indent + inner.w * (value - first) / span;
      band = inner.w / Math.max(1, size);
      return { x, xAt: (i) => x(spec.x.values[i]), y, band, inner, low, high, step, first, last };
    }
    band = inner.w / Math.max(1, size);
    x = (i) => PAD.left + band * (i + 0.5);
    return { x, xAt: x, y, band, inner, low, high, step };
  };

  const line = (x1, y1, x2, y2, cls) => el("svg:line", { x1, y1, x2, y2, class: cls });

  const label = (x, y, anchor, text, cls = "tick") => {
    const node = el("svg:text", { x, y, "text-anchor": anchor, class: cls });
    node.textContent = text;
    return node;
  };

  const axes = (svg, spec, f, width, height) => {
    for (let v = Math.ceil(f.low / f.step) * f.step; v <= f.high + f.step * 1e-6; v += f.step) {
      svg.append(line(PAD.left, f.y(v), width - PAD.right, f.y(v), "grid"));
      svg.append(label(PAD.left - 7, f.y(v) + 4, "end", tickText(spec.y, v)));
    }
    const bottom = height - PAD.bottom;
    svg.append(line(PAD.left, bottom, width - PAD.right, bottom, "axis"));
    if (spec.x.kind === "number") {
      const wish = niceStep(f.last - f.first || 1, Math.floor(f.inner.w / 60));
      const step = spec.x.clock ? [1, 2, 3, 4, 6, 12].find((v) => v >= wish) || 24 : Math.max(1, wish);
      for (let v = Math.ceil(f.first / step) * step; v <= f.last + 1e-9; v += step) {
        svg.append(line(f.x(v), bottom, f.x(v), bottom + 4, "axis"));
        svg.append(label(f.x(v), bottom + 17, "middle", tickText(spec.x, v)));
      }
    } else {
      const longest = Math.max(1, ...spec.x.values.map((v) => String(v).length));
      const room = spec.x.kind === "hour" ? 42 : Math.min(90, longest * 7 + 10);
      const every = Math.max(1, Math.ceil(room / f.band));
      spec.x.values.forEach((value, i) => {
        if (i % every) return;
        const text = spec.x.kind === "hour" ? tickText(spec.x, value) : String(value);
        const short = text.length > 13 ? `${text.slice(0, 12)}…` : text;
        svg.append(label(f.x(i), bottom + 17, "middle", short));
      });
    }
    svg.append(label(PAD.left + f.inner.w / 2, height - 6, "middle", spec.x.label, "axis-name"));
    svg.append(label(4, 13, "start", spec.y.label, "axis-name"));
  };

  const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`)
    .join("");

  const runs = (size, ok) => {
    const found = [];
    let run = [];
    for (let i = 0; i < size; i++) {
      if (ok(i)) run.push(i);
      else if (run.length) { found.push(run); run = []; }
    }
    if (run.length) found.push(run);
    return found;
  };

  const drawBars = (svg, spec, f) => {
    const bars = spec.series.filter((s) => s.type === "bar");
    const floor = new Map();
    const columns = spec.stacked ? 1 : Math.max(1, bars.length);
    const width = Math.max(1.5, Math.min(54, f.band * 0.78) / columns);
    bars.forEach((series, k) => series.values.forEach((value, i) => {
      if (!present(value) || value === 0) return;
      const from = spec.stacked ? floor.get(i) || 0 : Math.max(0, f.low);
      const to = spec.stacked ? from + value : value;
      floor.set(i, to);
      const left = f.xAt(i) - width * columns / 2 + (spec.stacked ? 0 : k * width);
      const colour = series.colours ? `var(--s${series.colours[i]})` : `var(--${series.colour})`;
      svg.append(el("svg:rect", {
        x: left.toFixed(1), y: f.y(Math.max(from, to)).toFixed(1), width: width.toFixed(1),
        height: Math.max(0.5, Math.abs(f.y(from) - f.y(to))).toFixed(1), class: "bar",
        style: `fill:${colour}`, rx: spec.stacked ? 0 : 2,
      }));
    }));
  };

  const drawLines = (svg, spec, f) => {
    for (const series of spec.series.filter((s) => s.type !== "bar")) {
      const colour = `var(--${series.colour})`;
      if (series.low) {
        for (const run of runs(series.low.length, (i) => present(series.low[i]) && present(series.high[i]))) {
          const there = run.map((i) => [f.xAt(i), f.y(series.high[i])]);
          const back = run.map((i) => [f.xAt(i), f.y(series.low[i])]).reverse();
          svg.append(el("svg:path", { d: `${path([...there, ...back])}Z`, class: "band", style: `fill:${colour}` }));
        }
      }
      for (const run of runs(series.values.length, (i) => present(series.values[i]))) {
        const points = run.map((i) => [f.xAt(i), f.y(series.values[i])]);
        if (series.type === "area") {
          const floor = f.y(Math.max(0, f.low));
          const shape = [...points, [points.at(-1)[0], floor], [points[0][0], floor]];
          svg.append(el("svg:path", { d: `${path(shape)}Z`, class: "area", style: `fill:${colour}` }));
        }
        svg.append(el("svg:path", {
          d: path(points), class: series.dash ? "line dash" : "line", style: `stroke:${colour}`,
        }));
        if (run.length <= 32) {
          for (const [cx, cy] of points) svg.append(el("svg:circle", { cx, cy, r: 2.6, style: `fill:${colour}` }));
        }
      }
    }
  };

  const drawMarks = (svg, spec, f, width, height) => {
    const bottom = height - PAD.bottom;
    for (const zone of spec.zones || []) {
      const at = (v) => (spec.x.kind === "number" ? f.x(v) : PAD.left + f.band * (v - spec.x.values[0]));
      const [x0, x1] = [at(zone.from), at(zone.to)];
      svg.append(el("svg:rect", { x: x0, y: PAD.top, width: Math.max(2, x1 - x0), height: f.inner.h, class: "zone" }));
      svg.append(label(Math.min(x0 + 4, width - 90), PAD.top + 12, "start", zone.label, "zone-name"));
    }
    for (const mark of spec.lines || []) {
      svg.append(line(PAD.left, f.y(mark.y), width - PAD.right, f.y(mark.y), "limit"));
      svg.append(label(width - PAD.right, f.y(mark.y) - 5, "end", mark.label, "limit-name"));
    }
    for (const mark of spec.marks || []) {
      const x = f.x(mark.x);
      svg.append(line(x, PAD.top, x, bottom, "mark"));
      if (present(mark.y)) svg.append(el("svg:circle", { cx: x, cy: f.y(mark.y), r: 6, class: "mark-dot" }));
      const right = x > width / 2;
      svg.append(label(x + (right ? -8 : 8), bottom - 8, right ? "end" : "start", mark.label, "mark-name"));
    }
  };

  const tip = el("div", { class: "tip", role: "status", hidden: true });
  document.body.append(tip);

  const hover = (svg, spec, f, height) => {
    const cursor = line(0, PAD.top, 0, height - PAD.bottom, "cursor");
    cursor.style.display = "none";
    svg.append(cursor);
    let at = -1;
    const show = (i) => {
      at = Math.max(0, Math.min(spec.x.values.length - 1, i));
      const x = f.xAt(at);
      cursor.setAttribute("x1", x);
      cursor.setAttribute("x2", x);
      cursor.style.display = "";
      const rows = spec.series.map((s) => {
        const band = s.low && present(s.low[at]) && s.bandName
          ? ` (${s.bandName} ${valueText(spec.y, s.low[at])} to ${valueText(spec.y, s.high[at])})` : "";
        return [s.name, valueText(spec.y, s.values[at]) + band];
      });
      tip.replaceChildren(app.card(xText(spec, at), rows, (spec.notes || [])[at]));
      tip.hidden = false;
      const box = svg.getBoundingClientRect();
      const left = box.left + window.scrollX + x + 14;
      const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
      tip.style.left = `${Math.max(4, Math.min(left, room))}px`;
      tip.style.top = `${box.top + window.scrollY + PAD.top}px`;
    };
    const hide = () => { tip.hidden = true; cursor.style.display = "none"; };
    svg.addEventListener("pointermove", (event) => {
      const x = event.clientX - svg.getBoundingClientRect().left;
      let best = 0;
      spec.x.values.forEach((_, i) => { if (Math.abs(f.xAt(i) - x) < Math.abs(f.xAt(best) - x)) best = i; });
      show(best);
    });
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", hide);
    svg.addEventListener("keydown", (event) => {
      const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (event.key === "Escape") hide();
      if (!move) return;
      event.preventDefault();
      show(at + move);
    });
  };

  const legend = (spec) => {
    const items = spec.series.filter((s) => !s.colours).map((series) => el("li", {},
      el("span", { class: `key key-${series.type || "line"}${series.dash ? " key-dash" : ""}`, style: `--key:var(--${series.colour})` }),
      series.low && series.bandName ? `${series.name} (band: ${series.bandName})` : series.name));
    return items.length > 1 || spec.series.some((s) => s.low) ? el("ul", { class: "legend" }, ...items) : null;
  };

  app.drawChart = (box, spec) => {
    const holder = box.querySelector(".chart-canvas");
    const old = box.querySelector(".legend");
    if (old) old.remove();
    const width = Math.max(260, holder.clientWidth || 520), height = spec.height || 250;
    const svg = el("svg:svg", {
      width, height, viewBox: `0 0 ${width} ${height}`, class: "chart-svg", tabindex: 0, role: "img",
      "aria-label": `${spec.title}. ${spec.summary || ""} Use the arrow keys to read the values.`,
    });
    const f = frame(spec, width, height);
    axes(svg, spec, f, width, height);
    drawBars(svg, spec, f);
    drawLines(svg, spec, f);
    drawMarks(svg, spec, f, width, height);
    hover(svg, spec, f, height);
    holder.replaceChildren(svg);
    const keys = legend(spec);
    if (keys) holder.after(keys);
  };

  app.startCharts = () => {
    const redraw = () => document.querySelectorAll("[data-chart]").forEach((box) =>
      app.drawChart(box, app.data.charts[box.dataset.chart]));
    redraw();
    let width = document.documentElement.clientWidth, waiting = 0;
    window.addEventListener("resize", () => {
      if (document.documentElement.clientWidth === width) return;
      width = document.documentElement.clientWidth;
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(redraw);
    });
  };
})();
