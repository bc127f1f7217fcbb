// What the network chooses everywhere in the plane, and the points that it learned from.

const UNDEFINED = 255;

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
      if (w > 0 && h > 0) ctx.putImageData(painted(ctx, finer(fields, w, h), w, h, theme, scale), x0, y0);
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
    const across = Array.from({ length: w }, (_, px) => cell(((px + 0.5) / w) * (columns - 1), columns));
    for (let py = 0; py < h; py++) {
      const [row, v] = cell((1 - (py + 0.5) / h) * (rows - 1), rows);
      for (let px = 0; px < w; px++) {
        const [column, u] = across[px];
        const a = row * columns + column;
        let most = -1;
        for (const [c, s] of fields) {
          const low = s[a] + u * (s[a + 1] - s[a]);
          const high = s[a + columns] + u * (s[a + columns + 1] - s[a + columns]);
          const here = low + v * (high - low);
          if (here > most) [most, made[py * w + px]] = [here, c];
          if (here > 0.5) break; // the fields sum to 1
        }
      }
    }
    return made;
  }

  /** The line where a field is 1/2, by marching squares, in places of the grid. */
  function border(field, to) {
    const path = new Path2D();
    for (let row = 0; row < rows - 1; row++) {
      for (let column = 0; column < columns - 1; column++) {
        const a = row * columns + column;
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

  function cell(place, count) {
    const whole = Math.min(Math.floor(place), count - 2);
    return [whole, place - whole];
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
  function painted(ctx, classes, w, h, theme, scale) {
    const image = ctx.createImageData(w, h);
    const looks = new Map();
    for (const c of new Set(classes)) {
      const look = page.classes[c];
      const tint = c === UNDEFINED ? rgb(theme.paper) : mixed(theme.shown(look.colour), theme.paper, 0.3);
      looks.set(c, { hatch: c === UNDEFINED ? "" : look.hatch, tint, stripe: mixed(theme.soft, `#${hex(tint)}`, 0.55) });
    }
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        const at = y * w + x;
        const look = looks.get(classes[at]);
        const [r, g, b] = hatched(look.hatch, x, y, scale) ? look.stripe : look.tint;
        image.data.set([r, g, b, 255], 4 * at);
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
    canvas.ariaLabel = `${title} at epoch ${number(page.epochs[frame])}: ${read.textContent || `${page.labels.length} points`}`;
  }

  return { figure, draw, show, said: () => "", still: !regions.runs };
}

function hex(colour) {
  return colour.map((v) => v.toString(16).padStart(2, "0")).join("");
}
