"""The bundled catalogs and layers hold what their README files say, and can be made again from their sources."""

import gzip
import itertools
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import networkx as nx
import pytest
from pyproj import Geod

from planner.catalog import Entry, load_costs, load_hardware
from planner.scenario import Site

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data"
SOURCE = ROOT.parent / "shared" / "data"
LIEGE, HELSINKI, BARCELONA = DATA / "liege-region", DATA / "helsinki-centre", DATA / "barcelona-patch"
EXTENTS = {
    LIEGE: (5.1754, 50.5547, 5.8261, 50.8946),
    HELSINKI: (24.9351, 60.1641, 24.9535, 60.1792),
    BARCELONA: (2.1494, 41.3776, 2.1870, 41.4105),
}
ELLIPSOID = Geod(ellps="WGS84")

needs_sources = pytest.mark.skipif(not SOURCE.is_dir(), reason="the source extracts are not in ../shared/data")


def read_text(path):
    return gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text(encoding="utf-8")


def read_features(path):
    return json.loads(read_text(path))["features"]


def line_length_km(features):
    return sum(ELLIPSOID.line_length(*zip(*f["geometry"]["coordinates"], strict=True)) for f in features) / 1000.0


def points(feature):
    return [tuple(point) for point in feature["geometry"]["coordinates"]]


def every_point(coordinates):
    if isinstance(coordinates[0], float):
        return [coordinates]
    return [point for part in coordinates for point in every_point(part)]


@pytest.fixture(scope="module")
def liege_streets():
    return {feature["properties"]["id"]: feature for feature in read_features(LIEGE / "streets.geojson.gz")}


@pytest.fixture(scope="module")
def ducts():
    return read_features(LIEGE / "ducts.geojson")


def test_every_catalog_entry_has_a_source():
    hardware, costs = load_hardware(DATA / "hardware.yaml"), load_costs(DATA / "costs.yaml")
    groups = [getattr(catalog, name) for catalog in (hardware, costs) for name in type(catalog).model_fields]
    entries = [entry for group in groups if isinstance(group, dict) for entry in group.values()]
    assert len(entries) >= 80
    assert all(isinstance(entry, Entry) and len(entry.source) >= 8 for entry in entries)
    assert (costs.currency, costs.price_year) == ("USD", 2025)


def test_prices_that_come_from_the_literature():
    costs = load_costs(DATA / "costs.yaml")
    assert costs.items["trench"].price == pytest.approx(18 / 0.3048, abs=0.1)
    assert costs.items["dark-fiber-lease"].price == 60 * 12
    assert costs.densities["urban"].factor == pytest.approx(23.25 / 16.25, abs=0.005)
    assert costs.densities["rural"].factor == pytest.approx(12.50 / 16.25, abs=0.005)


def test_civil_works_do_not_learn_and_equipment_does():
    items = load_costs(DATA / "costs.yaml").items
    equipment = {name for name, item in items.items() if item.learning_rate > 0.0}
    assert {items[name].opex_share_per_year for name in equipment} == {0.10}
    assert equipment.isdisjoint(
        {"trench", "right-of-way-permit", "cable-pull", "duct-rental", "dark-fiber-lease", "hut"}
    )
    assert {"pair-source", "memory-node", "snspd-system", "free-space-terminal"} <= equipment


@pytest.mark.parametrize(("memory", "fidelity"), [("siv-2024", 0.86), ("ion-2023", 0.88), ("near-term-2030", 0.95)])
def test_memories_give_the_published_fidelity_of_a_link_without_loss(memory, fidelity):
    node = load_hardware(DATA / "hardware.yaml").memories[memory]
    werner = (4 * node.emission_fidelity - 1) / 3  # of one memory-photon pair; two pairs make the link
    assert 0.25 + werner**2 * ((1 + node.visibility) / 2 - 0.25) == pytest.approx(fidelity, abs=0.005)


@pytest.mark.parametrize("folder", [LIEGE, HELSINKI], ids=lambda folder: folder.name)
def test_every_street_class_and_surface_has_a_factor(folder):
    costs = load_costs(DATA / "costs.yaml")
    for feature in read_features(folder / "streets.geojson.gz"):
        assert (feature["properties"]["highway"] or "unknown") in costs.road_classes
        assert (feature["properties"].get("surface") or "unknown") in costs.surfaces


