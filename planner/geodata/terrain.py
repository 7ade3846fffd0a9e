"""Height of the ground, from SRTM tiles (.hgt, also zipped) and GeoTIFF.

Radar heights are those of a surface: in a dense city they stand some metres above the street. Taken as ground they are
on the safe side for what lies between two roofs, and the same for both ends.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from planner.errors import InputError
from planner.network import Floats
from planner.scenario import Layer, Scenario

_TILE_NAME = re.compile(r"([NS])([0-9]{2})([EW])([0-9]{3})", re.IGNORECASE)
_SIDES = (1201, 3601)
"""Rows and columns of a tile of three seconds, and of one second."""
_VOID = -32768
HGT_ENDINGS = (".hgt", ".zip")
TIFF_ENDINGS = (".tif", ".tiff")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Tile:
    """A grid of heights in longitude and latitude; rows run from north to south, a void is NaN."""

    west_lon_deg: float
    north_lat_deg: float
    lon_step_deg: float
    lat_step_deg: float
    heights_m: Floats


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Terrain:
    """The tiles of a region; the first one that knows a place decides."""

    tiles: tuple[Tile, ...]
    attributions: tuple[str, ...]

    def heights_m(self, coordinates: Floats) -> Floats:
        """Return the height of the ground at points (n, 2) of longitude and latitude; NaN where no tile knows it."""
        found = np.full(len(coordinates), np.nan)
        for tile in self.tiles:
            unknown = np.flatnonzero(np.isnan(found))
            if not len(unknown):
                break
            found[unknown] = _interpolated(tile, coordinates[unknown])
        return found


def read_terrain(scenario: Scenario) -> Terrain | None:
    """Return the terrain of a scenario, or None where it names none; raises InputError for unreadable files."""
    layers = scenario.spec.layers.terrain
    if not layers:
        return None
    return Terrain(
        tiles=tuple(_read_tile(scenario.folder / layer.path, layer) for layer in layers),
        attributions=tuple(layer.attribution for layer in layers if layer.attribution),
    )


def _read_tile(path: Path, layer: Layer) -> Tile:
    for option in ("layer", "header", "columns", "values", "crs"):
        if getattr(layer, option):
            raise InputError.at(str(path), "does not apply to terrain; leave it out", key_path=option)
    ending = path.suffix.lower()
    if ending in TIFF_ENDINGS:
        return _read_tiff(path)
    if ending not in HGT_ENDINGS:
        raise InputError.at(str(path), f"terrain is read from {', '.join((*HGT_ENDINGS, *TIFF_ENDINGS))}")
    try:
        name, content = _hgt_content(path)
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise InputError.at(str(path), f"cannot be read: {error}") from error
    return _hgt_tile(path, name, content)


def _hgt_content(path: Path) -> tuple[str, bytes]:
    """Return name and bytes of a tile, never more than the largest tile has."""
    largest = 2 * max(_SIDES) ** 2 + 1
    if path.suffix.lower() == ".hgt":
        with path.open("rb") as file:
            return path.name, file.read(largest)
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.lower().endswith(".hgt")]
        if len(names) != 1:
            raise InputError.at(str(path), f"holds {len(names)} .hgt files instead of one")
        with archive.open(names[0]) as file:
            return names[0].rsplit("/", 1)[-1], file.read(largest)


def _hgt_tile(path: Path, name: str, content: bytes) -> Tile:
    corner = _TILE_NAME.search(name)
    if corner is None:
        raise InputError.at(str(path), "the name of an SRTM tile says where it lies, like N43E007.hgt")
    side = next((side for side in _SIDES if 2 * side * side == len(content)), None)
    if side is None:
        sizes = " or ".join(f"{2 * side * side}" for side in _SIDES)
        raise InputError.at(str(path), f"an SRTM tile has {sizes} bytes, this one has {len(content)} or more")
    south = int(corner[2]) * (1 if corner[1].upper() == "N" else -1)
    west = int(corner[4]) * (1 if corner[3].upper() == "E" else -1)
    raw = np.frombuffer(content, dtype=">i2").reshape(side, side)
    step = 1.0 / (side - 1)
    return Tile(
        west_lon_deg=float(west),
        north_lat_deg=float(south + 1),
        lon_step_deg=step,
        lat_step_deg=step,
        heights_m=np.where(raw == _VOID, np.nan, raw.astype(np.float64)),
    )


def _read_tiff(path: Path) -> Tile:
    """Return the first band of a GeoTIFF in longitude and latitude; needs the optional package rasterio."""
    try:
        import rasterio
    except ImportError as error:
        text = "GeoTIFF needs the optional package rasterio: pip install 'ebit-planner[terrain]', or give .hgt tiles"
        raise InputError.at(str(path), text) from error
    try:
        with rasterio.open(path) as source:
            band: Any = source.read(1, masked=True)
            transform, crs = source.transform, source.crs
    except (OSError, rasterio.errors.RasterioError) as error:
        raise InputError.at(str(path), f"not a readable GeoTIFF: {error}") from error
    if crs is None or not crs.is_geographic or transform.b or transform.d or transform.e >= 0.0:
        text = f"must be north-up in longitude and latitude (EPSG:4326), not {crs}; convert it with gdalwarp"
        raise InputError.at(str(path), text)
    return Tile(
        west_lon_deg=float(transform.c + 0.5 * transform.a),
        north_lat_deg=float(transform.f + 0.5 * transform.e),
        lon_step_deg=float(transform.a),
        lat_step_deg=float(-transform.e),
        heights_m=np.ma.filled(band.astype(np.float64), np.nan),
    )


def _interpolated(tile: Tile, coordinates: Floats) -> Floats:
    """Return heights between the four nearest grid points; NaN outside and beside voids."""
    rows, columns = tile.heights_m.shape
    x = (coordinates[:, 0] - tile.west_lon_deg) / tile.lon_step_deg
    y = (tile.north_lat_deg - coordinates[:, 1]) / tile.lat_step_deg
    inside = (x >= 0.0) & (x <= columns - 1) & (y >= 0.0) & (y <= rows - 1)
    left = np.clip(np.where(inside, x, 0.0).astype(np.int64), 0, columns - 2)
    top = np.clip(np.where(inside, y, 0.0).astype(np.int64), 0, rows - 2)
    right_share, low_share = np.where(inside, x, 0.0) - left, np.where(inside, y, 0.0) - top
    grid = tile.heights_m
    upper = (1.0 - right_share) * grid[top, left] + right_share * grid[top, left + 1]
    lower = (1.0 - right_share) * grid[top + 1, left] + right_share * grid[top + 1, left + 1]
    heights: Floats = np.where(inside, (1.0 - low_share) * upper + low_share * lower, np.nan)
    return heights


def refuse_unknown(heights_m: Floats, names: Sequence[str], where: str) -> None:
    """Raise InputError that names the places whose height no tile knows."""
    missing = [name for name, height in zip(names, heights_m.tolist(), strict=True) if np.isnan(height)]
    if missing:
        text = f"the layers of terrain do not cover {', '.join(missing[:5])}; add the tile, or leave terrain out"
        raise InputError.at(where, text, key_path="layers.terrain")
