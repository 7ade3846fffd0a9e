"""Streets, buildings and telecom sites of a place from OpenStreetMap: downloaded with OSMnx once, then kept.

The only part of the program that uses the network.
"""

from __future__ import annotations

import hashlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import osmium
import shapely

from planner.errors import InputError, OutputError, PlannerError, SourceError
from planner.geodata.wording import clean_text, counted

TAGS: dict[str, bool | str | list[str]] = {
    "highway": True,
    "building": True,
    "building:part": True,
    "telecom": True,
    "man_made": ["street_cabinet", "tower", "mast", "communications_tower"],
    "natural": ["water"],
    "railway": ["rail", "light_rail", "tram", "subway"],
    "leisure": ["park"],
    "landuse": ["military", "cemetery"],
}
"""What is asked for: what the layers of a scenario can use."""
OVERPASS_URL = "https://overpass-api.de/api"
NOMINATIM_URL = "https://nominatim.openstreetmap.org/"
MAX_AREA_DEG2 = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """What to fetch: a place by its name, or a box of west, south, east and north in degrees."""

    place: str = ""
    box: tuple[float, float, float, float] | None = None

    @property
    def label(self) -> str:
        """Return a name for files."""
        words = self.place or "_".join(f"{number:g}" for number in self.box or ())
        return "".join(sign if sign.isalnum() or sign in ".-_" else "-" for sign in words.lower()).strip("-")[:60]


@dataclass(frozen=True, kw_only=True, slots=True)
class Servers:
    """Where to ask; the public ones by default."""

    overpass_url: str = OVERPASS_URL
    nominatim_url: str = NOMINATIM_URL
    timeout_s: float = 180.0


def cache_folder() -> Path:
    """Return the folder of downloads: PLANNER_CACHE_DIR, else `planner` in the user's cache."""
    named = os.environ.get("PLANNER_CACHE_DIR")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(home) / "planner"


def fetch_region(region: Region, path: Path, servers: Servers | None = None) -> tuple[str, ...]:
    """Write the OpenStreetMap data of a region as `.osm.pbf` or `.osm`, and return what it holds.

    Answers are kept in `cache_folder()`; a region that was fetched before is not asked for again. Raises InputError for
    a box that is none or too large, SourceError when a server cannot be reached, knows no such place, or gives up, and
    OutputError when the file cannot be written.
    """
    servers = servers or Servers()
    if not str(path).endswith((".osm.pbf", ".osm")):
        raise InputError.at(str(path), "is written as .osm.pbf or .osm; name it so")
    with _osmnx(servers) as osmnx:
        polygon = _polygon(osmnx, region)
        answers = _answers(osmnx, polygon)
    things = _merged(answers)
    ways = sum(kind == "way" for kind, _ in things)
    if not ways:
        raise SourceError(f"{servers.overpass_url}: has no streets or buildings in {region.label}")
    _write(things, path)
    count = {key: sum(key in thing.get("tags", {}) for thing in things.values()) for key in ("highway", "building")}
    return (
        f"{path.name}: {counted(count['highway'], 'thing')} with a highway tag and "
        f"{counted(count['building'], 'building')} of OpenStreetMap as it was at {_time(answers)}",
        "© OpenStreetMap contributors, ODbL 1.0 (https://www.openstreetmap.org/copyright)",
    )


@contextmanager
def _osmnx(servers: Servers) -> Iterator[Any]:
    """Yield OSMnx with our settings, which are put back afterwards; its failures become SourceError."""
    import osmnx

    changes = {
        "overpass_url": servers.overpass_url,
        "nominatim_url": servers.nominatim_url,
        "requests_timeout": servers.timeout_s,
        "use_cache": True,
        "max_query_area_size": 1e13,  # one question, so that no part of an answer can be lost unnoticed
        "cache_folder": cache_folder() / "nominatim",
        "http_user_agent": "ebit-planner (network planning, via OSMnx)",
    }
    kept = {name: getattr(osmnx.settings, name) for name in (*changes, "cache_only_mode")}
    for name, value in changes.items():
        setattr(osmnx.settings, name, value)
    try:
        yield osmnx
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, PlannerError):
            raise
        raise SourceError(f"{servers.overpass_url}: {clean_text(str(error)) or 'no usable answer'}") from error
    finally:
        for name, value in kept.items():
            setattr(osmnx.settings, name, value)


