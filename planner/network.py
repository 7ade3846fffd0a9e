"""The network: what a city offers, as spans between nodes, annotated with loss, prices and risk groups.

Spans and nodes are columns (10^5 of them are common). The network is saved as GeoJSON, so that any GIS can open it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from planner.errors import InputError
from planner.scenario import FreeSpaceCandidate, Site

NETWORK_FORMAT = 3

Medium = Literal["trench", "duct", "dark_fiber", "free_space"]
MEDIA: tuple[Medium, ...] = ("trench", "duct", "dark_fiber", "free_space")
"""A street to be opened; a cable pulled into an existing duct; leased fiber; an optical hop through the air."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Nodes:
    """Places where spans meet, as columns of equal length."""

    ids: tuple[str, ...]
    lon_deg: Floats
    lat_deg: Floats
    kinds: tuple[str, ...]
    """`junction`, `handhole` or `site`."""
    joint_loss_db: Floats
    """Loss of a route that passes through without a station: a joint in a handhole, nothing at a street junction."""

    def __len__(self) -> int:
        """Return the number of nodes."""
        return len(self.ids)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Spans:
    """Stretches of one medium between two nodes, as columns of equal length; money in the scenario's currency."""

    ids: tuple[str, ...]
    start: Integers
    """Index of the node at one end."""
    end: Integers
    medium: tuple[Medium, ...]
    length_km: Floats
    """Length of the route on the ground, or of the hop."""
    loss_db: Floats
    """Loss of the fiber (splices and slack included) or of the hop."""
    trench_capex: Floats
    """Digging and laying a duct: price per metre x factors x length."""
    right_of_way_capex: Floats
    """Permit and restoration."""
    crossing_capex: Floats
    """Crossings of rail, water and motorways."""
    cable_capex: Floats
    """Cable, or the terminals of a hop."""
    rent_per_year: Floats
    """Duct rental, whatever the number of fibers."""
    lease_per_fiber_year: Floats
    """Lease of one dark fiber."""
    max_fibers: Integers
    """Fibers that the plan may use here (0 or more)."""
    used_fibers: Integers
    """Fibers that others occupy, where known; -1 where it is not in the data."""
    buildable: NDArray[np.bool_]
    """False where digging is forbidden."""
    road_class: tuple[str, ...]
    """Class of the street, `unknown` where it is not in the data; empty for other media."""
    surface: tuple[str, ...]
    zone: tuple[str, ...]
    """Kind of the zone that the span lies in, or empty."""
    district: tuple[str, ...]
    """District whose authority grants the right-of-way, or empty."""
    permit_lead_months: Integers
    """Time from the application to the permit."""
    closed_until_year: Integers
    """Year from which the street may be opened; 0 where it may be opened now."""
    roadworks_year: Integers
    """Year in which the street is open anyway; 0 where nothing is planned."""
    name: tuple[str, ...]
    status: tuple[str, ...]
    """What the layer's column `status` says, or empty: a scenario tells what its values mean."""
    origin: tuple[str, ...]
    """Id, in its layer, of the street or duct that the span is a stretch of; empty for hops."""
    override: tuple[str, ...]
    """Which overrides of the scenario or of a drawn layer concern the span, or empty."""
    price_factor: Floats
    """What overrides multiply the prices with, which hold it already; 0 where none does."""
    forbidden: NDArray[np.bool_]
    """True where a drawn override forbids to use the span."""
    forced_phase: tuple[str, ...]
    """Phase by which a drawn override wants the span in use, or empty."""
    risk_groups: tuple[tuple[str, ...], ...]
    """Names of what fails together with the span; two spans with a common name are not disjoint."""
    assumed: NDArray[np.bool_]
    """True where the span comes from an assumed layer or an unchecked sightline."""
    is_measured: NDArray[np.bool_]
    """True where the loss was measured, and not worked out from the length."""
    classical_forward_mw: Floats
    """Power of classical traffic in the same fiber, launched at the start of the span towards its end; 0 if dark."""
    classical_backward_mw: Floats
    """The same from the end towards the start."""
    classical_nm: Floats
    """Wavelength of that traffic; 0 where the fiber is dark."""
    offsets: Integers
    """Span `i` has the coordinates `offsets[i]` to `offsets[i + 1]`."""
    coordinates: Floats
    """Longitude and latitude of all spans' vertices, shape (n, 2), from `start` to `end`."""

    def __len__(self) -> int:
        """Return the number of spans."""
        return len(self.ids)

    def line(self, index: int) -> Floats:
        """Return longitude and latitude along a span, shape (n, 2)."""
        line: Floats = self.coordinates[self.offsets[index] : self.offsets[index + 1]]
        return line


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkSite:
    """A site where it meets the network, and the lateral that joins it to the street."""

    id: str
    node: int
    lateral_km: float
    lateral_loss_db: float
    lateral_capex: float
    """Trench, right-of-way and cable from the street to the building."""
    risk_groups: tuple[str, ...] = ()
    """What it shares with other sites and fails with them: `site-building:<id>`, `site-power:<feed>`."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Network:
    """Nodes, spans and sites of a region, and what was found while they were read."""

    title: str
    scenario_digest: str
    nodes: Nodes
    spans: Spans
    sites: tuple[NetworkSite, ...]
    notes: tuple[str, ...]
    """Repairs, counts, what is not in the data: sentences for the report."""
    attributions: tuple[str, ...]
    hops: tuple[FreeSpaceCandidate, ...] = ()
    """What is behind the free-space spans, declared or found, by id."""
    found_sites: tuple[Site, ...] = ()
    """Candidate sites that rules of the scenario found in the layers, sorted by id."""
    digest: str = ""

    def hop(self, span_id: str) -> FreeSpaceCandidate:
        """Return the hop behind a free-space span; raises KeyError when there is none of that id."""
        for hop in self.hops:
            if hop.id == span_id:
                return hop
        raise KeyError(span_id)

    def site(self, site_id: str) -> NetworkSite:
        """Return the site with this id; raises KeyError when there is none."""
        for site in self.sites:
            if site.id == site_id:
                return site
        raise KeyError(site_id)

    def span_index(self) -> dict[str, int]:
        """Return the position of every span by its id."""
        return {span_id: index for index, span_id in enumerate(self.spans.ids)}

    def to_networkx(self) -> nx.MultiGraph[int]:
        """Return the network as a NetworkX multigraph: node indices, and span ids as keys with their columns."""
        graph: nx.MultiGraph[int] = nx.MultiGraph()
        for index, node_id in enumerate(self.nodes.ids):
            graph.add_node(index, id=node_id, lon_deg=self.nodes.lon_deg[index], lat_deg=self.nodes.lat_deg[index])
        columns = self.spans
        for index, span_id in enumerate(columns.ids):
            graph.add_edge(
                int(columns.start[index]),
                int(columns.end[index]),
                key=span_id,
                medium=columns.medium[index],
                length_km=float(columns.length_km[index]),
                loss_db=float(columns.loss_db[index]),
                risk_groups=columns.risk_groups[index],
            )
        return graph


def site_from(values: Mapping[str, Any]) -> NetworkSite:
    """Return the site whose fields were written to a file."""
    return NetworkSite(**{**values, "risk_groups": tuple(values["risk_groups"])})


def with_digest(network: Network) -> Network:
    """Return the network with the SHA-256 of its contents as `digest`."""
    digest = hashlib.sha256(_dump(_header(network, digest="")).encode())
    for table in (network.nodes, network.spans):
        for field in fields(table):
            column = getattr(table, field.name)
            digest.update(f"\n{field.name}\n".encode())
            digest.update(column.tobytes() if isinstance(column, np.ndarray) else _dump(column).encode())
    values = {field.name: getattr(network, field.name) for field in fields(network)}
    return Network(**{**values, "digest": digest.hexdigest()})


def network_to_geojson(network: Network) -> Iterator[str]:
    """Yield the text of a GeoJSON file with all nodes and spans, one a line; the rest is in its member `planner`."""
    header = _header(network, digest=network.digest)
    yield '{"type": "FeatureCollection", "planner": ' + _dump(header) + ',\n"features": [\n'
    yield from _features(network)
    yield "]}\n"


def load_network(path: Path) -> Network:
    """Return the network in a GeoJSON file that `planner build` wrote.

    Raises InputError when the file is missing, not such a file, or was changed by hand (its digest differs).
    """
    try:
        contents = json.loads(path.read_bytes())
        header = contents["planner"]
        if header["format"] != NETWORK_FORMAT:
            raise InputError.at(str(path), f"network format {header['format']}; this version reads {NETWORK_FORMAT}")
        network = _from_geojson(contents)
    except OSError as error:
        raise InputError.at(str(path), f"cannot be read: {error.strerror or error}") from error
    except (KeyError, ValueError, TypeError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError.at(str(path), f"not a network of planner build: {error!r}") from error
    if network.digest != header["digest"]:
        raise InputError.at(str(path), "contents differ from the digest in the file; run planner build again")
    return network


_SPAN_FLOATS = (
    "length_km",
    "loss_db",
    "trench_capex",
    "right_of_way_capex",
    "cable_capex",
    "rent_per_year",
    "lease_per_fiber_year",
)
_SPAN_SELDOM_FLOATS = (
    "crossing_capex",
    "price_factor",
    "classical_forward_mw",
    "classical_backward_mw",
    "classical_nm",
)
"""Columns that are mostly zero, and left out of the file where they are."""
_SPAN_SELDOM_INTEGERS = ("permit_lead_months", "closed_until_year", "roadworks_year")
_SPAN_SELDOM_TEXTS = ("district", "status", "origin", "override", "forced_phase")
_SPAN_SELDOM_FLAGS = ("is_measured", "forbidden")
_SPAN_INTEGERS = ("max_fibers", "used_fibers")
_SPAN_FLAGS = ("buildable", "assumed")
_SPAN_TEXTS = ("medium", "road_class", "surface", "zone", "name")


def _header(network: Network, *, digest: str) -> dict[str, Any]:
    """Return what a network holds besides nodes and spans."""
    return {
        "format": NETWORK_FORMAT,
        "title": network.title,
        "scenario_digest": network.scenario_digest,
        "digest": digest,
        "sites": [{field.name: getattr(site, field.name) for field in fields(site)} for site in network.sites],
        "notes": network.notes,
        "attributions": network.attributions,
        "hops": [hop.model_dump(mode="json") for hop in network.hops],
        "found_sites": [site.model_dump(mode="json", exclude_defaults=True) for site in network.found_sites],
    }


def _features(network: Network) -> Iterator[str]:
    """Yield nodes and spans as GeoJSON features, a line each."""
    nodes, spans = network.nodes, network.spans
    for index in range(len(nodes)):
        properties = {"id": nodes.ids[index], "kind": nodes.kinds[index], "joint_loss_db": nodes.joint_loss_db[index]}
        yield _feature("Point", [nodes.lon_deg[index], nodes.lat_deg[index]], properties) + ",\n"
    columns = {name: getattr(spans, name).tolist() for name in (*_SPAN_FLOATS, *_SPAN_INTEGERS, *_SPAN_FLAGS)}
    columns |= {name: getattr(spans, name) for name in (*_SPAN_TEXTS, "risk_groups")}
    numbers = (*_SPAN_SELDOM_FLOATS, *_SPAN_SELDOM_INTEGERS, *_SPAN_SELDOM_FLAGS)
    seldom: dict[str, Sequence[Any]] = {name: getattr(spans, name).tolist() for name in numbers}
    seldom |= {name: getattr(spans, name) for name in _SPAN_SELDOM_TEXTS}
    for index in range(len(spans)):
        ends = {"start": nodes.ids[spans.start[index]], "end": nodes.ids[spans.end[index]]}
        values = {name: column[index] for name, column in columns.items()}
        values |= {name: column[index] for name, column in seldom.items() if column[index]}
        separator = ",\n" if index + 1 < len(spans) else "\n"
        line = spans.line(index).tolist()
        yield _feature("LineString", line, {"id": spans.ids[index], **ends, **values}) + separator


def _feature(kind: str, coordinates: Any, properties: Mapping[str, Any]) -> str:
    return _dump({"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}})


def _dump(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def _from_geojson(contents: Mapping[str, Any]) -> Network:
    """Return the network in parsed GeoJSON, its digest recomputed."""
    header = contents["planner"]
    points = [item for item in contents["features"] if item["geometry"]["type"] == "Point"]
    lines = [item for item in contents["features"] if item["geometry"]["type"] == "LineString"]
    properties = [item["properties"] for item in points]
    nodes = Nodes(
        ids=tuple(item["id"] for item in properties),
        lon_deg=np.array([item["geometry"]["coordinates"][0] for item in points], dtype=np.float64),
        lat_deg=np.array([item["geometry"]["coordinates"][1] for item in points], dtype=np.float64),
        kinds=tuple(item["kind"] for item in properties),
        joint_loss_db=np.array([item["joint_loss_db"] for item in properties], dtype=np.float64),
    )
    return with_digest(
        Network(
            title=header["title"],
            scenario_digest=header["scenario_digest"],
            nodes=nodes,
            spans=_spans_from_features(lines, {node_id: index for index, node_id in enumerate(nodes.ids)}),
            sites=tuple(site_from(values) for values in header["sites"]),
            notes=tuple(header["notes"]),
            attributions=tuple(header["attributions"]),
            hops=tuple(FreeSpaceCandidate.model_validate_json(json.dumps(hop)) for hop in header["hops"]),
            found_sites=tuple(Site.model_validate_json(json.dumps(site)) for site in header.get("found_sites", ())),
        )
    )


def _spans_from_features(lines: list[Any], node_index: Mapping[str, int]) -> Spans:
    """Return the columns of spans from their GeoJSON features."""
    properties = [item["properties"] for item in lines]
    coordinates = [item["geometry"]["coordinates"] for item in lines]
    columns: dict[str, Any] = {name: np.array([p[name] for p in properties], np.float64) for name in _SPAN_FLOATS}
    columns |= {name: np.array([p.get(name, 0.0) for p in properties], np.float64) for name in _SPAN_SELDOM_FLOATS}
    columns |= {name: np.array([p.get(name, False) for p in properties], np.bool_) for name in _SPAN_SELDOM_FLAGS}
    columns |= {name: np.array([p.get(name, 0) for p in properties], np.int64) for name in _SPAN_SELDOM_INTEGERS}
    columns |= {name: tuple(p.get(name, "") for p in properties) for name in _SPAN_SELDOM_TEXTS}
    columns |= {name: np.array([p[name] for p in properties], np.int64) for name in _SPAN_INTEGERS}
    columns |= {name: np.array([p[name] for p in properties], np.bool_) for name in _SPAN_FLAGS}
    columns |= {name: tuple(p[name] for p in properties) for name in _SPAN_TEXTS}
    return Spans(
        ids=tuple(item["id"] for item in properties),
        start=np.array([node_index[item["start"]] for item in properties], np.int64),
        end=np.array([node_index[item["end"]] for item in properties], np.int64),
        risk_groups=tuple(tuple(item["risk_groups"]) for item in properties),
        offsets=np.cumsum([0, *(len(line) for line in coordinates)], dtype=np.int64),
        coordinates=np.array([point for line in coordinates for point in line], np.float64).reshape(-1, 2),
        **columns,
    )
