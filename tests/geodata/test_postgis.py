"""Tables of a PostGIS database give the network of the same layers in files, and mistakes are located."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from geodata.maps import CROSS, at, duct, make_scenario, noted, site
from planner.errors import InputError, SourceError
from planner.geodata import build_network
from planner.geodata.layers import read_layer
from planner.geodata.postgis import database_label
from planner.scenario import Layer

PORT = 54_329
DUCTS = (
    duct("d1", (0, 0), (1000, 0), owner="city", rent_per_m_year=1.5, used_fibers=3),
    duct("d2", (1000, 0), (1000, 1000), access="lease", free_fibers=None),
)


def as_postgres(*words):
    """Run a program of PostgreSQL as its own user: it refuses to run as root."""
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    return subprocess.run([*user, *map(str, words)], check=True, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def database(request, tmp_path_factory):
    """Start a database of our own, with PostGIS in it; return its URL."""
    if "postgis" not in request.config.option.markexpr:
        pytest.skip("opt-in: run with -m postgis")
    pytest.importorskip("psycopg")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    binaries = found[-1].parent if found else Path(shutil.which("initdb") or "/none/initdb").parent
    if not (binaries / "initdb").exists():
        pytest.skip("no PostgreSQL here")
    folder = tmp_path_factory.mktemp("postgres")
    for each in (folder, *folder.parents[:3]):
        each.chmod(0o755)
    data = folder / "data"
    data.mkdir()
    if os.geteuid() == 0:
        shutil.chown(data, "postgres")
    as_postgres(binaries / "initdb", "-D", data, "-A", "trust", "-U", "planner", "-E", "UTF8")
    options = f"-p {PORT} -k {data} -c listen_addresses=127.0.0.1 -c fsync=off"
    as_postgres(binaries / "pg_ctl", "-D", data, "-o", options, "-l", data / "log", "-w", "start")
    url = f"postgresql://planner@127.0.0.1:{PORT}/postgres"
    try:
        yield filled(url)
    finally:
        as_postgres(binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop")


def filled(url):
    """Return the URL of a database with the streets, ducts and sites of the tests, in Belgian Lambert."""
    import psycopg

    statements = [
        "create extension postgis",
        "create schema city",
        "create table city.roads (gid text, kind text, geom geometry(LineString, 31370), middle geometry(Point))",
        'create table ducts (id text, access text, "Owner" text, free_fibers int, used_fibers bigint, '
        "rent_per_m_year numeric(8, 2), since date, geom geometry(LineString, 4326))",
        "create table places (code text, geom geometry(Point, 31370))",
        "create table empty (geom geometry(Point, 4326))",
    ]
    with psycopg.connect(url, autocommit=True) as connection:
        try:
            for statement in statements:
                connection.execute(statement)
        except psycopg.errors.Error as error:
            pytest.skip(f"no PostGIS here: {error}")
        for each in reversed(CROSS):
            name, kind = each["properties"]["id"], each["properties"]["highway"]
            text = f"SRID=4326;{wkt(each)}"
            connection.execute(
                "insert into city.roads values (%s, %s, st_transform(%s::geometry, 31370), null)", (name, kind, text)
            )
        for each in DUCTS:
            own = each["properties"]
            values = (own["id"], own["access"], own.get("owner"), own["free_fibers"], own.get("used_fibers"),
                      own.get("rent_per_m_year"), f"SRID=4326;{wkt(each)}")  # fmt: skip
            connection.execute("insert into ducts values (%s, %s, %s, %s, %s, %s, '2020-01-31', %s)", values)
        for name, place in (("a", (300, 20)), ("b", (1700, -20))):
            lon_deg, lat_deg = at(*place)
            text = f"SRID=4326;POINT({lon_deg} {lat_deg})"
            connection.execute("insert into places values (%s, st_transform(%s::geometry, 31370))", (name, text))
    return url


def wkt(feature):
    return f"LINESTRING({','.join(f'{lon} {lat}' for lon, lat in feature['geometry']['coordinates'])})"


@pytest.mark.postgis
def test_streets_ducts_and_sites_come_from_tables(database, tmp_path):
    (tmp_path / "files").mkdir()
    plain = build_network(make_scenario(tmp_path / "files", CROSS, ducts=DUCTS))
    columns = {"id": "gid", "road_class": "kind", "geometry": "geom"}
    streets = {"path": database, "layer": "city.roads", "columns": columns}
    ducts = {"path": database, "layer": "ducts", "columns": {"owner": "Owner"}}
    sites = {"path": database, "layer": "places", "columns": {"id": "code"}}
    layers = {"streets": streets, "ducts": [ducts], "sites": [sites]}
    kept = (site("x", 500, 5), site("y", 1500, 5))
    network = build_network(make_scenario(tmp_path, more_layers=layers, sites=kept))
    assert {found.id for found in network.sites} == {"a", "b", "x", "y"}
    assert [name for name in network.spans.ids if "pull" in name or "lease" in name] == ["d1/pull", "d2/lease"]
    assert network.spans.length_km.sum() == pytest.approx(plain.spans.length_km.sum(), rel=1e-6)
    assert set(network.spans.road_class) == set(plain.spans.road_class)
    index = network.spans.ids.index("d1/pull")
    assert network.spans.rent_per_year[index] == pytest.approx(1.5 * 1000.0 * network.spans.length_km[index])
    assert network.spans.used_fibers[index] == 3
    assert noted(network, "postgres.city.roads: 3 rows read from a database, which may change")


@pytest.mark.postgis
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"layer": "road"}, "layer: no table 'road'; did you mean 'roads'?; it has city.roads, public.ducts"),
        ({}, "layer: name one table: it has city.roads, public.ducts, public.empty, public.places"),
        ({"layer": "roads"}, "columns.geometry: columns.geometry must be one of geom, middle"),
        ({"layer": "empty"}, "layer is empty"),
        (
            {"layer": "ducts", "columns": {"id": "idd"}},
            "columns.id: no feature has the column 'idd'; did you mean 'id'?",
        ),
        ({"layer": "ducts", "crs": "EPSG:31370"}, "the layer says EPSG:31370, the file"),
        ({"layer": "ducts'; drop table ducts; --"}, "no table"),
    ],
)
def test_wrong_tables_are_refused_by_name(database, options, expected):
    with pytest.raises(InputError) as caught:
        read_layer(Path("x"), Layer(path=database, **options), {"id": "id"})
    assert expected in str(caught.value)


@pytest.mark.postgis
def test_a_database_that_is_not_there_says_so_without_the_password(database):
    url = database.replace("planner@", "planner:secret@").replace(str(PORT), "9")
    with pytest.raises(SourceError) as caught:
        read_layer(Path("x"), Layer(path=url, layer="roads"), {})
    assert "secret" not in str(caught.value)
    assert "127.0.0.1:9" in str(caught.value)
    with pytest.raises((SourceError, InputError), match="nowhere"):
        read_layer(Path("x"), Layer(path=database.replace("/postgres", "/nowhere"), layer="roads"), {})


def test_without_its_extra_a_database_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InputError, match=r"pip install 'ebit-planner\[postgis\]'"):
        read_layer(Path("x"), Layer(path="postgresql://me:secret@db/gis", layer="roads"), {})


def test_labels_hold_no_password():
    assert database_label(Layer(path="postgresql://me:secret@db:5433/gis")) == "postgresql://db:5433/gis"
