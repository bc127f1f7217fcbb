// The slider, the play button, and the panels that they move.

function player(root) {
  const find = (name) => root.querySelector(name);
  const recording = unpackedTree(JSON.parse(find(".recording").textContent));
  const { epochs, classes } = recording;
  const page = {
    epochs,
    frames: Array.from(epochs, (_, i) => i),
    whole: recording.whole,
    wide: recording.span[0] < recording.span[1] ? recording.span : widened(recording.span),
    lines: recording.lines,
    classes,
    labels: recording.labels || new Uint8Array(0),
    redraw: () => schedule(true),
  };
  const panels = [
    ...(recording.hidden ? [spacePanel(recording.hidden, page)] : []),
    ...(recording.regions ? [regionsPanel(recording.regions, page)] : []),
    ...recording.curves.map((curves) => curvesPanel(curves, page, pointedAt)),
    ...(recording.changes ? [changesPanel(recording.changes, page)] : []),
    ...(recording.activations ? [activationsPanel(recording.activations, page)] : []),
  ];
  // The curves stand below each other, in the place of one panel, and so do the layers where there is no third column.
  const stacks = {};
  const places = panels.map(({ stack, figure }) => {
    if (!stack) return figure;
    stacks[stack] ||= element("div", { className: stack });
    stacks[stack].append(figure);
    return stacks[stack];
  });
  find(".panels").append(...new Set(places));
  find(".notes").append(...recording.notes.map((textContent) => element("li", { textContent })));
  const keys = recording.legend ? classes.map(() => element("canvas", { "aria-hidden": "true" })) : [];
  keys.forEach((key, i) => find(".legend").append(element("li", {}, key, classes[i].name)));

  const [slider, button, now, speed] = [find(".epoch"), find(".play"), find(".now"), find(".speed")];
  const last = epochs.length - 1;
  slider.max = String(last);
  let frame = recording.start;
  let playing = null; // {since, from}: when and where it began
  let printing = false;
  let asked = 0;
  let everything = true;

  // -- showing a frame ------------------------------------------------------------------------------------------

  function seek(next) {
    frame = Math.min(last, Math.max(0, next));
    slider.value = String(frame);
    const epoch = `epoch ${number(epochs[frame])}`;
    now.textContent = last > 0 ? `${epoch} of ${number(epochs[last])}` : epoch;
    for (const panel of panels) panel.show(frame);
    const said = panels.map((panel) => panel.said(frame)).filter(Boolean);
    slider.setAttribute("aria-valuetext", [epoch, ...said].join(", "));
    schedule(false);
  }

  function schedule(all) {
    everything ||= all;
    if (!asked) asked = requestAnimationFrame(paint);
  }

  function paint() {
    asked = 0;
    const theme = themeOf(root);
    for (const panel of panels) if (everything || !panel.still) panel.draw(theme, printing);
    if (everything) keys.forEach((key, i) => legendKey(key, classes[i], theme));
    everything = false;
  }

  function legendKey(key, look, theme) {
    const surface = ready(key, false);
    if (!surface) return;
    const { ctx, width, height, scale } = surface;
    if (recording.regions && recording.regions.runs) {
      const tint = mixed(theme.shown(look.colour), theme.paper, 0.3);
      ctx.fillStyle = `#${hex(tint)}`;
      ctx.fillRect(0, 0, width, height);
      ctx.fillStyle = `#${hex(mixed(theme.soft, ctx.fillStyle, 0.55))}`;
      const { period, tile } = hatching(look.hatch, scale);
      for (let y = 0; y < height * scale; y++) {
        for (let x = 0; x < width * scale; x++) {
          if (tile[(y % period) * period + (x % period)]) ctx.fillRect(x / scale, y / scale, 1 / scale, 1 / scale);
        }
      }
    }
    drawMarker(ctx, width / 2, height / 2, RADIUS * 1.2, look, theme);
  }

  function pointedAt(epoch) {
    stop();
    let nearest = 0;
    for (let i = 1; i <= last; i++) if (Math.abs(epochs[i] - epoch) < Math.abs(epochs[nearest] - epoch)) nearest = i;
    seek(nearest);
  }

  // -- playing ---------------------------------------------------------------------------------------------------

  // The whole takes 4 to 20 seconds at speed 1.
  const pace = () => ((last + 1) / Math.min(20, Math.max(4, (last + 1) / 15)) / 1000) * Number(speed.value);

  function play() {
    if (last === 0) return;
    if (frame === last) seek(0);
    playing = { since: null, from: frame };
    button.textContent = "Pause";
    requestAnimationFrame(advance);
  }

  function advance(time) {
    if (!playing) return;
    if (playing.since === null) playing.since = time;
    const next = playing.from + Math.floor((time - playing.since) * pace());
    if (next !== frame) seek(next);
    if (frame === last) stop();
    else requestAnimationFrame(advance);
  }

  function stop() {
    playing = null;
    button.textContent = "Play";
  }

  button.addEventListener("click", () => (playing ? stop() : play()));
  speed.addEventListener("change", () => {
    if (playing) playing = { since: null, from: frame };
  });
  slider.addEventListener("input", () => {
    stop();
    seek(Number(slider.value));
  });
  for (const step of root.querySelectorAll(".step")) {
    step.addEventListener("click", () => {
      stop();
      seek(frame + Number(step.dataset.step));
    });
  }
  if (last === 0) for (const control of root.querySelectorAll(".controls > :not(.now)")) control.hidden = true;
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) speed.value = "0.25";

  // Space plays wherever it has no other meaning; the arrow keys move the slider where nothing else takes them.
  document.addEventListener("keydown", (event) => {
    const alone = document.querySelectorAll(".playback").length === 1 && event.target === document.body;
    if (!(alone || root.contains(event.target)) || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const own = event.target.closest("button, select, input[type=checkbox]");
    if (event.key === " " && !own) button.click();
    else if (event.key === "ArrowLeft" && !own && event.target !== slider) find('[data-step="-1"]').click();
    else if (event.key === "ArrowRight" && !own && event.target !== slider) find('[data-step="1"]').click();
    else return;
    event.preventDefault();
  });

  // -- the page around -------------------------------------------------------------------------------------------

  new ResizeObserver(() => schedule(true)).observe(root);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => schedule(true));
  const print = (on) => () => {
    printing = on;
    root.classList.toggle("printing", on);
    everything = true;
    paint(); // at once: the page is printed when this returns
  };
  addEventListener("beforeprint", print(true));
  addEventListener("afterprint", print(false));
  seek(frame);
}

/** A tree with its packed arrays unpacked. */
function unpackedTree(tree) {
  if (Array.isArray(tree)) return tree.map(unpackedTree);
  if (tree === null || typeof tree !== "object") return tree;
  if ("type" in tree && "data" in tree) return unpacked(tree);
  return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, unpackedTree(value)]));
}

document.querySelectorAll(".playback").forEach(player);
