"use strict";
/* What lies under the pointer: the nearest drawn span, found by distance, so that thin lines are easy to hit. */

/** Returns the square of the distance of a point to the piece of line between two others. */
plannerReport.squaredDistance = function (x, y, ax, ay, bx, by) {
  const dx = bx - ax, dy = by - ay;
  const length = dx * dx + dy * dy;
  const share = length ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length)) : 0;
  return (x - ax - share * dx) ** 2 + (y - ay - share * dy) ** 2;
};

/** Returns the number of the nearest line within `reach`, all in pixels at zoom 0, or -1; skips what is not `shown`. */
plannerReport.nearestLine = function ({ starts, points }, x, y, reach, shown) {
  let best = reach * reach, nearest = -1;
  for (let line = 0; line + 1 < starts.length; line++) {
    if (!shown(line)) continue;
    for (let i = 2 * starts[line]; i + 3 < 2 * starts[line + 1]; i += 2) {
      const distance = plannerReport.squaredDistance(
        x, y, points[i], points[i + 1], points[i + 2], points[i + 3]);
      if (distance <= best) {
        best = distance;
        nearest = line;
      }
    }
  }
  return nearest;
};

/** Returns an element with a heading and pairs of terms and texts, all set as text. */
plannerReport.factSheet = function (heading, facts) {
  const sheet = document.createElement("div");
  sheet.className = "facts";
  const title = document.createElement("h3");
  title.textContent = heading;
  const list = document.createElement("dl");
  for (const [term, text] of facts) {
    if (!text) continue;
    list.appendChild(document.createElement("dt")).textContent = term;
    list.appendChild(document.createElement("dd")).textContent = text;
  }
  sheet.append(title, list);
  return sheet;
};
