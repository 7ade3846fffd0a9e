"""Real regions: bundled extracts, and larger ones where they are at hand."""

import gzip
import json
from pathlib import Path

import networkx as nx
import numpy as np
import osmium
import pytest

from geodata.maps import GEOD, make_scenario, noted, rows
from planner.errors import InputError
from planner.geodata import build_network
from planner.scenario import load_scenario

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
SHARED = ROOT.parent / "shared" / "data"
BOXES = {
    "liege-region": (5.17, 50.55, 5.83, 50.90),
    "helsinki-centre": (24.93, 60.16, 24.96, 60.18),
    "las-palmas": (-15.52, 28.02, -15.38, 28.20),
    "redon": (-2.2, 47.5, -1.9, 47.8),
    "monaco": (7.3, 43.6, 7.6, 43.9),
    "helsinki": (24.5, 60.0, 25.5, 60.5),
    "barcelona": (2.0, 41.2, 2.4, 41.6),
}
PLACES = {
    "helsinki": [(24.9406, 60.1716), (24.9501, 60.1694)],
    "barcelona": [(2.170, 41.390), (2.165, 41.395)],
    "monaco": [(7.42, 43.735), (7.43, 43.74)],
    "redon": [(-2.084, 47.651), (-2.080, 47.652)],
}
ZONES = [{"kind": "park", "factor": 1.5, "source": "test"}, {"kind": "water", "forbidden": True, "source": "test"}]


def extent(name):
    return dict(zip(("west_lon_deg", "south_lat_deg", "east_lon_deg", "north_lat_deg"), BOXES[name], strict=True))


def features(path):
    content = path.read_bytes()
    return json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)["features"]


def length_km(layer):
    lines = [feature["geometry"]["coordinates"] for feature in layer]
    return sum(GEOD.line_length(*np.array(line).T) for line in lines) / 1000.0


def bundled(folder, name, **changes):
    """Return a scenario around the bundled layers of a region, with the test hardware and prices."""
    make_scenario(folder)
    spec = json.loads((folder / "scenario.yaml").read_text(encoding="utf-8"))
    paths = {kind: f"{DATA / name / kind}.geojson" for kind in ("streets", "ducts", "sites", "zones")}
    found = {kind: {"path": path} for kind, path in paths.items() if Path(path).is_file()}
    layers = {"streets": {"path": f"{paths['streets']}.gz"}, **{kind: [layer] for kind, layer in found.items()}}
    sites = [feature["properties"]["id"] for feature in features(Path(paths["sites"]))]
    demand = {**spec["demands"][0], "a": sites[0], "b": sites[1]}
    spec |= {"extent": extent(name), "layers": layers, "sites": [], "demands": [demand], **changes}
    (folder / "scenario.yaml").write_text(json.dumps(spec), encoding="utf-8")
    return load_scenario(folder / "scenario.yaml")


def shared(folder, name, pattern, places):
    """Return a scenario around an extract that is not part of the project, or skip."""
    files = sorted((SHARED / name).glob(pattern)) if SHARED.is_dir() else []
    if not files:
        pytest.skip(f"../shared/data/{name} is not here")
    sites = [
        {"id": f"s{index}", "name": f"site {index}", "kind": "campus", "lon_deg": lon, "lat_deg": lat}
        for index, (lon, lat) in enumerate(places)
    ]
    ending = "".join(files[0].suffixes[-2:])
    layer = {"path": f"streets{ending}"}
    return make_scenario(folder, files[0].read_bytes(), sites=sites, street_layer=layer, extent=extent(name))


def test_liege_has_the_length_of_its_files_and_every_site_and_duct(tmp_path):
    scenario = bundled(tmp_path, "liege-region", max_snap_m=1200.0)
    network = build_network(scenario)
    trenches = network.spans.length_km[rows(network, "trench")].sum()
    assert trenches == pytest.approx(length_km(features(DATA / "liege-region" / "streets.geojson.gz")), rel=1e-3)
    layer = features(DATA / "liege-region" / "ducts.geojson")
    for access, medium in (("pull", "duct"), ("lease", "dark_fiber")):
        chosen = [feature for feature in layer if feature["properties"]["access"] in (access, "both")]
        assert len(rows(network, medium)) == len(chosen)
        assert network.spans.length_km[rows(network, medium)].sum() == pytest.approx(length_km(chosen), rel=1e-3)
    assert [site.id for site in network.sites] == [site.id for site in scenario.sites]
    assert noted(network, "road class not in the data")
    known = {group for index in rows(network, "trench") for group in network.spans.risk_groups[index]}
    for index in rows(network, "duct"):
        assert {group for group in network.spans.risk_groups[index] if group.startswith("street:")} <= known


def test_liege_sites_far_from_streets_are_refused_by_default(tmp_path):
    with pytest.raises(InputError) as caught:
        build_network(bundled(tmp_path, "liege-region"))
    assert {problem.key_path for problem in caught.value.problems} >= {"site tongeren"}


