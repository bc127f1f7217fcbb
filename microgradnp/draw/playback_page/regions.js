// What the network chooses everywhere in the plane, and the points that it learned from.

const UNDEFINED = 255;
const MIXED = 256;

function regionsPanel(regions, page) {
  const canvas = element("canvas", { className: "regions", role: "img" });
  const plot = element("div", { className: "plot" }, canvas);
  const read = element("p", { className: "read" });
  const title = regions.runs ? "Decision regions" : "Data";
  const figure = element("figure", {}, element("h2", { textContent: title }), read, plot);
  const { width: columns, height: rows, extent: [left, right, bottom, top] } = regions;
  let frame = 0;

  /** The class at each place of the grid, row by row from the bottom. */
  function classesAt(frame) {
    const classes = new Uint8Array(columns * rows);
    let place = 0;
    for (let run = regions.starts[frame]; run < regions.starts[frame + 1]; run++) {
      classes.fill(regions.runs[run], place, (place += regions.lengths[run]));
    }
    return classes;
  }

  function draw(theme, printing) {
    const surface = ready(canvas, printing);
    if (!surface) return;
    const { ctx, scale } = surface;
    const shape = (right - left) / (top - bottom);
    const equal = shape > 0.25 && shape < 4; // a circle looks like one
    const options = { x: [left, right], y: [bottom, top], xLabel: "x₁", yLabel: "x₂", equal, grid: !regions.runs };
    const { area, toX, toY } = planeAxes(surface, theme, options);
    if (regions.runs) {
      const [x0, y0] = [Math.round(area.left * scale) + 1, Math.round(area.top * scale)];
      const [w, h] = [Math.round(area.right * scale) - x0, Math.round(area.bottom * scale) - 1 - y0];
      const fields = fieldsOf(classesAt(frame));
      if (w > 0 && h > 0) ctx.putImageData(painted(ctx, fields, w, h, theme, scale), x0, y0);
      ctx.lineWidth = 1.2;
      ctx.strokeStyle = theme.ink;
      const to = (column, row) => [toX(left + (column / (columns - 1)) * (right - left)), toY(bottom + (row / (rows - 1)) * (top - bottom))];
      for (const [, field] of fields.slice(0, -1)) ctx.stroke(border(field, to)); // the last one's borders are those of the others
    }
    if (!regions.points) return;
    for (let i = 0; i < page.labels.length; i++) {
      const [px, py] = [toX(regions.points[2 * i]), toY(regions.points[2 * i + 1])];
      const inside = px >= area.left && px <= area.right && py >= area.top && py <= area.bottom;
      if (inside) drawMarker(ctx, px, py, RADIUS * 0.9, page.classes[page.labels[i]], theme);
    }
  }

  /** For each class that occurs, where it is chosen: 1 inside and 0 outside, with a soft border. */
  function fieldsOf(classes) {
    const found = [...new Set(classes)].sort((a, b) => a - b);
    return found.map((c) => [c, softened(Float32Array.from(classes, (v) => (v === c ? 1 : 0)))]);
  }

  /** The class of each pixel: between the places of the grid, the one that is greatest by linear interpolation. */
  function finer(fields, w, h) {
    const made = new Uint8Array(w * h).fill(fields[0][0]);
    if (fields.length === 1) return made;
    const whole = cells(fields);
    for (let py = 0; py < h; py++) {
      const y = (1 - (py + 0.5) / h) * (rows - 1);
      const row = Math.min(Math.floor(y), rows - 2);
      const v = y - row;
      for (let px = 0; px < w; px++) {
        const x = ((px + 0.5) / w) * (columns - 1);
        const column = Math.min(Math.floor(x), columns - 2);
        const u = x - column;
        const a = row * columns + column;
        if (whole[a] !== MIXED) {
          made[py * w + px] = whole[a];
          continue;
        }
        let most = -1;
        for (let f = 0; f < fields.length; f++) {
          const s = fields[f][1];
          const low = s[a] + u * (s[a + 1] - s[a]);
          const high = s[a + columns] + u * (s[a + columns + 1] - s[a + columns]);
          const here = low + v * (high - low);
          if (here > most) {
            most = here;
            made[py * w + px] = fields[f][0];
          }
          if (here > 0.5) break; // the fields sum to 1
        }
      }
    }
    return made;
  }

  /** The class of each cell that lies in one region, else MIXED: cells are called by their lower left corner. */
  function cells(fields) {
    const whole = new Uint16Array(columns * rows).fill(MIXED);
    for (const [c, s] of fields) {
      for (let a = 0; a + columns + 1 < s.length; a++) {
        if (s[a] > 0.5 && s[a + 1] > 0.5 && s[a + columns] > 0.5 && s[a + columns + 1] > 0.5) whole[a] = c;
      }
    }
    return whole;
  }

  /** The line where a field is 1/2, by marching squares, in places of the grid. */
  function border(field, to) {
    const path = new Path2D();
    for (let row = 0; row < rows - 1; row++) {
      for (let column = 0; column < columns - 1; column++) {
        const a = row * columns + column;
        const inside = (field[a] > 0.5) + (field[a + 1] > 0.5) + (field[a + columns] > 0.5) + (field[a + columns + 1] > 0.5);
        if (inside % 4 === 0) continue;
        // The corners in turn, and where the line crosses the sides between them.
        const corners = [[column, row, field[a]], [column + 1, row, field[a + 1]], [column + 1, row + 1, field[a + columns + 1]], [column, row + 1, field[a + columns]]];
        const crossings = [];
        corners.forEach(([x0, y0, v0], i) => {
          const [x1, y1, v1] = corners[(i + 1) % 4];
          if (v0 > 0.5 === v1 > 0.5) return;
          const share = (0.5 - v0) / (v1 - v0);
          crossings.push(to(x0 + share * (x1 - x0), y0 + share * (y1 - y0)));
        });
        for (let i = 0; i + 1 < crossings.length; i += 2) {
          path.moveTo(...crossings[i]);
          path.lineTo(...crossings[i + 1]);
        }
      }
    }
    return path;
  }

  /** Averaged with the neighbours: the border of a set of places without its stairs. */
  function softened(field) {
    for (const [step, stride, count] of [[1, columns, rows], [columns, 1, columns]]) {
      const length = step === 1 ? columns : rows;
      const made = new Float32Array(field.length);
      for (let lane = 0; lane < count; lane++) {
        const base = lane * stride;
        for (let i = 0; i < length; i++) {
          const [before, after] = [Math.max(i - 1, 0), Math.min(i + 1, length - 1)];
          made[base + i * step] = field[base + i * step] / 2 + (field[base + before * step] + field[base + after * step]) / 4;
        }
      }
      field = made;
    }
    return field;
  }

  /** Tints and hatches of the regions. */
  function painted(ctx, fields, w, h, theme, scale) {
    const classes = finer(fields, w, h);
    const image = ctx.createImageData(w, h);
    const looks = []; // by class
    for (const [c] of fields) {
      const look = page.classes[c];
      const tint = c === UNDEFINED ? rgb(theme.paper) : mixed(theme.shown(look.colour), theme.paper, 0.3);
      const stripe = mixed(theme.soft, `#${hex(tint)}`, 0.55);
      looks[c] = { ...hatching(c === UNDEFINED ? "" : look.hatch, scale), colours: [word(tint), word(stripe)] };
    }
    const pixels = new Uint32Array(image.data.buffer);
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        const at = y * w + x;
        const { period, tile, colours } = looks[classes[at]];
        pixels[at] = colours[tile[(y % period) * period + (x % period)]];
      }
    }
    return image;
  }

  function show(next) {
    frame = next;
    if (regions.runs) {
      const counts = new Map();
      for (let run = regions.starts[frame]; run < regions.starts[frame + 1]; run++) {
        counts.set(regions.runs[run], (counts.get(regions.runs[run]) || 0) + regions.lengths[run]);
      }
      const shares = [...counts].sort(([a], [b]) => a - b);
      const share = (count) => `${number((100 * count) / (columns * rows), 3)} %`;
      read.textContent = `Of the plane: ${shares.map(([c, count]) => `${c === UNDEFINED ? "undefined" : page.classes[c].name} ${share(count)}`).join(", ")}`;
    }
    canvas.setAttribute("aria-label", `${title} at epoch ${number(page.epochs[frame])}: ${read.textContent || `${page.labels.length} points`}`);
  }

  return { figure, draw, show, said: () => "", still: !regions.runs };
}

/** A colour as the four bytes of an opaque pixel: red first, which is the lowest. */
function word([r, g, b]) {
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

function hex(colour) {
  return colour.map((v) => v.toString(16).padStart(2, "0")).join("");
}