@pytest.mark.parametrize("folder", [LIEGE, HELSINKI], ids=lambda folder: folder.name)
def test_ids_are_unique_and_all_lies_in_the_extent(folder):
    west, south, east, north = EXTENTS[folder]
    for path in folder.glob("*.geojson*"):
        features = read_features(path)
        ids = Counter(feature["properties"]["id"] for feature in features)
        assert ids.most_common(1)[0][1] == 1
        for feature in features:
            for lon, lat in every_point(feature["geometry"]["coordinates"]):
                assert west <= lon <= east and south <= lat <= north


@pytest.mark.parametrize("folder", [LIEGE, HELSINKI], ids=lambda folder: folder.name)
def test_every_layer_states_source_and_licence(folder):
    layers = list(folder.glob("*.geojson*"))
    assert len(layers) >= 3
    for path in layers:
        metadata = json.loads(read_text(path))["metadata"]
        assert "OpenStreetMap contributors" in metadata["attribution"]
        assert metadata["licence"].startswith("ODbL 1.0")
        assert metadata["sha256"] in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", [LIEGE, HELSINKI], ids=lambda folder: folder.name)
def test_readme_counts_the_rows_of_every_layer(folder):
    readme = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    for path in folder.glob("*.geojson*"):
        (row,) = [line for line in readme if line.startswith(f"| `{path.name}`")]
        assert row.split("|")[3].strip() == f"{len(read_features(path)):,}"


@pytest.mark.parametrize(("folder", "named", "huts"), [(LIEGE, 12, 30), (HELSINKI, 10, 3)])
def test_sites_can_be_read_by_a_scenario(folder, named, huts):
    sites = []
    for feature in read_features(folder / "sites.geojson"):
        lon, lat = feature["geometry"]["coordinates"]
        sites.append(Site.model_validate_json(json.dumps({**feature["properties"], "lon_deg": lon, "lat_deg": lat})))
    assert Counter(site.kind == "hut" for site in sites) == {False: named, True: huts}
    assert {site.shelter for site in sites if site.kind == "hut"} == {"hut"}
    assert all(site.assumed for site in sites if site.kind == "hut")
    assert all(site.note for site in sites)


def test_liege_huts_stand_apart_at_street_junctions(liege_streets):
    degree = Counter(end for street in liege_streets.values() for end in (points(street)[0], points(street)[-1]))
    places = {f["properties"]["id"]: f["geometry"]["coordinates"] for f in read_features(LIEGE / "sites.geojson")}
    huts = {name: place for name, place in places.items() if name.startswith("hut-")}
    assert all(degree[tuple(place)] >= 3 for place in huts.values())
    for (name, a), (other, b) in itertools.combinations(places.items(), 2):
        if name in huts or other in huts:
            assert ELLIPSOID.inv(*a, *b)[2] > 2490


def test_liege_streets_are_complete(liege_streets):
    classes = Counter(street["properties"]["highway"] for street in liege_streets.values())
    assert sum(classes.values()) == 12_394
    assert classes[None] == 799
    assert classes["residential"] == 7_512
    assert line_length_km(liege_streets.values()) == pytest.approx(2351, rel=1e-3)


@needs_sources
def test_liege_streets_keep_the_length_of_the_source(liege_streets):
    geopandas = pytest.importorskip("geopandas")
    raw = geopandas.read_parquet(SOURCE / "liege" / "simplified.parquet")
    assert len(raw) == len(liege_streets) + 2
    metres = geopandas.GeoSeries.from_wkb(raw.geometry.to_wkb(), crs=raw.crs).to_crs("EPSG:4326")
    raw_km = sum(ELLIPSOID.geometry_length(line) for line in metres) / 1000.0
    assert line_length_km(liege_streets.values()) == pytest.approx(raw_km, rel=1e-3)


def test_ducts_run_along_their_streets(liege_streets, ducts):
    carried = Counter()
    for duct in ducts:
        streets = [points(liege_streets[street]) for street in duct["properties"]["streets"]]
        carried.update(duct["properties"]["streets"])
        segments = {frozenset(pair) for street in streets for pair in itertools.pairwise(street)}
        assert {frozenset(pair) for pair in itertools.pairwise(points(duct))} == segments
        ends = {street[0] for street in streets} | {street[-1] for street in streets}
        assert {points(duct)[0], points(duct)[-1]} <= ends
    assert carried.most_common(1)[0][1] == 1


