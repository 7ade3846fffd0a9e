"""Tables of a PostGIS database, by connection URL, as the features of GeoJSON. Needs the extra `postgis` (psycopg)."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from planner.errors import InputError, SourceError
from planner.geodata.files import EMPTY
from planner.geodata.geojson import Collection, agreed_crs
from planner.geodata.tables import geometry_of
from planner.geodata.wording import clean_text, counted, listed
from planner.scenario import Layer
from planner.yamlio import nearest

MAX_ROWS = 2_000_000
CONNECT_TIMEOUT_S = 10
STATEMENT_TIMEOUT_S = 300
_TABLES = """
select f_table_schema, f_table_name, f_geometry_column, srid from geometry_columns
order by f_table_schema = 'public' desc, f_table_schema, f_table_name, f_geometry_column
"""


def read_postgis(layer: Layer) -> Collection:
    """Return the rows of the table or view that a layer names (`layer: roads` or `layer: schema.roads`).

    `path` of the layer is the connection URL, `postgresql://user@host:port/database`; a password belongs into
    PGPASSWORD or ~/.pgpass. `columns.geometry` says which geometry counts where there are several. The transaction
    only reads. Raises InputError for a URL, table or column that does not exist, and SourceError when the database
    cannot be reached.
    """
    where = database_label(layer)
    try:
        import psycopg
    except ImportError as error:
        text = "reading a database needs the extra: pip install 'ebit-planner[postgis]'"
        raise InputError.at(where, text) from error
    try:
        with psycopg.connect(layer.path, connect_timeout=CONNECT_TIMEOUT_S, autocommit=False) as connection:
            connection.read_only = True
            connection.execute(f"set statement_timeout = '{STATEMENT_TIMEOUT_S}s'")
            schema, table, geometry, srid = _choose(connection.execute(_TABLES).fetchall(), layer, where)
            names, rows = _rows(connection, schema, table, geometry, where)
    except psycopg.errors.UndefinedTable as error:
        raise InputError.at(where, "has no PostGIS: there is no table geometry_columns") from error
    except psycopg.ProgrammingError as error:
        raise InputError.at(where, f"cannot be read: {_plain_error(error)}") from error
    except psycopg.Error as error:
        raise SourceError(f"{where}: {_plain_error(error)}") from error
    return _collection(names, rows, srid, layer, Path(f"{where.rpartition('/')[2]}.{schema}.{table}"))


def database_label(layer: Layer) -> str:
    """Return the URL of a layer without user and password, for messages.

    >>> database_label(Layer(path="postgresql://me:secret@db.city.example:5433/gis"))
    'postgresql://db.city.example:5433/gis'
    """
    parts = urlsplit(layer.path)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def _plain_error(error: Exception) -> str:
    return clean_text(str(error).strip().partition("\n")[0])


def _choose(tables: list[Any], layer: Layer, where: str) -> tuple[str, str, str, int]:
    """Return schema, table, geometry column and reference system of the table that a layer means."""
    names = [f"{schema}.{table}" for schema, table, _, _ in tables]
    wanted = layer.layer or ""
    chosen = [row for row in tables if wanted in (row[1], f"{row[0]}.{row[1]}")]
    if not wanted and len(set(names)) == 1:
        chosen = tables
    if not chosen:
        known = f"it has {listed(names)}" if names else "it has no table with geometry"
        text = f"no table '{clean_text(wanted)}'{nearest(wanted, [*names, *(row[1] for row in tables)])}; {known}"
        raise InputError.at(where, text if wanted else f"name one table: {known}", key_path="layer")
    first = [row for row in chosen if row[:2] == chosen[0][:2]]
    column = layer.columns.get("geometry")
    found = [row for row in first if column in (None, row[2])]
    if len(found) != 1:
        text = f"columns.geometry must be one of {listed(row[2] for row in first)}"
        raise InputError.at(where, text, key_path="columns.geometry")
    schema, table, geometry, srid = found[0]
    return str(schema), str(table), str(geometry), int(srid)


def _rows(connection: Any, schema: str, table: str, geometry: str, where: str) -> tuple[list[str], list[Any]]:
    """Return the names of the columns, without geometries, and the rows, each with the chosen geometry last."""
    from psycopg import sql

    kinds = connection.execute(
        "select column_name, udt_name from information_schema.columns where table_schema = %s and table_name = %s "
        "order by ordinal_position",
        (schema, table),
    ).fetchall()
    names = [name for name, kind in kinds if kind not in ("geometry", "geography", "raster")]
    query = sql.SQL("select {columns} from {table} limit {limit}").format(
        columns=sql.SQL(", ").join(
            [*map(sql.Identifier, names), sql.SQL("ST_AsBinary({})").format(sql.Identifier(geometry))]
        ),
        table=sql.Identifier(schema, table),
        limit=sql.Literal(MAX_ROWS + 1),
    )
    rows = connection.execute(query).fetchall()
    if len(rows) > MAX_ROWS:
        raise InputError.at(where, f"{table} has more than {MAX_ROWS:,} rows; make a view of the region")
    return names, rows


def _collection(names: list[str], rows: list[Any], srid: int, layer: Layer, path: Path) -> Collection:
    """Return rows as features, in an order of their own: a table has none."""
    if not rows:
        raise InputError.at(str(path), EMPTY)
    features = []
    for *values, shape in rows:
        properties = {name: _plain(value) for name, value in zip(names, values, strict=True)}
        geometry = geometry_of(shapely.from_wkb(bytes(shape))) if shape is not None else None
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    features.sort(key=lambda feature: json.dumps(feature, sort_keys=True, default=str))
    try:
        stated = CRS.from_epsg(srid) if srid else None
    except CRSError as error:
        raise InputError.at(str(path), f"reference system {srid} is unknown", key_path="crs") from error
    return Collection(
        path=path,
        features=tuple(features),
        crs=agreed_crs(stated, layer, path),
        geometry_column=layer.columns.get("geometry", ""),
        notes=(f"{path.name}: {counted(len(rows), 'row')} read from a database, which may change",),
    )


def _plain(value: Any) -> Any:
    """Return a value of the database as one of JSON."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float | str | list | dict):
        return value
    return str(value)
