"""Lines of sight between roofs, against buildings drawn by hand and the bundled ones."""

from pathlib import Path

import numpy as np
import pytest
import shapely

from geodata.maps import CROSS, at, box, collection, make_scenario, noted, site
from planner.errors import InputError
from planner.geodata import build_network
from planner.geodata.buildings import STOREY_M, Buildings, buildings_at, read_buildings
from planner.geodata.region import metric_projection
from planner.geodata.rooftops import beam_clearance_m, judge_hops, read_surroundings
from planner.geodata.sightlines import EARTH_RADIUS_M, TERMINAL_M, all_pairs, clear_lines, look_along
from planner.scenario import FreeSpaceCandidate, load_scenario
from worlds import hop

ROOT = Path(__file__).resolve().parents[2]

A, B = site("a", 300, 20), site("b", 1700, 20)
WEST = box(None, 280, 0, 320, 40, id="west", height=30.0)
EAST = box(None, 1680, 0, 1720, 40, id="east", height="30 m")


def tower(name="tower", *, north_m=0.0, height=40.0, **more):
    return box(None, 980, north_m, 1020, north_m + 40, id=name, height=height, **more)


SEARCH = {"terminal": "rooftop", "visibility_km": 10, "cn2_m23": 1e-14}


def scenario(folder, *buildings, layer=None, hops=None, sites=(A, B), more_layers=None, **more):
    folder.mkdir(exist_ok=True)
    (folder / "buildings.geojson").write_text(collection(buildings), encoding="utf-8")
    layers = {"buildings": [{"path": "buildings.geojson", **(layer or {})}], **(more_layers or {})}
    free_space = [hop("a", "b")] if hops is None else hops
    return make_scenario(folder, CROSS, sites=sites, more_layers=layers, free_space=free_space, **more)


def verdict(folder, *buildings, **options):
    notes = build_network(scenario(folder, *buildings, **options)).notes
    return next(note for note in notes if "hop-a-b: " in note and "on site" not in note)


@pytest.mark.parametrize(
    ("obstacle", "expected"),
    [
        (tower(height=20.0), "clear of buildings in the data, by 11.9 m above tower at 5.5141"),
        (tower(height=40.0), "blocked by building tower at 5.51411, 50.60018, 8.1 m too high; 0 of 3 heights guessed"),
        (tower(height=31.9), "blocked by building tower"),
        (tower(height=31.7), "clear of buildings in the data, by 0.2 m above tower"),
        (tower(height=None, levels=12), "blocked by building tower"),
        (tower(height=None, levels="3"), "clear of buildings in the data, by 22.3 m above tower"),
        (tower(height=None), "(height guessed); 1 of 3 heights guessed"),
        (tower(height="tall"), "(height guessed); 1 of 3 heights guessed"),
        (tower(north_m=60.0, height=90.0), "clear of buildings in the data: none stands on its way; 0 of 2 heights"),
        (tower(north_m=20.05, height=90.0), "blocked by building tower"),
        (tower(north_m=20.3, height=90.0), "none stands on its way"),
    ],
)
def test_a_building_between_two_roofs(tmp_path, obstacle, expected):
    assert expected in verdict(tmp_path, WEST, EAST, obstacle)


def test_the_share_of_guessed_heights_is_told_and_the_guess_can_be_stated(tmp_path):
    bare = tower(height=None)
    network = build_network(scenario(tmp_path / "a", WEST, EAST, bare))
    assert noted(network, "3 buildings and parts of them, 33.3% without height or storeys: taken as 3 storeys of 3.2 m")
    assert "blocked by building tower" in verdict(tmp_path / "b", WEST, EAST, bare, layer={"values": {"levels": 12}})
    for values in ({"levels": "many"}, {"height": 4}, {"levels": 0}):
        with pytest.raises(InputError, match=r"buildings take one value, `levels`"):
            build_network(scenario(tmp_path / "c", WEST, EAST, bare, layer={"values": values}))