def test_ducts_are_assumed_and_join_the_city_but_not_the_outer_towns(ducts):
    assert json.loads(read_text(LIEGE / "ducts.geojson"))["metadata"]["assumed"] is True
    graph = nx.Graph([(points(duct)[0], points(duct)[-1]) for duct in ducts])
    assert nx.is_connected(graph)
    assert nx.number_of_edges(graph) - nx.number_of_nodes(graph) + 1 >= 2
    assert 60 < line_length_km(ducts) < 120
    places = {f["properties"]["id"]: f["geometry"]["coordinates"] for f in read_features(LIEGE / "sites.geojson")}
    nearest_m = {name: min(ELLIPSOID.inv(*place, *node)[2] for node in graph) for name, place in places.items()}
    for name in ("sart-tilman", "chu", "centre", "palace", "guillemins", "citadelle", "seraing", "herstal"):
        assert nearest_m[name] < 200
    for name in ("vise", "tongeren", "waremme"):
        assert nearest_m[name] > 2000


def test_duct_attributes(ducts):
    properties = [duct["properties"] for duct in ducts]
    assert all(row["assumed"] is True and row["owner"] == "assumed" for row in properties)
    assert {row["access"] for row in properties} == {"lease", "pull", "both"}
    assert all(2 <= row["free_fibers"] <= 12 for row in properties)
    assert {row["lease_per_fiber_km_year"] for row in properties} == {None}


def test_helsinki_keeps_ways_that_leave_the_extract():
    collection = json.loads(read_text(HELSINKI / "streets.geojson.gz"))
    counts = collection["metadata"]["counts"]
    readme = (HELSINKI / "README.md").read_text(encoding="utf-8")
    for name in ("ways_kept", "ways_with_missing_nodes", "missing_node_references", "ways_wholly_outside"):
        assert f"{counts[name]:,}" in readme
    ways = {feature["properties"]["osm"] for feature in collection["features"]}
    assert len(ways) == counts["ways_kept"] - counts["ways_wholly_outside"]


def test_helsinki_buildings_are_ways_and_relations_with_heights_as_given():
    rows = {f["properties"]["id"]: f["properties"] for f in read_features(HELSINKI / "buildings.geojson.gz")}
    assert sum(not row["part"] for row in rows.values()) == 472
    assert sum(name.startswith("r") and not row["part"] for name, row in rows.items()) >= 60
    assert rows["w123525580"]["height"] == 70.0
    assert rows["w185401488"]["height"] == 12.13
    assert rows["w122595236"] | {"height": None, "levels": 9.0} == rows["w122595236"]


def test_helsinki_has_water_parks_and_railway_land():
    kinds = Counter(feature["properties"]["kind"] for feature in read_features(HELSINKI / "zones.geojson"))
    assert kinds["water"] >= 5 and kinds["park"] >= 10 and kinds["railway"] == 3


def test_barcelona_has_heights_and_green_axes_as_its_readme_says():
    collection = json.loads(read_text(BARCELONA / "buildings.geojson.gz"))
    counts, readme = collection["metadata"]["counts"], (BARCELONA / "README.md").read_text(encoding="utf-8")
    assert f"Of the {counts['buildings']:,} buildings {counts['buildings_with_height_or_levels']:,} (78 %)" in readme
    zones = read_features(BARCELONA / "zones.geojson")
    assert [zone["properties"]["name"] for zone in zones] == ["Carrer de Girona", "Carrer del Consell de Cent"]


def test_bundle_is_small():
    assert sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) < 2_000_000


@needs_sources
def test_a_second_run_writes_the_same_layers(tmp_path):
    command = [sys.executable, DATA / "make_bundled.py", "--source", SOURCE, "--out", tmp_path]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.geojson*"))
    assert written == sorted(path.relative_to(DATA) for path in DATA.rglob("*.geojson*"))
    for path in written:
        assert read_text(tmp_path / path) == read_text(DATA / path)
        if path.suffix == ".gz":
            assert (tmp_path / path).read_bytes()[4:8] == bytes(4), "the compressed file holds a time"


@needs_sources
def test_another_source_file_is_refused(tmp_path):
    for name in ("liege/simplified.parquet", "helsinki/Helsinki.osm.pbf", "barcelona/barcelona.osm.pbf"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"something else")
    command = [sys.executable, DATA / "make_bundled.py", "--source", tmp_path, "--out", tmp_path / "out"]
    finished = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert finished.returncode != 0
    assert "sha256" in finished.stderr
    assert not (tmp_path / "out").exists()