def _polygon(osmnx: Any, region: Region) -> Any:
    """Return the area of a region."""
    if region.box is None:
        shape = osmnx.geocode_to_gdf(region.place).geometry.iloc[0]
        if shape.geom_type not in ("Polygon", "MultiPolygon"):
            raise SourceError(f"{region.place}: is a point, not an area; name a town, or give --bbox")
    else:
        west, south, east, north = region.box
        if not (-180.0 <= west < east <= 180.0 and -90.0 <= south < north <= 90.0):
            text = f"{west:g} {south:g} {east:g} {north:g} is no box of west, south, east and north in degrees"
            raise InputError.at("--bbox", text)
        shape = shapely.box(west, south, east, north)
    if shape.envelope.area > MAX_AREA_DEG2:
        text = (
            f"the region spans {shape.envelope.area:.1f} square degrees; the servers are not made for whole countries"
        )
        raise InputError.at(region.label, f"{text}: take an extract instead")
    return shape


def _answers(osmnx: Any, polygon: Any) -> list[dict[str, Any]]:
    """Return the answers of the server for an area, from the cache where they are there."""
    asked = shapely.to_wkt(polygon, rounding_precision=6) + json.dumps(TAGS, sort_keys=True)
    folder = cache_folder() / "overpass" / hashlib.sha256(asked.encode()).hexdigest()[:24]
    osmnx.settings.cache_folder = folder
    osmnx.settings.cache_only_mode = True
    if not any(folder.glob("*.json")):
        _reach(osmnx.settings.overpass_url)
    with suppress(InterruptedError):  # how OSMnx says that the answers are in the cache
        osmnx.features_from_polygon(polygon, TAGS)
    answers = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))]
    if not answers:
        raise SourceError("the server gave up or gave no answer that can be used; try a smaller region, or later")
    return answers


def _reach(url: str) -> None:
    """Raise SourceError at once where a server is not there: OSMnx would wait a minute before it tries."""
    if not url.startswith(("http://", "https://")):
        raise InputError.at("--overpass-url", f"is no http or https address: {url}")
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/status", timeout=20.0):
            return
    except urllib.error.HTTPError:
        return  # it is there; what it thinks of the question, it says itself
    except OSError as error:
        raise SourceError(f"{url}: cannot be reached: {clean_text(str(error))}") from error


def _time(answers: list[dict[str, Any]]) -> str:
    """Return when the data was as it is, as the server says."""
    found = [answer.get("osm3s", {}).get("timestamp_osm_base") for answer in answers]
    return max((str(time) for time in found if time), default="an unknown time")


def _merged(answers: list[dict[str, Any]]) -> dict[tuple[str, int], dict[str, Any]]:
    """Return every node, way and relation once, by kind and number."""
    things: dict[tuple[str, int], dict[str, Any]] = {}
    for answer in answers:
        for element in answer["elements"]:
            key = (element["type"], element["id"])
            if len(element) >= len(things.get(key, {})):
                things[key] = element
    return things


def _write(things: dict[tuple[str, int], dict[str, Any]], path: Path) -> None:
    """Write nodes, ways and relations in the order that OpenStreetMap files have."""
    part = path.with_name(f".part.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with osmium.SimpleWriter(str(part)) as writer:
            for kind in ("node", "way", "relation"):
                for number in sorted(number for found, number in things if found == kind):
                    _add(writer, kind, things[kind, number])
        part.replace(path)
    except (OSError, RuntimeError) as error:
        part.unlink(missing_ok=True)
        raise OutputError(f"{path}: could not be written: {error}") from error


def _add(writer: Any, kind: str, thing: dict[str, Any]) -> None:
    """Write one thing."""
    common = {"id": thing["id"], "version": 1, "visible": True, "tags": thing.get("tags", {})}
    if kind == "node":
        writer.add_node(osmium.osm.mutable.Node(**common, location=(thing["lon"], thing["lat"])))
    elif kind == "way":
        writer.add_way(osmium.osm.mutable.Way(**common, nodes=thing["nodes"]))
    else:
        members = [(member["type"][0], member["ref"], member["role"]) for member in thing["members"]]
        writer.add_relation(osmium.osm.mutable.Relation(**common, members=members))
