// The hidden layer: points in 3-D that can be turned, in the plane, or on a line for each class.

const VIEW = { azimuth: -60, elevation: 22, zoom: 1 };
const RADIUS = 4.2;

function spacePanel(hidden, page) {
  const turning = hidden.axes.length === 3;
  const canvas = element("canvas", { className: "space", role: "img" });
  const plot = element("div", { className: "plot" }, canvas);
  const read = element("p", { className: "read" });
  const box = element("input", { type: "checkbox", checked: true });
  const choices = element("div", { className: "choices" });
  choices.append(element("label", { className: "choice" }, box, "same axes at every epoch"));
  const figure = element("figure", {}, element("h2", { textContent: hidden.title }), read, plot, choices);
  const caption = element("figcaption", { textContent: hidden.note });
  if (hidden.note) figure.append(caption);

  const dimensions = hidden.axes.length;
  const places = new Float64Array(page.labels.length * dimensions);
  const broken = Array.from(page.epochs, (_, frame) => {
    let count = 0;
    for (let i = 0; i < page.labels.length; i++) if (!located(frame, i)) count++;
    return count;
  });
  const whole = hidden.axes.map((_, d) => {
    const ends = (of) => page.frames.map((frame) => of[frame * dimensions + d]);
    return widened(range([...ends(hidden.low), ...ends(hidden.high)]) || [0, 1]);
  });
  let frame = 0;
  let view = { ...VIEW };

  /** Whether a point has a place; reads it into `places`. The greatest code stands for "not finite". */
  function located(frame, i) {
    let all = true;
    for (let d = 0; d < dimensions; d++) {
      const code = hidden.codes[(frame * page.labels.length + i) * dimensions + d];
      const [low, high] = [hidden.low[frame * dimensions + d], hidden.high[frame * dimensions + d]];
      if (code === 65535) all = false;
      places[i * dimensions + d] = low * (1 - code / 65534) + high * (code / 65534);
    }
    return all;
  }

  function draw(theme, printing) {
    const surface = ready(canvas, printing);
    if (!surface) return;
    const points = [];
    for (let i = 0; i < page.labels.length; i++) if (located(frame, i)) points.push(i);
    const ranges = box.checked
      ? whole
      : hidden.axes.map((_, d) => widened([hidden.low[frame * dimensions + d], hidden.high[frame * dimensions + d]]));
    if (!points.length) {
      surface.ctx.fillStyle = theme.ink;
      surface.ctx.textAlign = "center";
      surface.ctx.fillText("no point has finite coordinates at this epoch", surface.width / 2, surface.height / 2);
    } else if (turning) solid(surface, theme, ranges, points);
    else flat(surface, theme, ranges, points);
  }

  function flat(surface, theme, ranges, points) {
    const alone = dimensions === 1;
    const y = alone ? [-0.5, page.classes.length - 0.5] : ranges[1];
    const yTicks = alone ? page.classes.map(({ name }, c) => [c, name.length > 12 ? `${name.slice(0, 11)}…` : name]) : undefined;
    const axes = planeAxes(surface, theme, { x: ranges[0], y, xLabel: hidden.axes[0], yLabel: alone ? "" : hidden.axes[1], yTicks });
    for (const i of points) {
      // Spread over the line of the class by a fixed pattern, so that points do not hide each other.
      const high = alone ? page.labels[i] + 0.6 * (((i * 0.6180339887) % 1) - 0.5) : places[i * dimensions + 1];
      drawMarker(surface.ctx, axes.toX(places[i * dimensions]), axes.toY(high), RADIUS, page.classes[page.labels[i]], theme);
    }
  }

  function solid({ ctx, width, height }, theme, ranges, points) {
    const azimuth = (view.azimuth * Math.PI) / 180;
    const elevation = (view.elevation * Math.PI) / 180;
    const [ca, sa, ce, se] = [Math.cos(azimuth), Math.sin(azimuth), Math.cos(elevation), Math.sin(elevation)];
    const size = Math.min(width / 3.9, height / 3.4) * view.zoom;
    // Of the cube [-1, 1]³: to the right, up, and towards the eye, from which it is seen at a distance of 8.
    const project = ([x, y, z]) => {
      const [right, forward] = [ca * y - sa * x, ca * x + sa * y];
      const near = ce * forward + se * z;
      const scale = (8 / (8 - near)) * size;
      return [0.53 * width + scale * right, 0.48 * height - scale * (ce * z - se * forward), near, scale / size];
    };
    const back = [ca * ce > 0 ? -1 : 1, sa * ce > 0 ? -1 : 1, se >= 0 ? -1 : 1]; // the sides behind the points
    const marks = ranges.map((ends) => ticks(ends, 3.2).map(([v, text]) => [(2 * (v - ends[0])) / (ends[1] - ends[0]) - 1, text]));
    const at = (axis, value, others) => others.map((v, d) => (d === axis ? value : v));

    ctx.lineWidth = 1;
    for (let axis = 0; axis < 3; axis++) {
      const [b, c] = [(axis + 1) % 3, (axis + 2) % 3];
      const corner = (p, q) => { const made = [0, 0, 0]; made[axis] = back[axis]; made[b] = p; made[c] = q; return project(made); };
      ctx.beginPath();
      for (const [p, q] of [[-1, -1], [1, -1], [1, 1], [-1, 1]]) ctx.lineTo(...corner(p, q).slice(0, 2));
      ctx.closePath();
      ctx.fillStyle = theme.pane;
      ctx.fill();
      ctx.strokeStyle = theme.line;
      ctx.stroke();
      for (const [v] of marks[b]) line(ctx, ...corner(v, -1).slice(0, 2), ...corner(v, 1).slice(0, 2));
      for (const [v] of marks[c]) line(ctx, ...corner(-1, v).slice(0, 2), ...corner(1, v).slice(0, 2));
    }

    // Each axis is written along an edge of the outline: the ground's front edges, and the left upright one.
    const uprights = [[-back[0], back[1], 0], [back[0], -back[1], 0]];
    const upright = project(uprights[0])[0] < project(uprights[1])[0] ? uprights[0] : uprights[1];
    const edges = [[0, -back[1], back[2]], [-back[0], 0, back[2]], upright];
    ctx.textBaseline = "middle";
    ctx.textAlign = "center";
    edges.forEach((edge, axis) => {
      const [from, to] = [project(at(axis, -1, edge)), project(at(axis, 1, edge))];
      const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
      ctx.strokeStyle = theme.ink;
      line(ctx, from[0], from[1], to[0], to[1]);
      if (length < 40) return; // seen from its end
      // Away from the middle of the cube, across the edge.
      let [nx, ny] = [-(to[1] - from[1]) / length, (to[0] - from[0]) / length];
      const middle = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
      if (nx * (middle[0] - 0.53 * width) + ny * (middle[1] - 0.48 * height) < 0) [nx, ny] = [-nx, -ny];
      ctx.fillStyle = theme.soft;
      let widest = 0;
      for (const [v, text] of marks[axis]) {
        const [px, py] = project(at(axis, v, edge));
        const w = ctx.measureText(text).width;
        widest = Math.max(widest, w);
        line(ctx, px, py, px + 4 * nx, py + 4 * ny);
        ctx.fillText(text, px + (8 + w / 2) * nx, py + 13 * ny);
      }
      ctx.fillStyle = theme.ink;
      const name = hidden.axes[axis];
      ctx.fillText(name, middle[0] + (16 + widest + ctx.measureText(name).width / 2) * nx, middle[1] + 30 * ny);
    });

    const drawn = points.map((i) => {
      const cube = ranges.map(([low, high], d) => (2 * (places[i * 3 + d] - low)) / (high - low) - 1);
      return [...project(cube), i];
    });
    drawn.sort((p, q) => p[2] - q[2] || p[4] - q[4]);
    for (const [px, py, , scale, i] of drawn) drawMarker(ctx, px, py, RADIUS * scale, page.classes[page.labels[i]], theme);
  }

  function show(next) {
    frame = next;
    const count = page.labels.length;
    read.textContent = broken[frame] ? `${broken[frame]} of ${count} points are nan or inf and not drawn` : `${count} ${count === 1 ? "point" : "points"}`;
    describe();
  }

  function describe() {
    const turned = turning ? ` Turned to azimuth ${Math.round(view.azimuth)}°, elevation ${Math.round(view.elevation)}°: arrow keys turn it, plus and minus zoom, Home turns it back.` : "";
    canvas.setAttribute("aria-label", `${hidden.title} at epoch ${number(page.epochs[frame])}: ${read.textContent}.${turned}`);
  }

  function turn(right, up, zoom = 1) {
    view.azimuth = ((((view.azimuth - right + 180) % 360) + 360) % 360) - 180;
    view.elevation = Math.min(90, Math.max(-90, view.elevation + up));
    view.zoom = Math.min(4, Math.max(0.5, view.zoom * zoom));
    describe();
    page.redraw();
  }

  function reset() {
    view = { ...VIEW };
    turn(0, 0);
  }

  if (turning) {
    const home = element("button", { type: "button", textContent: "Reset view" });
    home.addEventListener("click", reset);
    choices.append(home);
    canvas.classList.add("turn");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application"); // a screen reader passes the arrow keys on
    let last = null;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      last = [event.clientX, event.clientY];
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!last) return;
      turn(0.5 * (event.clientX - last[0]), 0.5 * (event.clientY - last[1]));
      last = [event.clientX, event.clientY];
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (last = null));
    canvas.addEventListener("keydown", (event) => {
      const keys = { ArrowLeft: [-5, 0], ArrowRight: [5, 0], ArrowUp: [0, -5], ArrowDown: [0, 5], "+": [0, 0, 1.1], "-": [0, 0, 1 / 1.1] };
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key in keys) turn(...keys[event.key]);
      else if (event.key === "Home") reset();
      else return;
      event.preventDefault();
    });
  }
  box.addEventListener("change", () => page.redraw());
  return { figure, draw, show, said: () => "" };
}