def test_nothing_is_said_without_heights_or_buildings_at_the_ends(tmp_path):
    bare = [box(None, 280, 0, 320, 40, id="w"), box(None, 1680, 0, 1720, 40, id="e")]
    assert "no verdict: no heights in the data" in verdict(tmp_path / "a", *bare)
    assert "no verdict: no building in the data within 30 m of b" in verdict(tmp_path / "b", WEST, tower())
    plain = build_network(make_scenario(tmp_path, sites=(A, B), free_space=[hop("a", "b")]))
    assert not [note for note in plain.notes if "building" in note]


def test_without_hops_buildings_only_say_which_sites_share_one(tmp_path):
    (tmp_path / "buildings.geojson").write_text(collection([tower()]), encoding="utf-8")
    world = make_scenario(tmp_path, more_layers={"buildings": [{"path": "buildings.geojson"}]})
    assert not [note for note in build_network(world).notes if "building" in note]
    world = make_scenario(tmp_path, more_layers={"buildings": [{"path": "streets.geojson"}]})
    with pytest.raises(InputError, match="layer holds no polygons"):
        build_network(world)


def test_parts_stand_for_an_outline_without_height(tmp_path):
    outline = tower(height=None, levels=None)
    low = box(None, 980, 0, 1020, 40, id="low", height=12.0, part=True)
    assert "clear of buildings in the data, by 19.9 m above low" in verdict(tmp_path / "a", WEST, EAST, outline, low)
    spire = box(None, 999, 19, 1001, 21, id="spire", height=60.0, part=True)
    assert "blocked by building spire" in verdict(tmp_path / "b", WEST, EAST, outline, low, spire)
    mast = box(None, 299, 19, 301, 21, id="mast", height=60.0, part=True)
    assert "clear of buildings in the data, by 6.4 m above tower" in verdict(
        tmp_path / "c", WEST, EAST, mast, tower(height=40.0)
    )


def roofs(*places):
    """Return buildings of 20 x 20 m at places in metres, with their heights."""
    shapes = np.array([shapely.box(x - 10, y - 10, x + 10, y + 10) for x, y, _ in places])
    heights = np.array([height for *_, height in places], dtype=np.float64)
    count = len(places)
    return Buildings(
        ids=tuple(f"h{index}" for index in range(count)),
        shapes=shapes,
        heights_m=heights,
        roofs_m=heights,
        is_guessed=np.zeros(count, dtype=np.bool_),
        is_obstacle=np.ones(count, dtype=np.bool_),
        groups=np.arange(count),
        notes=(),
        attributions=(),
    )


def test_the_earth_bulges_between_distant_roofs():
    bulge_m = 2500.0**2 / (2.0 * EARTH_RADIUS_M)
    for height, expected in ((30.0 + TERMINAL_M - bulge_m - 0.01, True), (30.0 + TERMINAL_M - bulge_m + 0.01, False)):
        buildings = roofs((0, 0, 30.0), (5000, 0, 30.0), (2500, 0, height))
        line = all_pairs(np.array([(0.0, 0.0), (5000.0, 0.0)]), np.array([30.0, 30.0]), np.array([0, 1]),
                         reach_m=6000.0, clear_m=0.0)  # fmt: skip
        view = look_along(line, buildings)
        assert view.is_clear.tolist() == clear_lines(line, buildings).tolist() == [expected]
        assert view.margins_m[0] == pytest.approx(0.01 if expected else -0.01, abs=2e-3)
    assert bulge_m == pytest.approx(0.49, abs=0.01)


def test_a_falling_line_is_lowest_at_the_far_side_of_a_roof():
    buildings = roofs((0, 0, 98.0), (1000, 0, 8.0), (500, 0, 0.0))
    line = all_pairs(np.array([(0.0, 0.0), (1000.0, 0.0)]), np.array([98.0, 8.0]), np.array([0, 1]),
                     reach_m=2000.0, clear_m=0.0)  # fmt: skip
    assert look_along(line, buildings).margins_m[0] == pytest.approx(100.0 - 0.09 * 510.0, abs=0.05)


