"""Lengths on the ellipsoid, trenches against raw streets, routes side by side."""

from __future__ import annotations

import bz2
import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyproj import Transformer

from cases import Case, failing
from planner.errors import InputError
from planner.scenario import Layer
from planner.verify import verify_plan
from planner.verify.geometry import length_together_m, line_length_km, streets_under
from planner.verify.layers import read_raw_layer
from planner.verify.rawfiles import LONGITUDE_LATITUDE
from plans import Planned, line_plan


def write_streets(path: Path, planned: Planned, *, crs: str = LONGITUDE_LATITUDE, **properties: Any) -> None:
    """Write the drawn streets as a layer, in any reference system."""
    spans = planned.world.network.spans
    project = Transformer.from_crs(LONGITUDE_LATITUDE, crs, always_xy=True).transform
    features = [
        {
            "type": "Feature",
            "properties": {"id": span, "highway": "residential", **properties},
            "geometry": {"type": "LineString", "coordinates": [project(*point) for point in spans.line(index)]},
        }
        for index, span in enumerate(spans.ids)
    ]
    collection: dict[str, Any] = {"type": "FeatureCollection", "features": features}
    if crs != LONGITUDE_LATITUDE:
        collection["crs"] = {"type": "name", "properties": {"name": crs}}
    text = json.dumps(collection).encode()
    pack = {".gz": gzip.compress, ".bz2": bz2.compress}.get(path.suffix, bytes)
    path.write_bytes(pack(text))


def case_of(planned: Planned, **layer: Any) -> Case:
    scenario = planned.world.scenario
    layers = scenario.spec.layers.model_copy(update={"streets": Layer(**{"path": "streets.geojson", **layer})})
    spec = scenario.spec.model_copy(update={"layers": layers})
    return Case(network=planned.world.network, scenario=replace(scenario, spec=spec), plan=planned.plan)


def test_one_degree_of_the_equator_and_of_a_meridian() -> None:
    # WGS84: 2 pi a / 360, and the meridian arc from the equator.
    assert line_length_km([(0.0, 0.0), (1.0, 0.0)]) == pytest.approx(111.319491, abs=1e-6)
    assert line_length_km([(0.0, 0.0), (0.0, 1.0)]) == pytest.approx(110.574389, abs=1e-6)
    assert line_length_km([(5.0, 50.0), (5.0, 50.0)]) == 0.0


def test_lengths_add_up_along_a_line() -> None:
    bent = [(5.5, 50.6), (5.51, 50.6), (5.51, 50.61)]
    assert line_length_km(bent) == pytest.approx(line_length_km(bent[:2]) + line_length_km(bent[1:]))


@pytest.mark.parametrize("name", ["streets.geojson", "streets.geojson.gz", "streets.json.bz2"])
def test_trenches_lie_in_their_streets(tmp_path: Path, name: str) -> None:
    planned = line_plan(tmp_path)
    write_streets(tmp_path / name, planned)
    case = case_of(planned, path=name)
    verdict = verify_plan(case.network, case.scenario, case.plan)
    assert verdict.passed
    assert verdict.notes == ()
    assert sum(check.name == "trenches_follow_streets" for check in verdict.checks) == 3


def test_streets_in_metres(tmp_path: Path) -> None:
    planned = line_plan(tmp_path)
    write_streets(tmp_path / "streets.geojson", planned, crs="EPSG:31370")
    assert failing(case_of(planned)) == set()
    under = streets_under(
        planned.world.network.spans, [0], read_raw_layer(tmp_path, Layer(path="streets.geojson", crs="EPSG:31370"))
    )
    assert under[0].features[0]["id"] == "s00"


def test_a_reference_system_that_does_not_exist(tmp_path: Path) -> None:
    planned = line_plan(tmp_path)
    write_streets(tmp_path / "streets.geojson", planned)
    case = case_of(planned, crs="EPSG:999999")
    with pytest.raises(InputError, match="999999"):
        verify_plan(case.network, case.scenario, case.plan)


def test_a_trench_beside_its_street(tmp_path: Path) -> None:
    planned = line_plan(tmp_path)
    write_streets(tmp_path / "streets.geojson", planned)
    case = case_of(planned)
    spans = case.network.spans
    north = np.array([0.0, 1.0 / 111e3])
    near, far = (replace(spans, coordinates=spans.coordinates + metres * north) for metres in (0.8, 5.0))
    assert "trenches_follow_streets" not in failing(case.edit_network(spans=near))
    assert "trenches_follow_streets" in failing(case.edit_network(spans=far))
    stray = streets_under(far, [0], read_raw_layer(tmp_path, Layer(path="streets.geojson")))[0]
    assert stray.stray_m == pytest.approx(1000.0 * spans.length_km[0], rel=0.01)
    assert stray.features == ()


@pytest.mark.parametrize("properties", [{"highway": "primary"}, {"surface": "sett"}])
def test_a_street_of_another_class_or_surface(tmp_path: Path, properties: dict[str, str]) -> None:
    planned = line_plan(tmp_path)
    write_streets(tmp_path / "streets.geojson", planned, **properties)
    assert failing(case_of(planned)) == {"trenches_follow_streets"}


def test_columns_of_another_name(tmp_path: Path) -> None:
    planned = line_plan(tmp_path)
    write_streets(tmp_path / "streets.geojson", planned, highway="primary", kind="residential")
    assert failing(case_of(planned, columns={"road_class": "kind"})) == set()


@pytest.mark.parametrize(
    ("name", "contents", "why"),
    [
        ("streets.osm", b"<osm/>", "streets.osm could not be read"),
        ("streets.geojson", b"{", "could not be read"),
        ("streets.geojson", b"[]", "could not be read"),
        ("streets.geojson.gz", b"{}", "could not be read"),
        ("streets.geojson", b'{"features": []}', "holds no lines"),
        (
            "streets.geojson",
            b'{"features": [{"geometry": {"type": "Point", "coordinates": [1, 2]}}]}',
            "holds no lines",
        ),
        (
            "streets.geojson",
            b'{"features": [{"geometry": {"type": "LineString", "coordinates": [[1], 2]}}]}',
            "be read",
        ),
    ],
)
def test_what_was_not_checked_is_said(tmp_path: Path, name: str, contents: bytes, why: str) -> None:
    planned = line_plan(tmp_path)
    (tmp_path / name).write_bytes(contents)
    case = case_of(planned, path=name)
    verdict = verify_plan(case.network, case.scenario, case.plan)
    assert verdict.passed
    assert len(verdict.notes) == 1
    assert why in verdict.notes[0]


def test_lines_of_several_parts(tmp_path: Path) -> None:
    parts = [[[5.0, 50.0], [5.1, 50.0]], [[5.2, 50.0], [5.3, 50.0, 12.0]], [[5.4, 50.0]]]
    feature = {"properties": None, "geometry": {"type": "MultiLineString", "coordinates": parts}}
    (tmp_path / "streets.geojson").write_text(json.dumps({"features": [feature]}), encoding="utf-8")
    lines = read_raw_layer(tmp_path, Layer(path="streets.geojson")).lines
    assert [line.points for line in lines] == [((5.0, 50.0), (5.1, 50.0)), ((5.2, 50.0), (5.3, 50.0))]


def test_crossings_are_not_stretches_side_by_side(tmp_path: Path) -> None:
    spans = line_plan(tmp_path).world.network.spans
    assert length_together_m(spans, [0], [1]) == 0.0
    assert length_together_m(spans, [0, 1], [0]) == pytest.approx(1000.0 * spans.length_km[0], rel=0.01)
    assert length_together_m(spans, [0], []) == 0.0
