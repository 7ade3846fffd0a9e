"""Fetching a region asks a server once, keeps its answer, and writes a file that plans can be made from."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from planner.cli import app
from planner.geodata.osm import read_osm_streets
from planner.scenario import Layer
from planner.scenario.layers import SiteLayer
from planner.scenario.sitefiles import read_sites

ANSWER = (Path(__file__).parent / "answers" / "overpass.json").read_text(encoding="utf-8")
BOX = ("24.9488", "60.1683", "24.9512", "60.1698")
SQUARE = [[float(BOX[i]), float(BOX[j])] for i, j in ((0, 1), (2, 1), (2, 3), (0, 3), (0, 1))]
PLACE = [
    {
        "place_id": 1, "osm_type": "relation", "osm_id": 34914, "lat": "60.169", "lon": "24.95", "class": "boundary",
        "type": "administrative", "importance": 0.8, "display_name": "Kruununhaka", "name": "Kruununhaka",
        "boundingbox": [BOX[1], BOX[3], BOX[0], BOX[2]], "geojson": {"type": "Polygon", "coordinates": [SQUARE]},
    }
]  # fmt: skip
STATUS = "Connected as: 1\nCurrent time: now\nAnnounced endpoint: none\nRate limit: 2\n2 slots available now.\n"


class Server:
    """A server on this machine that replays answers and remembers what it was asked."""

    def __init__(self):
        self.answer, self.places, self.code, self.asked = ANSWER, PLACE, 200, []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path.partition("?")[0])
                self.reply(STATUS if self.path.endswith("status") else json.dumps(outer.places), 200)

            def do_POST(self):
                size = int(self.headers["Content-Length"])
                outer.asked.append(self.rfile.read(size).decode())
                self.reply(outer.answer, outer.code)

            def reply(self, text, code):
                body = text.encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("PLANNER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(socket, "getaddrinfo", socket.getaddrinfo)  # OSMnx replaces it; put it back afterwards
    found = Server()
    yield found
    found.http.shutdown()
    found.http.server_close()


def fetch(server, *words, out):
    urls = ("--overpass-url", f"{server.url}/api", "--nominatim-url", server.url)
    return CliRunner().invoke(app, ["fetch", *map(str, words), "--out", str(out), *urls])


@pytest.mark.parametrize("ending", [".osm.pbf", ".osm"])
def test_a_box_becomes_a_file_with_streets_and_buildings(server, tmp_path, ending):
    path = tmp_path / f"blocks{ending}"
    result = fetch(server, "--bbox", *BOX, out=path)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(path)
    assert (
        "45 things with a highway tag and 13 buildings of OpenStreetMap as it was at 2019-04-21T20:59:02Z"
        in result.stderr
    )
    assert "© OpenStreetMap contributors, ODbL 1.0" in result.stderr
    streets = read_osm_streets(path, Layer(path=path.name))
    ways = {f"w{thing['id']}" for thing in json.loads(ANSWER)["elements"] if "highway" in thing.get("tags", {})}
    assert set(streets.ids) == ways
    assert len(read_sites(path, SiteLayer(path=path.name, tags=("building=*",)))) == 13
    assert any("highway" in question and "building" in question for question in server.asked)


def test_a_region_is_asked_for_once(server, tmp_path):
    first, second = tmp_path / "one.osm.pbf", tmp_path / "two.osm.pbf"
    assert fetch(server, "--bbox", *BOX, out=first).exit_code == 0
    asked = len(server.asked)
    assert fetch(server, "--bbox", *BOX, out=second).exit_code == 0
    assert len(server.asked) == asked
    assert first.read_bytes() == second.read_bytes()


def test_a_place_is_looked_up_by_name(server, tmp_path):
    result = fetch(server, "Kruununhaka", out=tmp_path / "town.osm.pbf")
    assert result.exit_code == 0, result.output
    assert "/search" in server.asked


def test_a_fetched_file_is_a_start_for_a_scenario(server, tmp_path):
    assert fetch(server, "--bbox", *BOX, out=tmp_path / "blocks.osm.pbf").exit_code == 0
    (tmp_path / "sites.csv").write_text("id,lon,lat\na,24.9493,60.1686\nb,24.9507,60.1694\n", encoding="utf-8")
    (tmp_path / "demands.csv").write_text("a,b\na,b\n", encoding="utf-8")
    files = {"streets": "blocks.osm.pbf", "sites": "sites.csv", "demands": "demands.csv", "out": "town"}
    options = [f"--{name}={tmp_path / file}" for name, file in files.items()]
    result = CliRunner().invoke(app, ["init", *options])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("changes", "words", "code", "message"),
    [
        (
            {"answer": '{"elements": [], "remark": "runtime error: Query timed out"}'},
            BOX,
            3,
            "the server gave up or gave no answer",
        ),
        ({"answer": '{"elements": []}'}, BOX, 3, "has no streets or buildings in"),
        ({"answer": "<html>busy</html>", "code": 500}, BOX, 3, "500"),
        ({"places": []}, ("Atlantis",), 3, "Atlantis"),
        ({}, ("1", "2", "0", "3"), 2, "1 2 0 3 is no box of west, south, east and north"),
        ({}, ("0", "40", "10", "50"), 2, "the region spans 100.0 square degrees"),
        ({}, (), 2, "name a place, or give --bbox"),
    ],
)
def test_failures_are_told_and_leave_no_file(server, tmp_path, changes, words, code, message):
    for name, value in changes.items():
        setattr(server, name, value)
    place = words if len(words) < 2 else ("--bbox", *words)
    result = fetch(server, *place, out=tmp_path / "x.osm.pbf")
    assert (result.exit_code, message in result.stderr) == (code, True), result.output
    assert not list(tmp_path.glob("*x.osm.pbf"))


def test_a_server_that_is_not_there_fails_at_once(server, tmp_path):
    server.url = "http://127.0.0.1:9"
    result = fetch(server, "--bbox", *BOX, out=tmp_path / "x.osm.pbf")
    assert result.exit_code == 3
    assert "http://127.0.0.1:9/api: cannot be reached" in result.stderr


def test_other_addresses_and_endings_are_refused(server, tmp_path):
    assert fetch(server, "--bbox", *BOX, out=tmp_path / "x.geojson").exit_code == 2
    server.url = f"file://{tmp_path}"
    assert "is no http or https address" in fetch(server, "--bbox", *BOX, out=tmp_path / "x.osm").stderr