def test_fast_and_thorough_looks_agree_on_random_roofs():
    random = np.random.default_rng(7)
    places = np.column_stack((random.uniform(0, 1200, (80, 2)), random.uniform(3, 40, 80)))
    buildings = roofs(*places.tolist())
    lines = all_pairs(places[:25, :2], places[:25, 2], np.arange(25), reach_m=1000.0, clear_m=0.2)
    views = look_along(lines, buildings)
    assert (views.is_clear == clear_lines(lines, buildings)).all()
    assert 0 < views.is_clear.sum() < len(lines)
    exact = [brute(lines, index, buildings) for index in range(len(lines))]
    assert views.margins_m == pytest.approx(exact, abs=0.1)


def brute(lines, index, buildings):
    """Return the least margin of a line, from points along it."""
    start, end = lines.start_m[index], lines.end_m[index]
    length = float(np.hypot(*(end - start)[:2]))
    margin = np.inf
    for each, (shape, height) in enumerate(zip(buildings.shapes, buildings.heights_m, strict=True)):
        if each in lines.buildings[index] or shape.distance(shapely.LineString((start[:2], end[:2]))) > 0.2:
            continue
        along = np.linspace(0.0, length, 2001)
        points = shapely.points(start[:2] + (end - start)[:2] * (along / length)[:, None])
        over = along[shapely.distance(points, shape) <= 0.2]
        if not len(over):
            continue
        z = start[2] + (end[2] - start[2]) * over / length - over * (length - over) / (2.0 * EARTH_RADIUS_M)
        margin = min(margin, float(z.min()) - height - 0.2)
    return margin


def test_candidates_are_the_clear_pairs_that_are_not_declared(tmp_path):
    sites = (A, B, site("c", 300, 620), site("d", 1700, 620), site("far", 300, 4500), site("bare", 900, 900))
    more = [box(None, x - 20, y - 20, x + 20, y + 20, id=f"x{x}{y}", height=30.0)
            for x, y in ((300, 620), (1700, 620), (300, 4500))]  # fmt: skip
    world = scenario(
        tmp_path, WEST, EAST, tower(north_m=600.0), *more, sites=sites, free_space_search=SEARCH, max_snap_m=5000
    )
    network = build_network(world)
    assert [hop.id for hop in network.hops] == ["fso-a-d", "fso-b-c", "hop-a-b"]  # a and c meet the street at one place
    assert not any(hop.sightline_checked for hop in network.hops)
    assert [span for span, medium in zip(network.spans.ids, network.spans.medium, strict=True)
            if medium == "free_space"] == [hop.id for hop in network.hops]  # fmt: skip
    assert noted(network, "free-space search: 4 clear lines between the sites")


def test_the_wanted_space_grows_with_the_beam(tmp_path):
    terminal = scenario(tmp_path, WEST).hardware.free_space_terminals["rooftop"]
    assert 0.06 < beam_clearance_m(1000.0, terminal, 1e-14) < beam_clearance_m(3000.0, terminal, 1e-14) < 0.5


