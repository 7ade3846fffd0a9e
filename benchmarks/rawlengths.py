"""How long the streets of a file are, measured without the code that builds networks."""

from __future__ import annotations

import numpy as np
from pyproj import Geod, Transformer

from planner.network import Floats, Network
from planner.scenario import Scenario
from planner.verify.layers import read_raw_layer

ELLIPSOID = Geod(ellps="WGS84")
DECIMALS = 7


def raw_streets_km(scenario: Scenario, network: Network) -> float:
    """Return the length of the layer of streets within the extent, on the ellipsoid, whatever is drawn twice once.

    Of an OpenStreetMap file, only the ways that became spans count: which ways are streets is a rule, not a length.
    """
    raw = read_raw_layer(scenario.folder, scenario.spec.layers.streets)
    if raw.unread:
        raise ValueError(raw.unread)
    is_osm = ".osm" in scenario.spec.layers.streets.path
    used = set(network.spans.origin)
    lines = [line.points for line in raw.lines if not is_osm or line.properties["id"] in used]
    ends = np.cumsum([len(line) for line in lines])
    points = np.array([point[:2] for line in lines for point in line], dtype=np.float64)
    to_degrees = Transformer.from_crs(raw.crs, "OGC:CRS84", always_xy=True)
    places = np.round(np.column_stack(to_degrees.transform(points[:, 0], points[:, 1])), DECIMALS)
    segments = np.delete(np.hstack((places[:-1], places[1:])), ends[:-1] - 1, axis=0)
    return float(np.sum(ELLIPSOID.inv(*_single(segments[_inside(segments, scenario)]).T)[2]) / 1000.0)


def _inside(segments: Floats, scenario: Scenario) -> Floats:
    box = scenario.spec.extent
    low, high = (box.west_lon_deg, box.south_lat_deg), (box.east_lon_deg, box.north_lat_deg)
    is_inside: Floats = (segments >= np.tile(low, 2)).all(axis=1) & (segments <= np.tile(high, 2)).all(axis=1)
    return is_inside


def _single(segments: Floats) -> Floats:
    """Return every segment once, whichever way it was drawn."""
    turned = np.hstack((segments[:, 2:], segments[:, :2]))
    is_turned = (segments[:, 0] > segments[:, 2]) | (
        (segments[:, 0] == segments[:, 2]) & (segments[:, 1] > segments[:, 3])
    )
    single: Floats = np.unique(np.where(is_turned[:, None], turned, segments), axis=0)
    return single
