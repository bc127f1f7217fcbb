// What all panels use: elements, arrays, numbers as text, colours, markers, canvases and plane axes.

/** An element with attributes (aria-..., role) or other properties, and children: strings become text, never markup. */
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "role" || name.startsWith("aria-")) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

// -- arrays ---------------------------------------------------------------------------------------------------------

const TYPES = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f8: Float64Array };

/** An array as Python packed it: {type, data}, little-endian bytes in base64, as all machines with browsers have them. */
function unpacked({ type, data }) {
  const text = atob(data);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new TYPES[type](bytes.buffer);
}

/** The least and the greatest finite number, or null where there is none. */
function range(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const v of values) {
    if (!Number.isFinite(v)) continue;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return low <= high ? [low, high] : null;
}

/** A range with space around it, and of some width even where all numbers are equal. */
function widened([low, high], share = 0.04) {
  const space = high > low ? share * (high - low) : Math.max(Math.abs(low) * 0.1, 1e-6) || 1;
  return [low - space, high + space];
}

// -- numbers as text ------------------------------------------------------------------------------------------------

/** A number to some significant digits; nan and inf by their names. */
function number(v, digits = 6) {
  if (Number.isNaN(v)) return "nan";
  if (!Number.isFinite(v)) return v > 0 ? "inf" : "−inf";
  if (v === 0) return "0";
  const size = Math.abs(v);
  const text = size >= 1e-4 && size < 10 ** digits ? String(Number(v.toPrecision(digits))) : v.toExponential(Math.min(digits, 4) - 1);
  return text.replace(/\.?0+e/, "e").replace("e+", "e").replace(/-/g, "−");
}

/** Round numbers between two ends, about `count` of them: [[value, text], ...]. */
function ticks([low, high], count, whole = false) {
  const rough = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  let step = power * ([1, 2, 5].find((m) => m * power >= rough * 0.999) || 10);
  if (whole) step = Math.max(1, Math.round(step));
  if (!(step > 0) || !Number.isFinite(step)) return [];
  const made = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step && made.length < 50; i++) {
    const value = i * step;
    made.push([value, number(Number(value.toPrecision(12)), 5)]);
  }
  return made;
}

/** Powers of ten between two decimal logarithms; the text stands at the logarithm. */
function powers([low, high], count) {
  const step = Math.max(1, Math.ceil((high - low) / Math.max(count, 1)));
  const made = [];
  for (let e = Math.ceil(low); e <= high; e += step) made.push([e, number(Number(`1e${e}`), 5)]);
  return made.length > 1 ? made : ticks([low, high], count).map(([e]) => [e, number(10 ** e, 3)]);
}

// -- colours, markers, hatches ----------------------------------------------------------------------------------------

/** The colours that the page has now: light, dark or printed. */
function themeOf(root) {
  const style = getComputedStyle(root);
  const theme = {};
  for (const name of ["paper", "ink", "soft", "line", "pane", "bar"]) {
    theme[name] = style.getPropertyValue(`--${name}`).trim();
  }
  // Black would vanish on dark paper.
  theme.shown = (colour) => (colour.toUpperCase() === "#000000" ? theme.ink : colour);
  theme.curve = (colour) => (colour.toUpperCase() === "#0072B2" ? theme.bar : theme.shown(colour));
  return theme;
}