def test_buildings_of_openstreetmap_are_ways_and_relations(tmp_path):
    nodes, ways = {}, []
    for number, (x, y) in enumerate(((280, 0), (320, 0), (320, 40), (280, 40)), start=1):
        nodes[number] = at(x, y)
    for number, (x, y) in enumerate(((1680, 0), (1720, 0), (1720, 40), (1680, 40)), start=5):
        nodes[number] = at(x, y)
    ways.append('<way id="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="1"/>'
                 '<tag k="building" v="yes"/><tag k="building:levels" v="5"/></way>')  # fmt: skip
    ways.append('<way id="2"><nd ref="5"/><nd ref="6"/><nd ref="7"/><nd ref="8"/><nd ref="5"/></way>')
    ways.append('<relation id="3"><member type="way" ref="2" role="outer"/><tag k="type" v="multipolygon"/>'
                '<tag k="building" v="yes"/><tag k="height" v="21"/><tag k="name" v="Hall"/></relation>')  # fmt: skip
    drawn = "".join(f'<node id="{n}" lon="{lon}" lat="{lat}"/>' for n, (lon, lat) in nodes.items())
    (tmp_path / "city.osm").write_text(f'<osm version="0.6">{drawn}{"".join(ways)}</osm>', encoding="utf-8")
    world = make_scenario(tmp_path, sites=(A, B), more_layers={"buildings": [{"path": "city.osm"}]},
                          free_space=[hop("a", "b")])  # fmt: skip
    buildings = read_buildings(world, metric_projection(world.spec.extent))
    assert dict(zip(buildings.ids, buildings.heights_m.tolist(), strict=True)) == {"w1": 5 * STOREY_M, "Hall": 21.0}
    points = shapely.get_coordinates(shapely.centroid(buildings.shapes))
    assert buildings_at(buildings, points + np.array((0.0, 40.0))).tolist() == [0, 1]
    assert buildings_at(buildings, points + np.array((0.0, 60.0))).tolist() == [-1, -1]
    assert noted(build_network(world), "hop-a-b: clear of buildings in the data: none stands on its way")


@pytest.mark.parametrize(
    ("name", "contents", "options", "expected"),
    [
        ("b.osm", '<osm version="0.6"/>', {}, "no closed way or relation with a building tag"),
        ("b.osm", "<osm", {}, "not a readable OpenStreetMap file"),
        ("b.osm", "<osm/>", {"crs": "EPSG:4326"}, "does not apply to OpenStreetMap files"),
        ("b.geojson", collection(CROSS), {}, "layer holds no polygons"),
        ("b.geojson", collection([WEST]).replace("5.5", "15.5"), {}, "nothing lies inside the extent"),
        ("b.vrt", "x", {}, "cannot read '.vrt' files"),
    ],
)
def test_bad_layers_of_buildings_are_refused(tmp_path, name, contents, options, expected):
    (tmp_path / name).write_text(contents, encoding="utf-8")
    world = make_scenario(tmp_path, sites=(A, B), more_layers={"buildings": [{"path": name, **options}]},
                          free_space=[hop("a", "b")])  # fmt: skip
    with pytest.raises(InputError, match=expected):
        build_network(world)


def test_the_hop_of_the_bundled_example_carries_a_verdict():
    network = build_network(load_scenario(ROOT / "scenarios" / "helsinki-centre.yaml"))
    assert noted(network, "fso-bay: clear of buildings in the data")
    assert noted(network, "600 buildings and parts of them, 54.2% without height or storeys")


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        # two towers of 21 storeys over blocks of 6 to 8
        ("casp-roof", "tetuan-roof", "clear of buildings in the data, by 46."),
        # from 6 storeys to 6 storeys, past blocks of 7 and more
        ("presidency", "law-courts", "blocked by building"),
        # the same way from the top of a tower in between is open
        ("tetuan-roof", "law-courts", "clear of buildings in the data, by 9."),
        # the office of 12 storeys stands between no two of the lower roofs along Gran Via
        ("district-office", "antifraud-office", "blocked by building"),
    ],
)
def test_known_pairs_in_barcelona(a, b, expected):
    world = load_scenario(ROOT / "scenarios" / "barcelona-rooftops.yaml")
    candidate = FreeSpaceCandidate(id="seen", a=a, b=b, terminal="rooftop-1550", visibility_km=10.0, cn2_m23=2e-14)
    around = read_surroundings(world, metric_projection(world.spec.extent))
    (verdict,) = judge_hops(world, [candidate], around)
    assert verdict.text.startswith(expected)
