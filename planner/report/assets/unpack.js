"use strict";
/* The page's own scripts share this one name. Whatever comes from the plan is set as text, never as markup. */
const plannerReport = {};

/** Returns the numbers in a packed text: base64 of gzip of integers of seven bits a byte, lowest first. */
plannerReport.unpack = async function (text) {
  const packed = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const numbers = [];
  let value = 0, shift = 1;
  for (const byte of bytes) {
    value += (byte & 127) * shift;
    shift *= 128;
    if (byte < 128) {
      numbers.push(value % 2 ? -(value + 1) / 2 : value / 2);
      value = 0;
      shift = 1;
    }
  }
  return numbers;
};

/**
 * Returns packed lines as coordinates in pixels of the whole world at zoom 0.
 * `points` holds x and y in turn; line i has the points from starts[i] up to starts[i + 1].
 */
plannerReport.unpackLines = async function (text, stepsPerDeg) {
  const numbers = await plannerReport.unpack(text);
  const count = numbers[0];
  const starts = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) starts[i + 1] = starts[i] + numbers[i + 1];
  const points = new Float64Array(2 * starts[count]);
  let lon = 0, lat = 0;
  for (let i = 0, at = count + 1; i < points.length; i += 2, at += 2) {
    lon += numbers[at];
    lat += numbers[at + 1];
    const sine = Math.sin(lat / stepsPerDeg * Math.PI / 180);
    points[i] = 256 * (lon / stepsPerDeg / 360 + 0.5);
    points[i + 1] = 256 * (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI));
  }
  return { starts, points };
};

/** Tells the reader that the browser is too old to unpack, once. */
plannerReport.explainOldBrowser = function () {
  const note = document.getElementById("map-note");
  note.textContent = "This browser cannot unpack the streets of the map (it lacks DecompressionStream). " +
    "The plan is drawn without them; all tables are complete.";
  note.hidden = false;
};
