"""Lines of sight over the ground: tiles made by hand, and Monaco with its real terrain."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from geodata.maps import at, make_scenario, noted, site
from geodata.test_sightlines import EAST, SEARCH, WEST, A, B, scenario
from planner.errors import InputError
from planner.geodata import build_network
from planner.geodata.region import metric_projection
from planner.geodata.rooftops import find_sightlines, read_surroundings
from planner.geodata.terrain import Terrain, read_terrain
from planner.scenario import load_scenario
from worlds import hop

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
SIDE = 1201


def hill(height_m, *, x=1000.0, y=20.0, radius_deg=0.004, base_m=100):
    """Return a tile around the small map: flat ground with a cone on it."""
    lon, lat = at(x, y)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    away = np.hypot(5.0 + columns / (SIDE - 1) - lon, 51.0 - rows / (SIDE - 1) - lat)
    return (base_m + np.maximum(0.0, height_m * (1.0 - away / radius_deg))).round().astype(">i2")


def with_terrain(folder, grid, *, name="N50E005.hgt", zipped=False, **more):
    folder.mkdir(exist_ok=True)
    content = grid if isinstance(grid, bytes) else grid.tobytes()
    path = folder / (f"{name}.zip" if zipped else name)
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, content)
    else:
        path.write_bytes(content)
    layers = {"terrain": [{"path": path.name, "attribution": "drawn by hand"}]}
    return scenario(folder, WEST, EAST, more_layers=layers, **more)


@pytest.mark.parametrize("zipped", [False, True])
def test_a_hill_between_two_roofs_blocks_and_is_named(tmp_path, zipped):
    network = build_network(with_terrain(tmp_path, hill(60), zipped=zipped))
    assert noted(network, "free-space hop hop-a-b: blocked by the ground at 5.51")
    assert "drawn by hand" in network.attributions


def test_flat_ground_and_a_low_hill_do_not_block(tmp_path):
    for name, height_m in (("flat", 0), ("low", 20)):
        assert noted(build_network(with_terrain(tmp_path / name, hill(height_m))), "hop-a-b: clear of buildings")


def test_a_house_on_a_hill_is_as_high_as_both_together(tmp_path):
    world = with_terrain(tmp_path, hill(40, x=300.0))
    lifted = read_surroundings(world, metric_projection(world.spec.extent))
    assert lifted.buildings.roofs_m[0] == pytest.approx(100 + 40 + 30, abs=5.0)
    assert lifted.buildings.roofs_m[1] == pytest.approx(130, abs=0.5)


def test_a_mast_stands_above_the_ground_at_its_site(tmp_path):
    mast = site("mast", 600, 220) | {"terminal_height_m": 45.0}
    world = with_terrain(tmp_path, hill(0), sites=(A, B, mast), hops=[], free_space_search=SEARCH)
    projection = metric_projection(world.spec.extent)
    places_m, buildings = read_surroundings(world, projection).roofs_m(world.sites)
    assert places_m[[s.id for s in world.sites].index("mast"), 2] == pytest.approx(145.0)
    assert buildings[[s.id for s in world.sites].index("mast")] == -1
    assert {"fso-a-b", "fso-a-mast", "fso-b-mast"} == {hop.id for hop in build_network(world).hops}


def test_the_search_respects_kinds_and_length(tmp_path):
    kinds = build_network(
        with_terrain(tmp_path / "a", hill(0), hops=[], free_space_search=SEARCH | {"site_kinds": ["x"]})
    )
    assert kinds.hops == ()
    short = SEARCH | {"max_length_km": 0.5}
    assert build_network(with_terrain(tmp_path / "b", hill(0), hops=[], free_space_search=short)).hops == ()


def test_heights_are_interpolated_and_voids_are_unknown(tmp_path):
    grid = hill(0)
    grid[0, 0] = -32768
    grid[600, 600], grid[600, 601] = 100, 200
    terrain = read_terrain(with_terrain(tmp_path, grid))
    step = 1.0 / (SIDE - 1)
    points = np.array([(5.0 + 600.5 * step, 51.0 - 600 * step), (5.0 + 0.5 * step, 51.0 - 0.5 * step), (7.0, 50.5)])
    assert terrain.heights_m(points) == pytest.approx([150.0, np.nan, np.nan], nan_ok=True)
    assert isinstance(terrain, Terrain)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("N50E005.hgt", b"\0" * 100, "an SRTM tile has 2884802 or 25934402 bytes, this one has 100"),
        ("tile.hgt", b"\0" * 100, "the name of an SRTM tile says where it lies"),
        ("N50E006.hgt", b"\0" * 2 * SIDE * SIDE, "do not cover a, b"),
        ("N50E005.zip", b"nothing", "cannot be read"),
        ("N50E005.asc", b"", "terrain is read from .hgt, .zip, .tif, .tiff"),
    ],
)
def test_bad_terrain_is_refused(tmp_path, name, content, expected):
    with pytest.raises(InputError, match=expected):
        build_network(with_terrain(tmp_path, content, name=name))


def test_a_search_without_buildings_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"scenario.yaml:\d+:\d+: free_space_search: .*give layers.buildings"):
        make_scenario(tmp_path, free_space_search=SEARCH)


def test_a_declared_hop_may_not_take_the_name_of_a_found_one(tmp_path):
    other = hop("a", "b") | {"id": "fso-a-mast"}
    mast = site("mast", 600, 220) | {"terminal_height_m": 45.0}
    world = with_terrain(tmp_path, hill(0), sites=(A, B, mast), hops=[other], free_space_search=SEARCH)
    with pytest.raises(InputError, match="id 'fso-a-mast' is needed for a hop that was found"):
        build_network(world)


@pytest.mark.skipif(not (SHARED / "monaco").exists(), reason="needs the shared extract of Monaco beside the project")
def test_in_monaco_the_rock_stands_between_port_and_fontvieille(tmp_path):
    """Port Hercule and Fontvieille lie on both sides of the Rock (about 60 m); the Rock itself sees the port."""
    places = {"port": (7.4245, 43.7345), "fontvieille": (7.4165, 43.7285), "exotic": (7.4130, 43.7315)}
    scene = json.loads((make_scenario(tmp_path).path).read_text(encoding="utf-8"))
    data = SHARED / "monaco"
    sites = [
        {"id": name, "name": name, "kind": "mast", "lon_deg": lon, "lat_deg": lat, "terminal_height_m": 12.0,
         "hosts": ["end", "pair_source"]}
        for name, (lon, lat) in places.items()
    ]  # fmt: skip
    scene |= {
        "extent": {"west_lon_deg": 7.40, "south_lat_deg": 43.72, "east_lon_deg": 7.45, "north_lat_deg": 43.76},
        "layers": {
            "streets": {"path": str(data / "monaco.osm.pbf")},
            "buildings": [{"path": str(data / "monaco.osm.pbf")}],
            "terrain": [{"path": str(data / "N43E007.hgt.zip")}],
        },
        "sites": sites,
        "demands": [scene["demands"][0] | {"a": "port", "b": "fontvieille"}],
        "free_space_search": SEARCH,
    }
    (tmp_path / "monaco.yaml").write_text(json.dumps(scene), encoding="utf-8")
    world = load_scenario(tmp_path / "monaco.yaml")
    around = read_surroundings(world, metric_projection(world.spec.extent))
    ground_m = around.terrain.heights_m(np.array(list(places.values())))
    assert ground_m[0] < 20.0 and ground_m[1] < 40.0 < ground_m[2]
    found = {frozenset((each.a, each.b)) for each in find_sightlines(world, around)}
    assert frozenset(("port", "fontvieille")) not in found
