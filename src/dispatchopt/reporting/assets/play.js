// The day played back: couriers along their ways, orders from placement to the door.
"use strict";
(() => {
  const app = window.dispatchopt;
  const { el } = app;
  const DELIVERED = 0, REFUSED = 1, CANCELLED = 2;
  const STATUS_NAMES = ["delivered", "refused", "cancelled by the customer", "not delivered", "not placed"];
  const GONE_AFTER_S = 180, FAILED_SHOWN_S = 900;

  const unpackOrders = (packed) => {
    const orders = app.unpackPoints(packed);
    const placed = app.unpackSum(packed.placed);
    // Later times are stored as seconds after placement plus one; 0 is "never".
    const after = (text) => app.unpack(text).map((v, i) => (v === 0 ? -1 : placed[i] + v - 1));
    return Object.assign(orders, {
      placed, due: after(packed.due), ready: after(packed.ready), pickup: after(packed.pickup),
      delivered: after(packed.delivered), status: app.unpack(packed.status), shade: app.unpack(packed.shade),
      store: app.unpack(packed.store), courier: app.unpack(packed.courier), reason: app.unpack(packed.reason),
      surge: app.unpack(packed.surge), ids: packed.ids, stores: packed.stores, couriers: packed.couriers, reasons: packed.reasons,
    });
  };

  const unpackLegs = (packed) => {
    const counts = app.unpack(packed.counts), depart = app.unpackSum(packed.depart);
    const duration = app.unpack(packed.duration), lines = app.unpackLines(packed.paths);
    const first = new Int32Array(counts.length + 1);
    counts.forEach((count, i) => { first[i + 1] = first[i] + count; });
    // Share of the way at each vertex, so that couriers move evenly along it.
    const along = new Float32Array(lines.x.length);
    for (let k = 0; k < lines.size; k++) {
      const a = lines.start[k], b = lines.start[k + 1];
      for (let i = a + 1; i < b; i++) {
        along[i] = along[i - 1] * (i - 1 > a ? 1 : 0)
          + Math.hypot(lines.x[i] - lines.x[i - 1], lines.y[i] - lines.y[i - 1]);
      }
      const total = along[b - 1] || 1;
      for (let i = a + 1; i < b; i++) along[i] /= total;
      along[a] = 0;
    }
    return { first, depart, duration, order: app.unpack(packed.order).map((v) => v - 1), lines, along,
      on: app.unpack(packed.on), off: app.unpack(packed.off), size: counts.length };
  };

  // Index of the last leg of a courier that has begun, or -1.
  const legAt = (legs, courier, now) => {
    let low = legs.first[courier], high = legs.first[courier + 1] - 1, found = -1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (legs.depart[middle] <= now) { found = middle; low = middle + 1; } else high = middle - 1;
    }
    return found;
  };

  const placeOn = (legs, leg, share, out) => {
    const { lines, along } = legs;
    const a = lines.start[leg], b = lines.start[leg + 1] - 1;
    let i = a;
    while (i < b && along[i + 1] < share) i++;
    const j = Math.min(b, i + 1), span = along[j] - along[i] || 1;
    const t = j > i ? Math.max(0, Math.min(1, (share - along[i]) / span)) : 0;
    out.x = lines.x[i] + (lines.x[j] - lines.x[i]) * t;
    out.y = lines.y[i] + (lines.y[j] - lines.y[i]) * t;
  };

  const orderState = (orders, i, now) => {
    if (now < orders.placed[i]) return "";
    const end = orders.delivered[i];
    if (orders.status[i] === DELIVERED && end >= 0 && now >= end) {
      if (now - end > GONE_AFTER_S) return "";
      return end > orders.due[i] ? "done-late" : "done";
    }
    if (orders.status[i] !== DELIVERED) {
      // Refused orders show at once; others when their promise is broken.
      const known = orders.status[i] === REFUSED ? orders.placed[i] : orders.due[i];
      if (now >= known) return now - known > FAILED_SHOWN_S ? "" : "failed";
    }
    if (now > orders.due[i]) return "late";
    return orders.pickup[i] >= 0 && now >= orders.pickup[i] ? "riding" : "waiting";
  };

  const drawOrders = (ctx, view, orders, now, tally) => {
    const r = Math.max(3, Math.min(7, 3.4 + (view.zoom - 12) * 0.7));
    const look = {
      waiting: app.colour("wait"), riding: app.colour("ride"), late: app.colour("bad"),
      done: app.colour("good"), "done-late": app.colour("bad"), failed: app.colour("bad"),
    };
    const rim = app.colour("surface");
    for (let i = 0; i < orders.size; i++) {
      const state = orderState(orders, i, now);
      if (!state) continue;
      if (tally) tally[state] += 1;
      const x = orders.x[i] * view.scale - view.left, y = orders.y[i] * view.scale - view.top;
      if (x < -9 || y < -9 || x > view.w + 9 || y > view.h + 9) continue;
      const isDone = state.startsWith("done");
      ctx.globalAlpha = isDone ? Math.max(0, 1 - (now - orders.delivered[i]) / GONE_AFTER_S) : 1;
      ctx.beginPath();
      if (state === "failed") {
        ctx.strokeStyle = look.failed;
        ctx.lineWidth = 2.2;
        app.cross(ctx, x, y, r + 0.5);
        ctx.stroke();
        continue;
      }
      if (state === "late") ctx.rect(x - r, y - r, 2 * r, 2 * r);
      else ctx.arc(x, y, isDone ? r + 3 * (1 - ctx.globalAlpha) : r, 0, 2 * Math.PI);
      ctx.fillStyle = look[state];
      ctx.fill();
      ctx.strokeStyle = rim;
      ctx.lineWidth = 1;
      ctx.stroke();
    }
    ctx.globalAlpha = 1;
  };

  const drawCouriers = (ctx, view, legs, now, at) => {
    const r = Math.max(3.6, Math.min(8, 4.2 + (view.zoom - 12) * 0.8));
    const busy = app.colour("courier"), free = app.colour("courier-free"), rim = app.colour("surface");
    let moving = 0, onShift = 0;
    for (let c = 0; c < legs.size; c++) {
      const leg = legAt(legs, c, now);
      const isWorking = leg >= 0 && now <= legs.depart[leg] + legs.duration[leg];
      if (now < legs.on[c] || (now > legs.off[c] && !isWorking)) continue;
      onShift++;
      if (isWorking) moving++;
      if (leg < 0) continue;
      const share = isWorking ? (now - legs.depart[leg]) / Math.max(1, legs.duration[leg]) : 1;
      placeOn(legs, leg, share, at);
      const x = at.x * view.scale - view.left, y = at.y * view.scale - view.top;
      if (x < -9 || y < -9 || x > view.w + 9 || y > view.h + 9) continue;
      const isCarrying = isWorking && legs.order[leg] >= 0;
      ctx.beginPath();
      ctx.moveTo(x, y - r * 1.35);
      ctx.lineTo(x + r * 1.2, y + r * 0.95);
      ctx.lineTo(x - r * 1.2, y + r * 0.95);
      ctx.closePath();
      ctx.fillStyle = isCarrying ? busy : free;
      ctx.globalAlpha = isWorking ? 1 : 0.7;
      ctx.fill();
      ctx.strokeStyle = rim;
      ctx.lineWidth = 1;
      ctx.stroke();
      ctx.globalAlpha = 1;
    }
    return { moving, onShift };
  };

  const drawChosen = (ctx, view, legs, chosen) => {
    if (chosen < 0 || !legs) return;
    ctx.strokeStyle = app.colour("accent");
    ctx.lineWidth = 4;
    ctx.globalAlpha = 0.85;
    for (let leg = 0; leg < legs.order.length; leg++) {
      if (legs.order[leg] !== chosen) continue;
      ctx.beginPath();
      for (let i = legs.lines.start[leg]; i < legs.lines.start[leg + 1]; i++) {
        ctx.lineTo(legs.lines.x[i] * view.scale - view.left, legs.lines.y[i] * view.scale - view.top);
      }
      ctx.stroke();
    }
    ctx.globalAlpha = 1;
  };

  // Orders per slice of the day above the slider: the hours worth playing.
  const drawSkyline = (canvas, orders, start, end) => {
    const width = canvas.clientWidth || 300, height = 34, ratio = Math.min(2, window.devicePixelRatio || 1);
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const ctx = canvas.getContext("2d");
    ctx.scale(ratio, ratio);
    const slices = Math.max(10, Math.min(144, Math.floor(width / 5)));
    const all = new Float64Array(slices), bad = new Float64Array(slices);
    for (let i = 0; i < orders.size; i++) {
      const k = Math.min(slices - 1, Math.floor((orders.placed[i] - start) / Math.max(1, end - start) * slices));
      if (k < 0) continue;
      all[k]++;
      const late = orders.status[i] !== DELIVERED || orders.delivered[i] > orders.due[i];
      if (late) bad[k]++;
    }
    const top = Math.max(1, ...all), step = width / slices;
    for (let k = 0; k < slices; k++) {
      const h = (height - 2) * all[k] / top, hb = (height - 2) * bad[k] / top;
      ctx.fillStyle = app.colour("wait");
      ctx.globalAlpha = 0.55;
      ctx.fillRect(k * step, height - h, step - 1, h);
      ctx.globalAlpha = 1;
      ctx.fillStyle = app.colour("bad");
      ctx.fillRect(k * step, height - hb, step - 1, hb);
    }
  };

  const orderCard = (orders, i) => {
    const time = (s) => (s >= 0 ? app.clock(s) : "");
    const rows = [
      ["Store", orders.store[i] >= 0 ? orders.stores[orders.store[i]] : "none"],
      ["Courier", orders.courier[i] >= 0 && orders.couriers ? orders.couriers[orders.courier[i]] : ""],
      ["Placed", time(orders.placed[i])], ["Ready", time(orders.ready[i])],
      ["Picked up", time(orders.pickup[i])], ["Delivered", time(orders.delivered[i])],
    ];
    let note = `Promised until ${time(orders.due[i])}.`;
    if (orders.delivered[i] >= 0) {
      rows.push(["Click to door", app.minutes(orders.delivered[i] - orders.placed[i])]);
      const late = orders.delivered[i] - orders.due[i];
      note += late > 0 ? ` Late by ${app.minutes(late)}.` : " On time.";
    } else rows.push(["Outcome", STATUS_NAMES[orders.status[i]]]);
    const reason = orders.reasons[orders.reason[i]];
    if (reason) note += ` ${reason}`;
    return app.card(`Order ${orders.ids[i]}${orders.surge[i] ? " (live stream)" : ""}`, rows, note);
  };

  app.startPlayer = (map, isOn) => {
    const spec = app.data.play, bar = document.getElementById("player");
    const orders = unpackOrders(spec.orders), legs = spec.legs ? unpackLegs(spec.legs) : null;
    const control = (id) => document.getElementById(id);
    const button = control("play"), slider = control("time"), clock = control("clock"), speed = control("speed");
    const player = { orders, legs, now: spec.begin, chosen: -1, playing: false, start: spec.start, end: spec.end };
    const at = { x: 0, y: 0 };
    const sheet = new app.Sheet((ctx, view) => {
      const tally = { waiting: 0, riding: 0, late: 0, done: 0, "done-late": 0, failed: 0 };
      drawChosen(ctx, view, legs, player.chosen);
      if (isOn("orders")) drawOrders(ctx, view, orders, player.now, tally);
      let crew = null;
      if (legs && isOn("couriers")) crew = drawCouriers(ctx, view, legs, player.now, at);
      control("tally").replaceChildren(...[
        ["waiting", tally.waiting, "wait"], ["on the way", tally.riding, "ride"], ["late", tally.late, "bad"],
        crew ? ["couriers driving", crew.moving, "courier"] : null, crew ? ["on shift", crew.onShift, "courier-free"] : null,
      ].filter(Boolean).map(([name, count, colour]) =>
        el("span", { class: "tally-item" }, el("i", { style: `background:var(--${colour})` }), el("b", {}, app.number(count)), ` ${name}`)));
    }, { pane: "couriers" });

    const show = () => {
      clock.textContent = app.clock(player.now);
      slider.value = String(Math.round(player.now));
      slider.setAttribute("aria-valuetext", app.clock(player.now));
      sheet.repaint();
    };
    let last = 0;
    const tick = (stamp) => {
      if (!player.playing) return;
      // A tab in the background gets no frames; do not leap on return.
      const passed = last ? Math.min(0.1, (stamp - last) / 1000) : 0;
      last = stamp;
      player.now = Math.min(spec.end, player.now + passed * Number(speed.value));
      show();
      if (player.now >= spec.end) player.pause(); else requestAnimationFrame(tick);
    };
    player.play = () => {
      if (player.now >= spec.end) player.now = spec.start;
      player.playing = true;
      last = 0;
      button.setAttribute("aria-pressed", "true");
      button.setAttribute("aria-label", "Pause the day");
      button.classList.add("playing");
      requestAnimationFrame(tick);
    };
    player.pause = () => {
      player.playing = false;
      button.setAttribute("aria-pressed", "false");
      button.setAttribute("aria-label", "Play the day");
      button.classList.remove("playing");
    };
    player.seek = (seconds) => { player.now = Math.max(spec.start, Math.min(spec.end, seconds)); show(); };
    player.repaint = () => sheet.repaint();
    player.orderAt = (latlng) => (isOn("orders")
      ? app.nearest(map, orders, latlng, 9, (i) => orderState(orders, i, player.now) !== "") : -1);
    player.openOrder = (i, zoom) => {
      player.pause();
      player.chosen = i;
      if (zoom) {
        map.setView(app.latLng(orders, i), Math.max(15, map.getZoom()), { animate: false });
        player.seek(orders.delivered[i] >= 0 ? orders.delivered[i] - 20 : orders.placed[i] + 60);
      }
      sheet.repaint();
      L.popup({ autoPan: !zoom }).setLatLng(app.latLng(orders, i)).setContent(orderCard(orders, i)).openOn(map);
    };
    map.on("popupclose", () => { player.chosen = -1; sheet.repaint(); });
    button.addEventListener("click", () => (player.playing ? player.pause() : player.play()));
    slider.min = spec.start;
    slider.max = spec.end;
    slider.addEventListener("input", () => player.seek(Number(slider.value)));
    bar.hidden = false;
    const sky = () => drawSkyline(control("skyline"), orders, spec.start, spec.end);
    sky();
    window.addEventListener("resize", sky);
    app.onTheme(() => { sky(); sheet.repaint(); });
    map.addLayer(sheet);
    show();
    return player;
  };
  app.CANCELLED = CANCELLED;
})();
