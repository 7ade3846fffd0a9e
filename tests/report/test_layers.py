"""The layers of the map show the plan: every built span once, in the right layer and phases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from planner.report.basemap import pack_lines
from planner.report.colours import LINE_LOOKS, MARKER_LOOKS
from planner.report.dossier import Dossier
from planner.report.layers import LAYERS, LEGEND_GROUPS, is_line, layer_features
from planner.report.map import draw_map
from planner.report.mapdata import map_data
from report.dossiers import bare_dossier, city_dossier
from report.pages import unpack


@pytest.fixture
def city(tmp_path: Path) -> Dossier:
    return city_dossier(tmp_path)


def lines_of(features: list[dict[str, Any]]) -> list[Any]:
    return [line for feature in features for line in feature["geometry"]["coordinates"]]


def test_every_layer_has_one_look_and_a_place_in_the_legend() -> None:
    names = [layer.name for layer in LAYERS]
    assert len(set(names)) == len(names)
    assert set(names) == {*LINE_LOOKS, *MARKER_LOOKS}
    assert {layer.group for layer in LAYERS} == set(LEGEND_GROUPS)
    assert [is_line(name) for name in ("trench", "repeater")] == [True, False]


def test_assumed_layers_and_unchecked_hops_are_named_and_dashed() -> None:
    assumed = {name: look for name, look in LINE_LOOKS.items() if name.endswith(("-assumed", "-unchecked"))}
    assert set(assumed) == {"existing-assumed", "cable-assumed", "lease-assumed", "hop-unchecked"}
    for name, look in assumed.items():
        assert look.dash and look.dash != LINE_LOOKS[name.rpartition("-")[0]].dash
        assert "assumed" in look.label or "unchecked" in look.label


def test_features_of_the_city(city: Dossier) -> None:
    features = layer_features(city)
    assert set(features) == {
        "existing", "hop-unused", "primary", "backup", "lease", "cable", "trench", "hop-unchecked",
        "site-unused", "site-inner", "site-user", "heralding", "source", "repeater",
    }  # fmt: skip
    phases = {name: [feature["properties"]["phases"] for feature in members] for name, members in features.items()}
    assert phases["trench"] == phases["cable"] == [[0, 1]]
    assert phases["lease"] == phases["hop-unchecked"] == [[1]]
    assert phases["existing"] == phases["hop-unused"] == [[0]], "an unused thing is seen until it is taken into use"
    assert [feature["properties"]["phases"] for feature in features["repeater"]] == [[1]]
    sites = {site.id: number for number, site in enumerate(city.scenario.sites)}
    assert [feature["properties"]["site"] for feature in features["repeater"]] == [sites["D"]]
    assert {feature["properties"]["site"] for feature in features["site-inner"]} == {sites["x"], sites["y"]}


def test_built_lines_run_along_all_built_spans(city: Dossier) -> None:
    features = layer_features(city)
    drawn = {
        tuple(point)
        for name in ("trench", "cable", "lease", "hop-unchecked")
        for line in lines_of(features[name])
        for point in line
    }
    spans = city.network.spans
    expected = {(round(lon, 5), round(lat, 5)) for at in city.built for lon, lat in spans.line(at)}
    assert drawn == expected


def test_routes_run_from_a_to_b(city: Dossier) -> None:
    routes = city.routes()
    assert [(city.scenario.demands[drawn.demand].id, drawn.rank, drawn.phases) for drawn in routes] == [
        ("A-D", 0, (0, 1)), ("A-D", 1, (0, 1)), ("B-C", 0, (1,)), ("B-E", 0, (1,)),
    ]  # fmt: skip
    features = layer_features(city)
    for feature in [*features["primary"], *features["backup"]]:
        drawn = routes[feature["properties"]["route"]]
        demand = city.scenario.demands[drawn.demand]
        line = feature["geometry"]["coordinates"]
        for site_id, point in ((demand.a, line[0]), (demand.b, line[-1])):
            node = city.network.site(site_id).node
            place = (float(city.network.nodes.lon_deg[node]), float(city.network.nodes.lat_deg[node]))
            assert point == pytest.approx(place, abs=1e-5)


def test_features_hold_no_text(city: Dossier) -> None:
    def texts(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [text for entry in value.values() for text in texts(entry)]
        if isinstance(value, list):
            return [text for entry in value for text in texts(entry)]
        return [value] if isinstance(value, str) else []

    found = {text for members in layer_features(city).values() for feature in members for text in texts(feature)}
    assert found == {"Feature", "Point", "LineString", "MultiLineString"}


def test_empty_layers_are_left_out(tmp_path: Path) -> None:
    assert set(layer_features(bare_dossier(tmp_path))) == {"site-unused"}


def test_map_data_names_what_the_layers_number(city: Dossier) -> None:
    data = map_data(city)
    lines = unpack(data["spans"]["packed"])
    ids = [row[0] for row in data["spans"]["rows"]]
    assert len(lines) == len(ids) == len(data["spans"]["layers"]) == len(data["spans"]["from"])
    assert pack_lines([city.network.spans.line(city.span_at[name]) for name in ids]) == data["spans"]["packed"]
    for drawn, route in zip(city.routes(), data["routes"], strict=True):
        assert [ids[at] for at, _ in route["spans"]] == list(drawn.route.spans)
    drawn_from = data["spans"]["from"]
    built = {ids[at]: layer for at, layer in enumerate(data["spans"]["layers"]) if drawn_from[at] is not None}
    assert set(built) == {build.span for build in city.plan.builds}
    assert set(built.values()) == {"trench", "cable", "lease", "hop-unchecked"}


def test_what_is_not_in_the_data_is_said(city: Dossier) -> None:
    data = map_data(city)
    rows = [dict(zip(data["spans"]["facts"], row, strict=True)) for row in data["spans"]["rows"]]
    trench = next(row for row in rows if row["Medium"] == "New trench")
    assert (trench["Surface"], trench["Name"]) == ("not in the data", "not in the data")
    assert "in use by others: not in the data" in trench["Fibers"]
    hop = next(row for row in rows if row["Medium"] == "Free-space hop")
    assert (hop["Sightline"], hop["Surface"], hop["Fibers"]) == ("not checked", "", "")


def test_failures_name_broken_and_surviving_routes(city: Dossier) -> None:
    data = map_data(city)
    routes = city.routes()
    for failure, effect in zip(city.verdict.failures, data["failures"], strict=True):
        hurt = {*failure.lost_demands, *failure.weakened_demands}
        broken = {city.scenario.demands[routes[at].demand].id for at in effect["broken"]}
        kept = {city.scenario.demands[routes[at].demand].id for at in effect["surviving"]}
        assert broken == hurt
        assert kept == set(failure.weakened_demands)
        assert bool(effect["spans"]) == (failure.kind == "span")
        for demand in hurt:
            asked = city.scenario.demand(demand)
            assert f"{city.site_name(asked.a)} – {city.site_name(asked.b)}" in effect["sentence"]


def test_the_map_shows_what_the_plan_uses_whatever_lies_elsewhere(city: Dossier) -> None:
    features = layer_features(city)
    shape = {"type": "MultiLineString", "coordinates": [[[7.0, 52.0], [7.1, 52.1]]]}
    far = [{"type": "Feature", "properties": {}, "geometry": shape}]

    def bounds(layers: dict[str, Any]) -> str:
        return draw_map(city, layers).script.rsplit("explore", 1)[1].rpartition("}")[2]

    assert bounds(features | {"closed": far}) == bounds(features)
    assert bounds(features | {"trench": far}) != bounds(features)