def test_helsinki_has_the_length_of_its_file_and_its_zones(tmp_path):
    scenario = bundled(tmp_path, "helsinki-centre", right_of_way={"density": "urban", "zones": ZONES})
    network = build_network(scenario)
    expected = length_km(features(DATA / "helsinki-centre" / "streets.geojson.gz"))
    assert network.spans.length_km.sum() == pytest.approx(expected, rel=1e-3)
    assert noted(network, "zone park")
    assert noted(network, "without connection")
    assert any(group.startswith("bridge:") for groups in network.spans.risk_groups for group in groups)
    assert build_network(scenario).digest == network.digest


def test_redon_in_compressed_xml_is_cut_at_missing_nodes(tmp_path):
    network = build_network(shared(tmp_path, "redon", "*.osm.gz", [(-2.084, 47.651), (-2.080, 47.652)]))
    assert noted(network, "286 vertices missing in the data")
    assert len(network.spans) > 600


@pytest.mark.slow
def test_las_palmas_is_read_and_what_is_missing_counted(tmp_path):
    places = [(-15.42003, 28.09883), (-15.45250, 28.07362), (-15.40510, 28.16501)]
    scenario = shared(tmp_path, "las-palmas", "*.osm.pbf", places)
    network = build_network(scenario)
    assert noted(network, "2,640 vertices missing in the data")
    assert 24_000 < len(network.spans) < 28_000


def write_highways(source, target, ways):
    """Write the ways with these ids and their nodes as OSM XML, the only kind of file that OSMnx reads."""
    refs = {node.ref for way in osmium.FileProcessor(source, osmium.osm.WAY) if way.id in ways for node in way.nodes}
    with osmium.SimpleWriter(target) as writer:
        for thing in osmium.FileProcessor(source, osmium.osm.NODE | osmium.osm.WAY):
            if thing.id in (refs if thing.is_node() else ways):
                writer.add(thing)


def whole_ways(source):
    """Return the ids of the highways of an extract whose nodes are all there: OSMnx refuses the others."""
    nodes = {node.id for node in osmium.FileProcessor(source, osmium.osm.NODE)}
    ways = osmium.FileProcessor(source, osmium.osm.WAY).with_filter(osmium.filter.KeyFilter("highway"))
    return {way.id for way in ways if all(node.ref in nodes for node in way.nodes)}


def merged_count(network):
    """Return how many spans there are once those that meet at a node of two are one, as OSMnx counts edges."""
    spans = network.spans
    degrees = np.bincount(np.concatenate((spans.start, spans.end)), minlength=len(network.nodes))
    graph = network.to_networkx()
    rings = sum(all(degrees[node] == 2 for node in part) for part in nx.connected_components(graph))
    return len(spans) - int((degrees == 2).sum()) + rings


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["helsinki", "barcelona", "monaco", "redon"])
def test_osmnx_finds_as_many_streets_of_the_same_length(tmp_path, name):
    import osmnx

    first = shared(tmp_path, name, "*.osm.*", PLACES[name])
    source = str(first.folder / first.spec.layers.streets.path)
    write_highways(source, str(tmp_path / "whole.osm"), whole_ways(source))
    layer = {"path": "whole.osm"}
    sites = [site.model_dump(mode="json", exclude_defaults=True) for site in first.sites]
    changes = {"sites": sites, "street_layer": layer, "extent": extent(name), "max_snap_m": 5000.0}
    network = build_network(make_scenario(tmp_path, (tmp_path / "whole.osm").read_bytes(), **changes))
    write_highways(
        str(tmp_path / "whole.osm"), str(tmp_path / "ours.osm"), {int(way[1:]) for way in network.spans.origin}
    )
    directed = osmnx.graph_from_xml(tmp_path / "ours.osm", bidirectional=False, simplify=True, retain_all=True)
    graph = osmnx.convert.to_undirected(directed)
    edges = osmnx.convert.graph_to_gdfs(graph, nodes=False)
    km = sum(abs(GEOD.geometry_length(line)) for line in edges.geometry) / 1000.0
    assert network.spans.length_km.sum() == pytest.approx(km, rel=1e-3)
    assert merged_count(network) == pytest.approx(len(edges), rel=1e-2)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_osmnx_finds_the_same_junctions_and_lengths(tmp_path):
    import osmnx

    scenario = shared(tmp_path, "monaco", "*.osm.pbf", [(7.42, 43.735), (7.43, 43.74)])
    network = build_network(scenario)
    spans, nodes = network.spans, network.nodes
    ways = {int(name.split("-")[0].split("/")[0][1:]) for name in spans.ids}
    write_highways(str(tmp_path / "streets.osm.pbf"), str(tmp_path / "highways.osm"), ways)
    directed = osmnx.graph_from_xml(tmp_path / "highways.osm", bidirectional=False, simplify=False, retain_all=True)
    graph = osmnx.convert.to_undirected(directed)

    expected_km = sum(data["length"] for *_, data in graph.edges(data=True)) / 1000.0
    assert spans.length_km.sum() == pytest.approx(expected_km, rel=5e-3)  # OSMnx measures on a sphere
    degrees = np.bincount(np.concatenate((spans.start, spans.end)), minlength=len(nodes))
    ours = {(nodes.lon_deg[n], nodes.lat_deg[n]) for n in np.flatnonzero(degrees != 2)}
    theirs = {(round(d["x"], 7), round(d["y"], 7)) for n, d in graph.nodes(data=True) if graph.degree(n) != 2}
    assert ours == theirs
