"""The bundled layers of the Liege region: streets as they are, and sites, huts and ducts by stated rules.

The ducts and huts are illustrations, not survey data; their rules stand in the metadata of the files.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas
import networkx
from geojson_files import (
    OSM_LICENCE,
    Feature,
    check_digest,
    line_feature,
    point_feature,
    rounded_line,
    write_collection,
)
from pyproj import Transformer

SOURCE = "liege/simplified.parquet"
SHA256 = "f32ab63091a58fcd4bf7e4d3953811825d7be3dbefaa4826c8f45826951a3367"
PROVENANCE = {"source": "neatnet 0.1.6 (source distribution), data/liege_1656/simplified.parquet", "sha256": SHA256}
METRIC = "EPSG:32631"

ARTERIALS = frozenset({"primary", "secondary", "tertiary"})
STREET_WEIGHTS = {"trunk": 1.0, "primary": 1.0, "secondary": 1.0, "tertiary": 1.0, "unclassified": 1.5}
OTHER_WEIGHT = 2.0
USED_WEIGHT = 5.0
"""Factor on streets that carry a duct already, when a ring is closed."""
RINGS = 2
SPUR_SHARE = 0.5
MIN_STRETCH_M, MAX_STRETCH_M = 300.0, 600.0
ACCESS = ("both", "lease", "pull")
FREE_FIBERS = (12, 8, 4, 10, 6)

HUTS = 30
HUT_SPACING_M = 2500.0
HUT_DETOUR = 1.10

Node = tuple[float, float]
USER = ("end", "pair_source")
HUB = ("end", "pair_source", "heralding", "repeater")
HUT = ("pair_source", "heralding", "repeater")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A named place where equipment may stand; ducts reach an `outer` one only half-way."""

    id: str
    name: str
    kind: str
    lon_lat: Node
    hosts: tuple[str, ...] = HUB
    outer: bool = False
    remark: str = ""


PLACES = (
    Place(id="sart-tilman", name="University of Liège, Sart-Tilman", kind="campus", lon_lat=(5.5590, 50.5833)),
    Place(id="chu", name="University hospital (CHU)", kind="hospital", lon_lat=(5.5665, 50.5755), hosts=USER),
    Place(id="centre", name="University of Liège, Place du 20-Août", kind="campus", lon_lat=(5.5747, 50.6400)),
    Place(id="palace", name="Palace of the Prince-Bishops", kind="court", lon_lat=(5.5737, 50.6457), hosts=USER),
    Place(
        id="guillemins",
        name="Liège-Guillemins station",
        kind="station",
        lon_lat=(5.5669, 50.6248),
        remark=" Placed at the side of the station where the nearest street is no dead end.",
    ),
    Place(id="citadelle", name="Citadelle hospital", kind="hospital", lon_lat=(5.5770, 50.6535)),
    Place(id="airport", name="Liège Airport", kind="airport", lon_lat=(5.4432, 50.6374)),
    Place(id="seraing", name="Seraing town hall", kind="town-hall", lon_lat=(5.5000, 50.6103)),
    Place(id="herstal", name="Herstal town hall", kind="town-hall", lon_lat=(5.6300, 50.6640)),
    Place(id="vise", name="Visé town hall", kind="town-hall", lon_lat=(5.6967, 50.7350), outer=True),
    Place(id="tongeren", name="Tongeren town hall", kind="town-hall", lon_lat=(5.4649, 50.7805), outer=True),
    Place(id="waremme", name="Waremme town hall", kind="town-hall", lon_lat=(5.2551, 50.6976), outer=True),
)

