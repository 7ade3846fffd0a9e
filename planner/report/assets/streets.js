"use strict";
/* The street basemap: tiles drawn on canvas from the packed streets, no image and no request. */
(function () {
  const BUCKET_ZOOM = 14;
  const BUCKETS = 2 ** BUCKET_ZOOM / 256;

  /** Returns the numbers of the lines that come near each bucket, by the bucket's key. */
  function fillBuckets({ starts, points }) {
    const buckets = new Map();
    for (let line = 0; line + 1 < starts.length; line++) {
      let west = Infinity, east = -Infinity, north = Infinity, south = -Infinity;
      for (let i = 2 * starts[line]; i < 2 * starts[line + 1]; i += 2) {
        west = Math.min(west, points[i]); east = Math.max(east, points[i]);
        north = Math.min(north, points[i + 1]); south = Math.max(south, points[i + 1]);
      }
      for (let x = Math.floor(west * BUCKETS); x <= east * BUCKETS; x++) {
        for (let y = Math.floor(north * BUCKETS); y <= south * BUCKETS; y++) {
          const key = x * 2 ** BUCKET_ZOOM + y;
          if (!buckets.has(key)) buckets.set(key, []);
          buckets.get(key).push(line);
        }
      }
    }
    return buckets;
  }

  /** Returns the lines near a tile in ascending order, which is from the thinnest to the widest streets. */
  function linesNear(buckets, coords) {
    const share = 2 ** (BUCKET_ZOOM - coords.z);
    const found = new Set();
    for (let x = Math.floor((coords.x - 0.05) * share); x <= (coords.x + 1.05) * share; x++) {
      for (let y = Math.floor((coords.y - 0.05) * share); y <= (coords.y + 1.05) * share; y++) {
        for (const line of buckets.get(x * 2 ** BUCKET_ZOOM + y) || []) found.add(line);
      }
    }
    return Int32Array.from(found).sort();
  }

  function drawLines(pen, streets, lines, first, last, scale, left, top) {
    const { starts, points } = streets;
    pen.beginPath();
    for (const line of lines) {
      if (line < first || line >= last) continue;
      for (let i = 2 * starts[line]; i < 2 * starts[line + 1]; i += 2) {
        const x = points[i] * scale - left, y = points[i + 1] * scale - top;
        if (i === 2 * starts[line]) pen.moveTo(x, y); else pen.lineTo(x, y);
      }
    }
    pen.stroke();
  }

  const Streets = L.GridLayer.extend({
    createTile(coords) {
      const size = this.getTileSize();
      /* Between whole zoom levels the tile is shrunk or stretched: draw it finer, and keep the widths on the screen. */
      const zoom = this._map.getZoom(), stretch = 2 ** (zoom - coords.z);
      const sharpness = (window.devicePixelRatio || 1) * (stretch === 1 ? 1 : 2);
      const tile = document.createElement("canvas");
      tile.width = size.x * sharpness;
      tile.height = size.y * sharpness;
      if (!this.streets) return tile;
      const pen = tile.getContext("2d");
      pen.scale(sharpness, sharpness);
      pen.lineCap = pen.lineJoin = "round";
      const lines = linesNear(this.buckets, coords);
      let first = 0;
      for (const look of this.options.looks) {
        pen.strokeStyle = look.colour;
        pen.lineWidth = look.width * Math.min(3, Math.max(0.6, 1.3 ** (zoom - 14))) / stretch;
        drawLines(pen, this.streets, lines, first, first + look.lines, 2 ** coords.z, coords.x * size.x, coords.y * size.y);
        first += look.lines;
      }
      return tile;
    },
  });

  /** Returns the layer of all streets; `looks` say how many lines of each class follow each other in the data. */
  plannerReport.streets = function (elementId, looks, stepsPerDeg) {
    const layer = new Streets({ looks, updateWhenZooming: false, keepBuffer: 1 });
    if (!("DecompressionStream" in window)) {
      plannerReport.explainOldBrowser();
      return layer;
    }
    plannerReport.unpackLines(document.getElementById(elementId).textContent, stepsPerDeg).then((streets) => {
      layer.streets = streets;
      layer.buckets = fillBuckets(streets);
      layer.redraw();
    });
    return layer;
  };
})();
