// What happens layer by layer: how far the parameters have changed, and how the activations are spread.

/** A row for each parameter: its name, a bar from zero, the number. */
function changesPanel(changes, page) {
  // Update ratios shrink by orders of magnitude while a network learns: those are shown on a logarithmic scale.
  const sizes = range(changes.values.filter((v) => v !== 0));
  const log = sizes !== null && sizes[0] > 0 && sizes[1] > 100 * sizes[0];
  const ends = log ? sizes : range([0, ...changes.values]);
  const [low, high] = ends[0] < ends[1] ? ends : [0, 1];
  const linear = (v) => (100 * (v - low)) / (high - low);
  // The least of all has a bar too, of 2 %.
  const place = log ? (v) => (v > 0 ? 2 + (98 * Math.log(v / low)) / Math.log(high / low) : 0) : linear;
  const unit = changes.unit ? ` ${changes.unit}` : "";
  const text = (v) => (Number.isNaN(v) ? "undefined" : number(v, 4) + unit); // as the per cent of what was 0
  const rows = changes.names.map((name) => {
    const bar = element("div", { className: "bar" });
    const zero = element("div", { className: "zero" });
    zero.style.left = `${place(0)}%`;
    const value = element("td", { className: "value" });
    const row = element("tr", {}, element("th", { scope: "row", textContent: name, title: name }), element("td", {}, element("div", { className: "track" }, bar, zero)), value);
    return { bar, value, row };
  });
  // As wide as the longest number will be, so that the bars keep their length from epoch to epoch.
  const longest = Math.max(...Array.from(changes.values, (v) => text(v).length));
  for (const { value } of rows) value.style.minWidth = value.style.width = `${longest}ch`;
  const scale = element("td", {}, element("div", { className: "ends" }, element("span", { textContent: number(low, 3) + unit }), element("span", { textContent: number(high, 3) + unit })));
  const foot = element("tr", {}, element("td"), scale, element("td"));
  const caption = log ? [element("caption", { textContent: "Logarithmic scale." })] : [];
  const table = element("table", {}, ...caption, ...rows.map(({ row }) => row), foot);
  const scrolled = element("div", { className: "rows" }, table);
  const figure = element("figure", { className: "changes" }, element("h2", { textContent: changes.title }), scrolled);

  function show(frame) {
    rows.forEach(({ bar, value }, p) => {
      const v = changes.values[p * page.epochs.length + frame];
      value.textContent = text(v);
      bar.hidden = !Number.isFinite(v);
      if (bar.hidden) return;
      bar.style.left = `${place(Math.min(v, 0))}%`;
      bar.style.width = `${Math.abs(place(v) - place(0))}%`;
    });
  }
  return { figure, draw: () => {}, show, said: () => "", still: true, stack: "layers" };
}

/** A row for each layer: its histogram on one scale for all layers and epochs, the median and the extremes. */
function activationsPanel(activations, page) {
  const { names, bins, low, high } = activations;
  const place = (v) => (v - low) / (high - low);
  const rows = names.map((name) => {
    const canvas = element("canvas", { role: "img" });
    canvas.dataset.fixed = "";
    const value = element("td", { className: "value" });
    const row = element("tr", {}, element("th", { scope: "row", textContent: name, title: name }), element("td", { className: "strip" }, canvas), value);
    return { canvas, value, row };
  });
  const scale = element("td", {}, element("div", { className: "ends" }, element("span", { textContent: number(low, 3) }), element("span", { textContent: number(high, 3) })));
  const caption = element("caption", { textContent: "Histogram of a layer's activations; line and number: median; below it least and greatest." });
  const table = element("table", {}, caption, ...rows.map(({ row }) => row), element("tr", {}, element("td"), scale, element("td")));
  const figure = element("figure", { className: "activations" }, element("h2", { textContent: "Activations" }), element("div", { className: "rows" }, table));
  let frame = 0;

  const summary = (layer) => activations.summary.subarray(4 * (frame * names.length + layer), 4 * (frame * names.length + layer) + 4);

  function draw(theme, printing) {
    rows.forEach(({ canvas }, layer) => {
      const surface = ready(canvas, printing);
      if (!surface) return;
      const { ctx, width, height } = surface;
      const inside = (share) => 3 + share * (width - 6);
      ctx.fillStyle = theme.pane;
      ctx.fillRect(0, 0, width, height);
      ctx.strokeStyle = theme.soft;
      if (low <= 0 && high >= 0) line(ctx, inside(place(0)), 0, inside(place(0)), height);
      const [least, median, greatest] = summary(layer);
      if (!Number.isFinite(median)) return;
      ctx.fillStyle = theme.bar;
      for (let bin = 0; bin < bins; bin++) {
        const tall = (activations.counts[(frame * names.length + layer) * bins + bin] / 255) * (height - 3);
        if (tall > 0) ctx.fillRect(inside(bin / bins), height - Math.max(tall, 1), (width - 6) / bins + 0.3, Math.max(tall, 1));
      }
      ctx.strokeStyle = theme.ink;
      ctx.lineWidth = 2;
      line(ctx, inside(place(median)), 0, inside(place(median)), height);
      ctx.lineWidth = 1;
      line(ctx, inside(place(least)), height - 0.5, inside(place(greatest)), height - 0.5);
    });
  }

  function show(next) {
    frame = next;
    rows.forEach(({ canvas, value }, layer) => {
      const [least, median, greatest, broken] = summary(layer);
      const spread = least < greatest ? [element("small", { textContent: `${number(least, 3)} to ${number(greatest, 3)}` })] : [];
      const lost = broken ? [element("small", { textContent: `${broken} nan or inf` })] : [];
      const middle = Number.isFinite(median) ? number(median, 4) : broken ? "" : "none";
      value.replaceChildren(middle, ...spread, ...lost);
      canvas.setAttribute("aria-label", `${names[layer]} at epoch ${number(page.epochs[frame])}: median ${[middle, ...[...spread, ...lost].map((part) => part.textContent)].join(", ")}`);
    });
  }
  return { figure, draw, show, said: () => "", stack: "layers" };
}