function rgb(colour) {
  const digits = colour.length === 4 ? colour.replace(/[^#]/g, "$&$&") : colour;
  return [1, 3, 5].map((i) => parseInt(digits.slice(i, i + 2), 16));
}

function mixed(colour, paper, strength) {
  const [a, b] = [rgb(colour), rgb(paper)];
  return a.map((v, i) => Math.round(strength * v + (1 - strength) * b[i]));
}

function polygon(corners, start, radius, inner) {
  const path = new Path2D();
  const count = inner ? 2 * corners : corners;
  for (let i = 0; i < count; i++) {
    const r = inner && i % 2 ? inner : radius;
    const angle = start + (2 * Math.PI * i) / count;
    path.lineTo(r * Math.cos(angle), r * Math.sin(angle));
  }
  path.closePath();
  return path;
}

function cross(turn) {
  const path = new Path2D();
  const [a, b] = [0.33, 1];
  const corners = [[-a, -b], [a, -b], [a, -a], [b, -a], [b, a], [a, a], [a, b], [-a, b], [-a, a], [-b, a], [-b, -a], [-a, -a]];
  for (const [x, y] of corners) path.lineTo(x * Math.cos(turn) - y * Math.sin(turn), x * Math.sin(turn) + y * Math.cos(turn));
  path.closePath();
  return path;
}

function disc() {
  const path = new Path2D();
  path.arc(0, 0, 0.85, 0, 2 * Math.PI);
  return path;
}

// matplotlib's names of markers, as outlines of about radius 1.
const UP = -Math.PI / 2;
const OUTLINES = {
  "*": polygon(5, UP, 1.3, 0.52),
  o: disc(),
  "^": polygon(3, UP, 1.15),
  s: polygon(4, Math.PI / 4, 1.1),
  D: polygon(4, 0, 1.15),
  v: polygon(3, -UP, 1.15),
  P: cross(0),
  X: cross(Math.PI / 4),
  "<": polygon(3, Math.PI, 1.15),
  p: polygon(5, UP, 1.05),
  ">": polygon(3, 0, 1.15),
};

function drawMarker(ctx, x, y, radius, look, theme) {
  ctx.save();
  ctx.translate(x, y);
  ctx.scale(radius, radius);
  ctx.fillStyle = theme.shown(look.colour);
  ctx.strokeStyle = look.colour === "#000000" ? theme.paper : "#222222";
  ctx.lineWidth = 0.6 / radius;
  ctx.fill(OUTLINES[look.marker] || OUTLINES.o);
  ctx.stroke(OUTLINES[look.marker] || OUTLINES.o);
  ctx.restore();
}

/** One period of a hatch as {period, tile}, for matplotlib's signs of hatches; s pixels make one of the page. */
function hatching(hatch, s) {
  const period = Math.round(9 * s);
  const tile = Uint8Array.from({ length: period * period }, (_, i) => hatched(hatch, i % period, Math.floor(i / period), s, period));
  return { period, tile };
}

function hatched(hatch, x, y, s, period) {
  const width = Math.max(1, 0.7 * s);
  const modulo = (v) => ((v % period) + period) % period;
  switch (hatch) {
    case "/": return modulo(x + y) < width;
    case "\\": return modulo(x - y) < width;
    case "x": return modulo(x + y) < width || modulo(x - y) < width;
    case "-": return modulo(y) < width;
    case "|": return modulo(x) < width;
    case ".": return Math.hypot(modulo(x) - period / 2, modulo(y) - period / 2) < 1.1 * s;
    case "o": return Math.abs(Math.hypot(modulo(x) - period / 2, modulo(y) - period / 2) - 3 * s) < width / 2 + 0.2;
    default: return false;
  }
}

// -- canvases ---------------------------------------------------------------------------------------------------------

const PRINTED = { width: 360, scale: 3 }; // size in print, in units of the page and dots for each

/** Make a canvas as sharp as the screen and clear it: {ctx, width, height, scale} in units of the page. */
function ready(canvas, printing) {
  const box = canvas.getBoundingClientRect();
  if (!box.width || !box.height) return null; // not shown: drawn when it is
  const scale = printing ? PRINTED.scale : window.devicePixelRatio || 1;
  const width = printing ? PRINTED.width : box.width;
  const height = printing && canvas.dataset.fixed === undefined ? (PRINTED.width * box.height) / box.width : box.height;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const ctx = canvas.getContext("2d");
  ctx.setTransform(scale, 0, 0, scale, 0, 0);
  ctx.font = '11.5px system-ui, "DejaVu Sans", sans-serif';
  ctx.lineJoin = "round";
  return { ctx, width, height, scale };
}

/** Two axes with ticks, a grid and labels; returns where they lie and the two scales. */
function planeAxes({ ctx, width, height }, theme, { x, y, xLabel, yLabel, xTicks, yTicks, equal, grid = true }) {
  const rows = yTicks || ticks(y, height / 55);
  const widest = Math.max(...rows.map(([, text]) => ctx.measureText(text).width), 8);
  const area = { left: Math.round(widest + (yLabel ? 26 : 12)), top: 8, right: width - 12, bottom: height - (xLabel ? 36 : 22) };
  if (equal) {
    const unit = Math.min((area.right - area.left) / (x[1] - x[0]), (area.bottom - area.top) / (y[1] - y[0]));
    const spareX = (area.right - area.left - unit * (x[1] - x[0])) / 2;
    area.left += Math.floor(spareX);
    area.right -= Math.floor(spareX);
    area.bottom = area.top + unit * (y[1] - y[0]);
  }
  const toX = (v) => area.left + ((v - x[0]) / (x[1] - x[0])) * (area.right - area.left);
  const toY = (v) => area.bottom - ((v - y[0]) / (y[1] - y[0])) * (area.bottom - area.top);
  const columns = xTicks || ticks(x, (area.right - area.left) / 60);
  ctx.lineWidth = 1;
  ctx.strokeStyle = theme.line;
  ctx.fillStyle = theme.ink;
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  for (const [value, text] of columns) {
    if (grid) line(ctx, toX(value), area.top, toX(value), area.bottom);
    const half = ctx.measureText(text).width / 2;
    ctx.fillText(text, Math.min(toX(value), width - half), area.bottom + 5);
  }
  if (xLabel) ctx.fillText(xLabel, (area.left + area.right) / 2, area.bottom + 20);
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  for (const [value, text] of rows) {
    if (grid) line(ctx, area.left, toY(value), area.right, toY(value));
    ctx.fillText(text, area.left - 5, toY(value));
  }
  if (yLabel) {
    ctx.save();
    ctx.translate(area.left - widest - 16, (area.top + area.bottom) / 2);
    ctx.rotate(-Math.PI / 2);
    ctx.textAlign = "center";
    ctx.fillText(yLabel, 0, 0);
    ctx.restore();
  }
  ctx.strokeStyle = theme.ink;
  line(ctx, area.left, area.top, area.left, area.bottom);
  line(ctx, area.left, area.bottom, area.right, area.bottom);
  return { area, toX, toY };
}

function line(ctx, x0, y0, x1, y1) {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}
