"""Parcels of land on which a hut could stand: large and wide enough, and of the right use and owner."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
import shapely
from numpy.typing import NDArray

from planner.errors import InputError
from planner.geodata.geojson import LONGITUDE_LATITUDE, Collection
from planner.geodata.layers import read_layer
from planner.geodata.lines import Flags
from planner.geodata.polygons import read_shapes
from planner.geodata.wording import clean_text
from planner.network import Floats
from planner.scenario import ParcelRule
from planner.yamlio import nearest

PARCEL_COLUMNS = {"id": "id", "name": "name"}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Parcels:
    """The parcels of a layer, as columns, and what a rule says of each."""

    features: tuple[int, ...]
    """Position of every parcel in the layer."""
    points: Floats
    """Longitude and latitude of the middle of the largest circle in each."""
    names: tuple[str, ...]
    faults: tuple[str, ...]
    """Why the rule refuses the parcel; empty where it does not."""

    @property
    def fits(self) -> Flags:
        """Return which parcels the rule allows."""
        return np.array([not fault for fault in self.faults], dtype=np.bool_)


def read_parcels(folder: Path, rule: ParcelRule) -> Parcels:
    """Return the parcels of a rule's layer, by path relative to `folder`, each with what speaks against it.

    Raises InputError for what is wrong with the layer, and for a column that no parcel has.
    """
    collection = read_layer(folder / rule.layer.path, rule.layer, PARCEL_COLUMNS)
    drawn = read_shapes(collection, "parcel")
    _check_columns(collection, rule)
    shapes = _in_metres(drawn.shapes)
    circles = shapely.maximum_inscribed_circle(shapes, tolerance=0.1)
    widths_m, areas_m2 = 2.0 * shapely.length(circles), shapely.area(shapes)
    faults = tuple(
        _use_fault(collection, index, rule) or _size_fault(float(area), float(width), rule)
        for index, area, width in zip(drawn.features, areas_m2, widths_m, strict=True)
    )
    middles = geopandas.GeoSeries(shapely.get_point(circles, 0), crs=_plane(drawn.shapes)).to_crs(LONGITUDE_LATITUDE)
    name = rule.layer.columns.get("name", PARCEL_COLUMNS["name"])
    return Parcels(
        features=drawn.features,
        points=np.column_stack((middles.x.to_numpy(), middles.y.to_numpy())),
        names=tuple(clean_text(collection.properties(index).get(name)) for index in drawn.features),
        faults=faults,
    )


def _plane(shapes: NDArray[np.object_]) -> object:
    return geopandas.GeoSeries(shapes, crs=LONGITUDE_LATITUDE).estimate_utm_crs()


def _in_metres(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    return np.asarray(geopandas.GeoSeries(shapes, crs=LONGITUDE_LATITUDE).to_crs(_plane(shapes)).to_numpy())


def _check_columns(collection: Collection, rule: ParcelRule) -> None:
    present = collection.columns()
    for column in sorted({*rule.excluded, *rule.required} - set(present)):
        raise InputError.at(str(collection.path), f"no parcel has the column '{column}'{nearest(column, present)}")


def _use_fault(collection: Collection, index: int, rule: ParcelRule) -> str:
    """Return which of the parcel's values the rule refuses, if any."""
    properties = collection.properties(index)
    for column, values in rule.excluded.items():
        if (found := clean_text(properties.get(column))) in values:
            return f"{column} is {found}"
    for column, values in rule.required.items():
        if (found := clean_text(properties.get(column))) not in values:
            return f"{column} is {found or 'not in the data'}"
    return ""


def _size_fault(area_m2: float, width_m: float, rule: ParcelRule) -> str:
    if area_m2 < rule.min_area_m2:
        return f"{area_m2:.0f} m2 are less than {rule.min_area_m2:g} m2"
    return f"{width_m:.1f} m wide at most, less than {rule.min_width_m:g} m" if width_m < rule.min_width_m else ""
