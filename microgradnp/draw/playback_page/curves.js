// Loss and metrics over the epochs, with a marker at the epoch that is shown.

/** One plot of curves that share a scale. `seek(x)` is called with the epoch that somebody points at. */
function curvesPanel(curves, page, seek) {
  const canvas = element("canvas", { className: "pick", role: "img" });
  const marker = element("div", { className: "marker", "aria-hidden": "true" });
  const dots = curves.series.map(() => element("div", { className: "dot", "aria-hidden": "true" }));
  const plot = element("div", { className: "plot" }, canvas, marker, ...dots);
  const keys = curves.series.map(() => element("canvas", { "aria-hidden": "true" }));
  const values = curves.series.map(() => element("b"));
  const heading = element("h2", {}, curves.title);
  const read = element("p", { className: "read" });
  // A curve alone is named by the heading; several have a key to their lines.
  if (curves.series.length === 1) heading.append(" ", values[0]);
  else curves.series.forEach(({ name }, i) => read.append(element("span", { className: "series" }, keys[i], `${name} `, values[i])));
  const box = element("input", { type: "checkbox" });
  const all = curves.series.flatMap(({ y }) => Array.from(y)).filter(Number.isFinite);
  const positive = all.length > 0 && all.every((v) => v > 0);
  const [low, high] = range(all) || [0, 1];
  box.checked = positive && curves.log && high > 100 * low;
  const choices = element("div", { className: "choices" });
  if (positive && (curves.log || high > 100 * low)) choices.append(element("label", { className: "choice" }, box, "logarithmic scale"));
  const figure = element("figure", { className: "curves" }, heading, ...(curves.series.length > 1 ? [read] : []), plot, choices);

  const x = page.wide;
  const scaled = (v) => (box.checked ? Math.log10(v) : v);
  let axes = null; // of the last drawing, which the marker moves over
  let size = null;
  let shown = 0;

  function draw(theme, printing) {
    const surface = ready(canvas, printing);
    if (!surface) return;
    size = surface;
    const { ctx } = surface;
    const y = widened((all.length && [scaled(low), scaled(high)]) || [0, 1], 0.06);
    const rows = box.checked ? powers(y, surface.height / 30) : ticks(y, surface.height / 30);
    const columns = ticks(x, surface.width / 50, page.whole);
    axes = planeAxes(surface, theme, { x, y, xLabel: "epoch", xTicks: columns, yTicks: rows });
    curves.series.forEach((series, i) => {
      stroke(ctx, theme, page.lines[i % page.lines.length]);
      curve(ctx, theme, series);
      ctx.setLineDash([]);
      sample(keys[i], theme, page.lines[i % page.lines.length], printing);
    });
    mark(shown);
    if (printing) markPrinted(ctx, theme);
  }

  // In the picture itself: Chromium shifts what is laid over a canvas when it fits a page to the paper.
  function markPrinted(ctx, theme) {
    const left = axes.toX(page.epochs[shown]);
    ctx.strokeStyle = theme.ink;
    ctx.lineWidth = 1.2;
    line(ctx, left, axes.area.top, left, axes.area.bottom);
    for (const { at, known } of curves.series) {
      if (!known[shown] || !Number.isFinite(at[shown])) continue;
      ctx.beginPath();
      ctx.arc(left, axes.toY(scaled(at[shown])), 4, 0, 2 * Math.PI);
      ctx.fillStyle = theme.paper;
      ctx.fill();
      ctx.stroke();
    }
  }

  function stroke(ctx, theme, [colour, dashes]) {
    ctx.strokeStyle = theme.curve(colour);
    ctx.lineWidth = 1.8;
    ctx.setLineDash({ "-": [], "--": [7, 4], "-.": [7, 3, 1.5, 3], ":": [1.8, 3] }[dashes] || []);
  }

  function sample(key, theme, look, printing) {
    const surface = key.isConnected && ready(key, false);
    if (!surface) return;
    stroke(surface.ctx, theme, look);
    line(surface.ctx, 0, surface.height / 2, surface.width, surface.height / 2);
  }

  // A curve breaks where it is not finite; single numbers between breaks are dots.
  function curve(ctx, theme, { x: at, y }) {
    const finite = (i) => i >= 0 && i < y.length && Number.isFinite(y[i]);
    ctx.beginPath();
    for (let i = 0; i < y.length; i++) {
      if (!finite(i)) continue;
      const [px, py] = [axes.toX(at[i]), axes.toY(scaled(y[i]))];
      if (finite(i - 1)) ctx.lineTo(px, py);
      else ctx.moveTo(px, py);
      if (!finite(i - 1) && !finite(i + 1)) ctx.arc(px, py, 1.5, 0, 2 * Math.PI);
    }
    ctx.stroke();
    const broken = y.findIndex((v) => !Number.isFinite(v));
    if (broken < 0) return;
    ctx.setLineDash([2, 3]);
    ctx.lineWidth = 1;
    line(ctx, axes.toX(at[broken]), axes.area.top, axes.toX(at[broken]), axes.area.bottom);
    ctx.fillStyle = theme.ink;
    ctx.textBaseline = "top";
    const rightHalf = axes.toX(at[broken]) > (axes.area.left + axes.area.right) / 2;
    ctx.textAlign = rightHalf ? "right" : "left";
    const said = `first ${number(y[broken])} at epoch ${number(at[broken])}`;
    ctx.fillText(said, axes.toX(at[broken]) + (rightHalf ? -4 : 4), axes.area.top + 1);
  }

  // In per cent, so that the marker stays in its place while the plot changes its size.
  function mark(frame) {
    shown = frame;
    if (!axes) return;
    const left = `${(100 * axes.toX(page.epochs[frame])) / size.width}%`;
    marker.style.left = left;
    marker.style.top = `${(100 * axes.area.top) / size.height}%`;
    marker.style.height = `${(100 * (axes.area.bottom - axes.area.top)) / size.height}%`;
    curves.series.forEach(({ at, known }, i) => {
      const here = known[frame] && Number.isFinite(at[frame]);
      dots[i].hidden = !here;
      if (!here) return;
      dots[i].style.left = left;
      dots[i].style.top = `${(100 * axes.toY(scaled(at[frame]))) / size.height}%`;
    });
  }

  function show(frame) {
    curves.series.forEach((series, i) => (values[i].textContent = value(series, frame)));
    canvas.setAttribute("aria-label", `${curves.title} over the epochs. ${said(frame)}`);
    mark(frame);
  }

  const value = ({ at, known }, frame) => (known[frame] ? number(at[frame]) : "not measured");

  function said(frame) {
    return curves.series.map((series) => `${series.name} ${value(series, frame)}`).join(", ");
  }

  function pointed(event) {
    if (event.type === "pointermove" && !event.buttons) return;
    const box = canvas.getBoundingClientRect();
    if (axes) seek(x[0] + ((((event.clientX - box.left) * size.width) / box.width - axes.area.left) / (axes.area.right - axes.area.left)) * (x[1] - x[0]));
  }
  canvas.addEventListener("pointerdown", pointed);
  canvas.addEventListener("pointermove", pointed);
  box.addEventListener("change", () => page.redraw());
  return { figure, draw, show, said, still: true, stack: "stack" };
}
