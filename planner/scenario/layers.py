"""The geodata of a region, as a scenario names it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from planner.catalog import Name, Positive
from planner.scenario.economics import Identifier, Text
from planner.yamlio import Model

DATABASE_SCHEMES = ("postgresql://", "postgres://")
"""Beginnings of a connection URL, where a layer would have a path."""


class Join(Model):
    """A table of text whose columns are added to the features of a layer (CSV or TSV with a line of names)."""

    path: Annotated[str, Field(min_length=1)]
    """Relative to the file of the layer."""
    column: Annotated[str, Field(min_length=1)]
    """Column of the layer, or of a table before, that says which row belongs to a feature."""
    key: Annotated[str, Field(min_length=1)]
    """Column of the table that holds the same."""


class Layer(Model):
    """A file of geodata, by path relative to the scenario."""

    path: Annotated[str, Field(min_length=1)]
    """The file, or `postgresql://user@host/database` for a table of a PostGIS database."""
    layer: str | None = None
    """Which layer of a file that holds several: the table of a GeoPackage or database, the folder of a KML file."""
    header: tuple[str, ...] = ()
    """Names of the columns of a delimited text file whose first line holds none."""
    columns: dict[Name, str] = Field(default_factory=dict)
    """Our field name -> column of the file, where they differ."""
    values: dict[Name, str | bool | int | float] = Field(default_factory=dict)
    """Our field name -> value of every feature that the file gives none for (for example `access: lease`)."""
    codes: dict[Name, dict[str, str]] = Field(default_factory=dict)
    """Our field -> value in the file -> value that is meant (`road_class: {"1200": primary}`); other values stay."""
    factors: dict[Name, Positive] = Field(default_factory=dict)
    """Our field -> what its numbers are multiplied with (`rent_per_m_year: 3.2808` for rents per foot)."""
    joins: tuple[Join, ...] = ()
    """Tables with more columns, joined one after the other."""
    crs: str | None = None
    """Coordinate reference system, when the file does not state it (for example `EPSG:4326`)."""
    join_within_m: Annotated[float, Field(ge=0.0, le=50.0)] | None = None
    """Ends of streets or ducts this near to another line of the layer are joined to it; 0 for none, 0.1 m where it is
    not stated. OpenStreetMap and OFDS files say themselves what meets."""
    assumed: bool = False
    """True for a layer that is not survey data but a stated assumption."""
    note: Text = ""
    attribution: Text = ""

    @property
    def is_database(self) -> bool:
        """Return whether `path` is the connection URL of a database."""
        return self.path.startswith(DATABASE_SCHEMES)


class SiteLayer(Layer):
    """A file of sites. Of an OpenStreetMap extract, `objects` or `tags` say which things are sites."""

    tags: tuple[Annotated[str, Field(pattern=r"^[^=]+=[^=]+$")], ...] = ()
    """Things of an extract with any of these tags, as `key=value`, or `key=*` for every value."""
    objects: dict[Identifier, Annotated[str, Field(pattern=r"^[nwr][1-9][0-9]*$")]] = Field(default_factory=dict)
    """Our id -> node, way or relation of an extract (`n26`, `w8033`, `r12`)."""


class Layers(Model):
    """The geodata of a region."""

    streets: Layer
    ducts: tuple[Layer, ...] = ()
    sites: tuple[SiteLayer, ...] = ()
    zones: tuple[Layer, ...] = ()
    buildings: tuple[Layer, ...] = ()
    terrain: tuple[Layer, ...] = ()
    """Height of the ground for lines of sight: SRTM tiles (.hgt, .zip) or GeoTIFF; flat where there is none."""
    districts: tuple[Layer, ...] = ()
    """Polygons with a `district`: whose authority grants the right-of-way."""
    works: tuple[Layer, ...] = ()
    """Lines or polygons with `closed_until_year` (moratorium) or `roadworks_year` (the street is open anyway)."""
    barriers: tuple[Layer, ...] = ()
    """Rail, water and motorways, from OpenStreetMap or as lines and polygons with a `kind`."""
    overrides: tuple[Layer, ...] = ()
    """Lines or polygons with `forbid`, `force` (id of a phase), `price_factor` or `capacity` for the spans in them, and
    `medium` where they concern one medium only."""
    parallel_within_m: Annotated[float, Field(gt=0.0, le=500.0)] | None = None
    """Trenches and ducts that run side by side within this distance share a risk group; none to look for no such."""
