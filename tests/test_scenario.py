"""Scenario files: what is read, and every kind of mistake with its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planner.errors import InputError
from planner.scenario import load_scenario
from worlds import demand, hop, make_world, phases

LINE = "A-+-B"


@pytest.fixture
def spoil(tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], None]], str]:
    """Return a function that changes a valid scenario file and returns the error that reading it gives."""

    def change_and_read(change: Callable[[dict[str, Any]], None]) -> str:
        make_world(tmp_path, LINE, [demand("A", "B")], hops=[hop("A", "B")], phases=phases(None, None))
        path = tmp_path / "scenario.yaml"
        contents = json.loads(path.read_text(encoding="utf-8"))
        change(contents)
        path.write_text(json.dumps(contents, indent=1), encoding="utf-8")
        with pytest.raises(InputError) as caught:
            load_scenario(path)
        return str(caught.value)

    return change_and_read


def local_price(*from_units: int) -> dict[str, Any]:
    """Return a local price that falls by half at some numbers of units."""
    steps = [{"from_units": units, "price_share": 0.5 / number} for number, units in enumerate(from_units, start=1)]
    return {"price": 1000.0, "source": "an offer", "price_steps": steps}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda s: s.update(titel="x"), "titel: unknown key; did you mean 'title'?"),
        (lambda s: s.pop("currency"), "currency: required key is missing"),
        (lambda s: s["demands"][0].update(a="C"), "demands[0].a: unknown site 'C'"),
        (lambda s: s["demands"][0].update(b="A"), "demands[0].b: both ends are the same site"),
        (lambda s: s["demands"][0].update(from_phase="p9"), "demands[0].from_phase: unknown phase 'p9'"),
        (lambda s: s["demands"][0].update(min_fidelity=1.2), "demands[0].min_fidelity: input should be less than 1"),
        (lambda s: s["demands"][0].update(routes=5), "demands[0].routes: input should be less than or equal to 4"),
        (
            lambda s: s.update(prices={"hut": local_price(3)}),
            "prices.hut.price_steps: steps are for equipment of stations; no technology uses hut",
        ),
        (
            lambda s: s.update(prices={"user-receiver": local_price(5, 3)}),
            "prices.user-receiver.price_steps: price_steps must rise in from_units and fall in price_share",
        ),
        (
            lambda s: s.update(prices={"user-receiver": local_price(1)}),
            "prices.user-receiver.price_steps[0].from_units: input should be greater than or equal to 2",
        ),
        (lambda s: s["demands"][0].update(rate_plane="either"), "rate_plane either is for key alone"),
        (lambda s: s["demands"][0].update(trusted_nodes=True), "trusted nodes pass on key alone"),
        (lambda s: s["technologies"][1].update(trusted_nodes=True), "links are swapped in memories"),
        (
            lambda s: s["demands"][0].update(min_security_class=2),
            "demands[0].min_security_class: asks for class 2 at all stations, but site A has security_class 0",
        ),
        (lambda s: s["demands"][0].update(backup_min_rate_hz=5), "backup_min_rate_hz needs a backup"),
        (
            lambda s: s["demands"][0].update(routes=2, backup_min_fidelity=0.9),
            "backup_min_fidelity must not exceed min_fidelity",
        ),
        (lambda s: s["demands"][0].update(disjoint="bridge"), "demands[0].disjoint: input should be"),
        (lambda s: s["demands"].append(demand("A", "B")), "demands[1].id: id 'A-B' is used twice"),
        (lambda s: s["phases"][1].update(year=2027), "phases[1].year: phases must be in order of years"),
        (lambda s: s["phases"][0].update(technologies=["pair"]), "unknown technology 'pair'; did you mean 'pairs'?"),
        (lambda s: s["technologies"][0].update(detector="spad"), "technologies[0].detector: unknown detector 'spad'"),
        (lambda s: s["technologies"][0].pop("pair_source"), "a pair_source link needs a pair_source"),
        (lambda s: s["technologies"][0].update(memory="memory"), "a pair_source link has no memory"),
        (lambda s: s["technologies"][0].update(max_links=2), "max_links must be 1"),
        (
            lambda s: s["technologies"][0]["equipment"]["end"].append({"item": "laser"}),
            "technologies[0].equipment.end[2].item: unknown cost item 'laser'",
        ),
        (lambda s: s["free_space"][0].update(terminal="roof"), "free_space[0].terminal: unknown terminal 'roof'"),
        (lambda s: s["layers"]["streets"].update(path="no.geojson"), "layers.streets.path: no such file: no.geojson"),
        (lambda s: s["catalogs"].update(costs="no.yaml"), "no.yaml: cannot be read"),
        (lambda s: s.update(price_year=2024), "state the factor under exchange"),
        (lambda s: s.update(prices={"trenc": {"price": 1, "source": "xyz"}}), "did you mean 'trench'?"),
        (lambda s: s["sites"][0].update(lon_deg=50.6, lat_deg=5.5), "longitude and latitude look swapped"),
        (lambda s: s["sites"][0].update(max_units={"memry-node": 1}), "did you mean 'memory-node'?"),
        (lambda s: s["sites"][0].update(max_power_w=-1.0), "sites[0].max_power_w: input should be greater than"),
        (lambda s: s["right_of_way"].update(density="city"), "right_of_way.density: unknown density 'city'"),
        (lambda s: s["economics"].update(horizon_years=3), "beyond the horizon"),
        (lambda s: s.update(fiber="fibre"), "fiber: unknown fiber 'fibre'; did you mean 'fiber'?"),
        (lambda s: s["extent"].update(west_lon_deg=9.0), "extent: west must be less than east"),
    ],
)
def test_a_mistake_is_named_with_its_place(
    spoil: Callable[[Callable[[dict[str, Any]], None]], str], change: Callable[[dict[str, Any]], None], expected: str
) -> None:
    message = spoil(change)
    assert expected in message
    assert ".yaml" in message


def test_all_mistakes_are_reported_together_in_reading_order(
    spoil: Callable[[Callable[[dict[str, Any]], None]], str],
) -> None:
    def change(contents: dict[str, Any]) -> None:
        contents["titel"] = "x"
        contents["demands"][0]["a"] = "C"
        contents["phases"][0]["budgte"] = 3
        contents["fiber"] = "fibre"

    lines = spoil(change).splitlines()
    assert [line.split(": ")[1] for line in lines] == ["fiber", "phases[0].budgte", "demands[0].a", "titel"]
    places = [int(line.split(":")[1]) for line in lines]
    assert places == sorted(places)


def test_site_layers_join_the_sites_and_mistakes_in_them_are_located(tmp_path: Path) -> None:
    make_world(tmp_path, LINE, [demand("A", "B")])
    point = {"type": "Point", "coordinates": [5.6, 50.6]}
    site = {"id": "C", "name": "third", "kind": "hut", "height": 3}
    layer = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": site, "geometry": point}],
    }
    path = tmp_path / "scenario.yaml"
    contents = json.loads(path.read_text(encoding="utf-8"))
    contents["layers"]["sites"] = [{"path": "sites.geojson"}]
    path.write_text(json.dumps(contents), encoding="utf-8")
    (tmp_path / "sites.geojson").write_text(json.dumps(layer), encoding="utf-8")
    scenario = load_scenario(path)
    assert [item.id for item in scenario.sites] == ["A", "B", "C"]
    assert scenario.site("C").lon_deg == 5.6

    layer["features"][0]["properties"]["hosts"] = ["everything"]
    (tmp_path / "sites.geojson").write_text(json.dumps(layer), encoding="utf-8")
    with pytest.raises(InputError, match=r"sites.geojson: feature C: hosts"):
        load_scenario(path)

    layer["crs"] = {"type": "name", "properties": {"name": "EPSG:31370"}}
    (tmp_path / "sites.geojson").write_text(json.dumps(layer), encoding="utf-8")
    with pytest.raises(InputError, match=r"feature C: hosts"):
        load_scenario(path)


def test_prices_are_converted_and_overridden(tmp_path: Path) -> None:
    exchange = [{"currency": "EUR", "price_year": 2025, "factor": 2.0, "source": "test"}]
    prices = {"hut": {"price": 7.0, "source": "an offer"}}
    world = make_world(tmp_path, LINE, [demand("A", "B")], currency="USD", exchange=exchange, prices=prices)
    items = world.scenario.costs.items
    assert items["trench"].price == 120.0
    assert (items["hut"].price, items["hut"].low) == (7.0, 7.0)
    assert world.scenario.costs.currency == "USD"


def test_digest_follows_contents_not_layout(tmp_path: Path) -> None:
    first = make_world(tmp_path, LINE, [demand("A", "B")]).scenario
    path = tmp_path / "scenario.yaml"
    contents = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(dict(reversed(contents.items()))), encoding="utf-8")
    assert load_scenario(path).digest == first.digest
    contents["economics"]["discount_rate"] = 0.04
    path.write_text(json.dumps(contents), encoding="utf-8")
    assert load_scenario(path).digest != first.digest