HUT_RULE = (
    f"Junctions of three or more streets, two of them primary, secondary or tertiary, that lengthen the shortest road "
    f"between some two sites by at most {HUT_DETOUR - 1:.0%}; of these, always the one farthest from all sites and "
    f"huts so far, to at most {HUTS} huts and at least {HUT_SPACING_M / 1000:g} km apart."
)
DUCT_RULE = (
    f"Shortest paths along streets without motorways, where a metre of unclassified street counts "
    f"{STREET_WEIGHTS['unclassified']:g} and of any street that is not arterial {OTHER_WEIGHT:g}: for the minimum "
    f"spanning tree of the sites in the city; for {RINGS} more pairs of sites whose way through the tree is longest "
    f"against the direct one, with used streets counted {USED_WEIGHT:g} times; and for {SPUR_SHARE:.0%} of the way "
    f"from the nearest site in the city to each outer town. Handholes stand at street nodes about every "
    f"{MIN_STRETCH_M:g} to {MAX_STRETCH_M:g} m and wherever corridors meet. Owner, access and free fibers are assumed."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Streets:
    """Streets by id, and the graph of their end points; every graph edge carries `street` and `length_m`."""

    lines: dict[str, list[Node]]
    highway: dict[str, str | None]
    graph: networkx.MultiGraph[Node]
    metric: Transformer

    def metres(self, lon_lat: Node) -> Node:
        """Return the position in metres east and north."""
        east_m, north_m = self.metric.transform(*lon_lat)
        return float(east_m), float(north_m)

    def snap(self, place: Place) -> Node:
        """Return the street node nearest to a place, motorways left out."""
        here = self.metres(place.lon_lat)
        return min(self.graph, key=lambda node: (math.dist(here, self.metres(node)), node))


@dataclass(frozen=True, kw_only=True, slots=True)
class Corridor:
    """A run of streets between two ends that gets ducts; streets of earlier corridors are left out."""

    number: int
    ends: tuple[str, str]
    nodes: tuple[Node, ...]
    streets: tuple[str, ...]


def write_liege(source: Path, out: Path) -> None:
    """Write streets, ducts and sites of the Liege region into `out`."""
    streets = read_streets(source / SOURCE)
    title = metadata("Streets of the Liège region", rows=len(streets.lines))
    write_collection(out / "streets.geojson.gz", street_features(streets), title)
    ducts = duct_features(streets, plan_corridors(streets))
    title = metadata("Illustrative ducts of the Liège region", assumed=True, rule=DUCT_RULE)
    write_collection(out / "ducts.geojson", ducts, title)
    title = metadata("Sites and candidate huts of the Liège region", hut_rule=HUT_RULE)
    write_collection(out / "sites.geojson", [*place_features(), *hut_features(streets)], title)


def metadata(title: str, **more: object) -> dict[str, object]:
    """Return the head of a layer: what it is, where it comes from and under which licence."""
    return {"title": title, **PROVENANCE, **OSM_LICENCE, **more}


def read_streets(path: Path) -> Streets:
    """Return the streets of the source file, numbered from west to east; raises ValueError for another file."""
    check_digest(path, SHA256)
    frame = geopandas.read_parquet(path)
    lengths = frame.length.tolist()
    classes = [value if isinstance(value, str) else None for value in frame["highway"]]
    lines = [rounded_line(line.coords) for line in frame.to_crs("EPSG:4326").geometry]
    drawn = [row for row, line in enumerate(lines) if len(line) >= 2]
    order = sorted(drawn, key=lambda row: (lines[row], lengths[row]))
    graph: networkx.MultiGraph[Node] = networkx.MultiGraph()
    ids = {row: f"s{number:05d}" for number, row in enumerate(order, start=1)}
    for row in order:
        if not (classes[row] or "").startswith("motorway"):
            graph.add_edge(lines[row][0], lines[row][-1], key=ids[row], street=ids[row], length_m=lengths[row])
    largest = max(networkx.connected_components(graph), key=len)
    return Streets(
        lines={ids[row]: lines[row] for row in order},
        highway={ids[row]: classes[row] for row in order},
        graph=graph.subgraph(largest).copy(),
        metric=Transformer.from_crs("EPSG:4326", METRIC, always_xy=True),
    )


def street_features(streets: Streets) -> Iterator[Feature]:
    """Yield every street with its class, which is null where the source has none."""
    for street, line in streets.lines.items():
        yield line_feature({"id": street, "highway": streets.highway[street]}, line)


def place_features() -> Iterator[Feature]:
    """Yield the named sites."""
    for place in PLACES:
        fields = {"id": place.id, "name": place.name, "kind": place.kind, "hosts": list(place.hosts)}
        note = f"Position approximate, to about 100 m; what it may host is assumed.{place.remark}"
        yield point_feature({**fields, "assumed": False, "note": note}, *place.lon_lat)


def hut_features(streets: Streets) -> Iterator[Feature]:
    """Yield the candidate huts, each farther from all that was chosen before than any other junction."""
    chosen = [streets.metres(place.lon_lat) for place in PLACES]
    places = {node: streets.metres(node) for node in hut_junctions(streets)}
    distances_m = {node: min(math.dist(at, other) for other in chosen) for node, at in places.items()}
    for number in range(1, HUTS + 1):
        node = max(distances_m, key=lambda candidate: (distances_m[candidate], candidate))
        if distances_m[node] < HUT_SPACING_M:
            return
        fields = {"id": f"hut-{number:02d}", "name": f"Candidate hut {number}", "kind": "hut", "hosts": list(HUT)}
        note = "Candidate at a street junction, chosen by rule; no land was reviewed."
        yield point_feature({**fields, "shelter": "hut", "assumed": True, "note": note}, *node)
        for other, at in places.items():
            distances_m[other] = min(distances_m[other], math.dist(at, places[node]))


def hut_junctions(streets: Streets) -> list[Node]:
    """Return the junctions of arterials that lie near the shortest road between some two sites."""
    graph = streets.graph
    reach = {}
    for place in PLACES:
        reach[place.id] = networkx.single_source_dijkstra_path_length(graph, streets.snap(place), weight="length_m")
    roads = [(reach[a.id], reach[b.id], reach[a.id][streets.snap(b)]) for a, b in itertools.combinations(PLACES, 2)]
    junctions = []
    for node in sorted(graph):
        arterials = sum(streets.highway[street] in ARTERIALS for _, _, street in graph.edges(node, keys=True))
        near = any(from_a[node] + from_b[node] <= HUT_DETOUR * direct for from_a, from_b, direct in roads)
        if near and arterials >= 2 and graph.degree(node) >= 3:
            junctions.append(node)
    return junctions


def plan_corridors(streets: Streets) -> list[Corridor]:
    """Return the duct corridors: the tree of the city, its rings, and the spurs towards the outer towns."""
    weigh(streets, frozenset())
    city = {place.id: streets.snap(place) for place in PLACES if not place.outer}
    mesh: networkx.Graph[str] = networkx.Graph()
    for a, b in itertools.combinations(sorted(city), 2):
        mesh.add_edge(a, b, weight=networkx.dijkstra_path_length(streets.graph, city[a], city[b]))
    tree = networkx.minimum_spanning_tree(mesh)
    planner = _Corridors(streets)
    for a, b in sorted(tuple(sorted(edge)) for edge in tree.edges):
        planner.join(a, b, city[a], city[b])
    for _ in range(RINGS):
        a, b = worst_detour(tree, mesh)
        weigh(streets, frozenset(planner.used))
        planner.join(a, b, city[a], city[b])
        tree.add_edge(a, b, weight=mesh[a][b]["weight"])
    weigh(streets, frozenset())
    for place in PLACES:
        if place.outer:
            planner.reach_out(place, city)
    return planner.corridors


def worst_detour(tree: networkx.Graph[str], mesh: networkx.Graph[str]) -> tuple[str, str]:
    """Return the pair of sites that would gain most, in metres, from a direct duct."""
    through = dict(networkx.all_pairs_dijkstra_path_length(tree))
    pairs = [pair for pair in itertools.combinations(sorted(mesh), 2) if not tree.has_edge(*pair)]
    return max(pairs, key=lambda pair: through[pair[0]][pair[1]] - mesh[pair[0]][pair[1]]["weight"])


def weigh(streets: Streets, used: frozenset[str]) -> None:
    """Set the `weight` of every street for the next shortest path."""
    for _, _, street, edge in streets.graph.edges(keys=True, data=True):
        kind = (streets.highway[street] or "").removesuffix("_link")
        factor = STREET_WEIGHTS.get(kind, OTHER_WEIGHT) * (USED_WEIGHT if street in used else 1.0)
        edge["weight"] = factor * edge["length_m"]


class _Corridors:
    """Collects corridors so that no street carries two of them."""

    def __init__(self, streets: Streets) -> None:
        self.streets = streets
        self.corridors: list[Corridor] = []
        self.used: set[str] = set()

    def join(self, a: str, b: str, start: Node, end: Node) -> None:
        self._add((a, b), networkx.dijkstra_path(self.streets.graph, start, end))

    def reach_out(self, town: Place, city: dict[str, Node]) -> None:
        """Add the first part of the way from the nearest site in the city to a town."""
        target = self.streets.snap(town)
        lengths_m = networkx.single_source_dijkstra_path_length(self.streets.graph, target)
        start = min(city, key=lambda name: (lengths_m[city[name]], name))
        path = networkx.dijkstra_path(self.streets.graph, city[start], target)
        total = lengths_m[city[start]]
        kept = [node for node in path if lengths_m[node] >= (1.0 - SPUR_SHARE) * total]
        self._add((start, town.id), kept)

    def _add(self, ends: tuple[str, str], nodes: list[Node]) -> None:
        """Add the runs of `nodes` whose streets are still free, all as one corridor."""
        graph = self.streets.graph
        streets = []
        for a, b in itertools.pairwise(nodes):
            streets.append(min(graph[a][b], key=lambda street: (graph[a][b][street]["weight"], street)))
        number = len(self.corridors) + 1
        self.corridors.append(Corridor(number=number, ends=ends, nodes=tuple(nodes), streets=tuple(streets)))
        self.used.update(streets)


def duct_features(streets: Streets, corridors: list[Corridor]) -> Iterator[Feature]:
    """Yield the ducts: every stretch between two handholes, each street in the first corridor that uses it."""
    degree: Counter[Node] = Counter()
    for street in {street for corridor in corridors for street in corridor.streets}:
        degree.update((streets.lines[street][0], streets.lines[street][-1]))
    done: set[str] = set()
    for corridor in corridors:
        for number, stretch in enumerate(stretches(streets, corridor, degree, done), start=1):
            yield duct_feature(streets, corridor, number, stretch)
        done.update(corridor.streets)


def stretches(
    streets: Streets, corridor: Corridor, degree: Counter[Node], done: set[str]
) -> Iterator[list[tuple[Node, str]]]:
    """Yield runs of (node where the street begins, street) that end at handholes."""
    stretch: list[tuple[Node, str]] = []
    length_m = 0.0
    for node, street in zip(corridor.nodes, corridor.streets, strict=False):
        added_m = streets.graph.edges[(*street_ends(streets, street), street)]["length_m"]
        meets = degree[node] != 2 or street in done
        if stretch and (meets or length_m >= MIN_STRETCH_M or length_m + added_m > MAX_STRETCH_M):
            yield stretch
            stretch, length_m = [], 0.0
        if street not in done:
            stretch.append((node, street))
            length_m += added_m
    if stretch:
        yield stretch


def street_ends(streets: Streets, street: str) -> tuple[Node, Node]:
    """Return the two end nodes of a street."""
    return streets.lines[street][0], streets.lines[street][-1]


def duct_feature(streets: Streets, corridor: Corridor, number: int, stretch: list[tuple[Node, str]]) -> Feature:
    """Return one duct along the streets of a stretch."""
    line = [stretch[0][0]]
    for node, street in stretch:
        along = streets.lines[street]
        line += along[1:] if along[0] == node else along[-2::-1]
    properties = {
        "id": f"d{corridor.number:02d}-{number:03d}",
        "name": f"assumed corridor {corridor.number} ({corridor.ends[0]} - {corridor.ends[1]}), stretch {number}",
        "owner": "assumed",
        "access": ACCESS[corridor.number % len(ACCESS)],
        "free_fibers": FREE_FIBERS[corridor.number % len(FREE_FIBERS)],
        "lease_per_fiber_km_year": None,
        "streets": [street for _, street in stretch],
        "assumed": True,
    }
    return line_feature(properties, line)
