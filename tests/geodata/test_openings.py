"""Who allows to open a street, when, and what it crosses: districts, works, barriers; and plans that heed them."""

import json

import numpy as np
import pytest

from geodata.maps import CROSS, at, box, collection, line, make_scenario, noted, prices, site, street
from planner import costs
from planner.design import design_plan
from planner.errors import InputError
from planner.fixed import fixed_parts
from planner.geodata import build_network
from planner.network import load_network, network_to_geojson
from planner.scenario import load_scenario
from planner.verify import verify_plan
from worlds import phases

WEST = {"district": "west", "authority": "West borough", "density": "core", "factor": 2.0, "permit_per_m": 3.0,
        "permit_lead_months": 9, "source": "test"}  # fmt: skip
RAIL = {"kind": "rail", "item": "crossing"}
CHEAP = {"factor": 0.25, "source": "test"}


def priced():
    found = prices()
    found["densities"]["core"] = {"label": "core", "source": "test", "factor": 3.0}
    found["items"]["crossing"] = {"label": "crossing", "source": "test", "unit": "per_unit", "price": 1000, "low": 1000,
                                  "high": 1000}  # fmt: skip
    return found


def layers(folder, **contents):
    for name, features in contents.items():
        (folder / f"{name}.geojson").write_text(collection(features), encoding="utf-8")
    return {name: [{"path": f"{name}.geojson"}] for name in contents}


def span(network, name):
    return network.spans.ids.index(name)


def test_a_district_has_its_own_density_factor_fee_and_time(tmp_path):
    more = layers(tmp_path, districts=[box(None, -100, -100, 800, 100, district="west")])
    rules = {"density": "urban", "permit_lead_months": 2, "districts": [WEST]}
    network = build_network(make_scenario(tmp_path, costs=priced(), more_layers=more, right_of_way=rules))
    here, there = span(network, "west/1"), span(network, "east/2")
    metres = 1000.0 * network.spans.length_km
    plain = make_scenario(tmp_path, costs=priced(), right_of_way={"density": "urban"})
    before = build_network(plain).spans
    assert network.spans.district[here] == "west" and network.spans.district[there] == ""
    assert network.spans.trench_capex[here] == pytest.approx(before.trench_capex[here] / 1.4 * 3.0 * 2.0)
    wanted = before.right_of_way_capex[here] * 2.0 + 3.0 * metres[here]
    assert network.spans.right_of_way_capex[here] == pytest.approx(wanted)
    assert network.spans.trench_capex[there] == pytest.approx(before.trench_capex[there])
    assert (network.spans.permit_lead_months[here], network.spans.permit_lead_months[there]) == (9, 2)


def test_tracks_side_by_side_are_one_crossing_and_cutting_a_street_changes_no_sum(tmp_path):
    tracks = [line([at(x, -50), at(x, 50)], kind="rail") for x in (500, 504, 900)]
    more = layers(tmp_path, barriers=[*tracks, line([at(1500, 4), at(1500, 60)], kind="rail")])
    rules = {"density": "urban", "crossings": [RAIL]}
    for sites in ((site("a", 20, 20), site("b", 1900, -20)), (site("a", 300, 20), site("b", 1700, -20))):
        network = build_network(
            make_scenario(tmp_path, costs=priced(), sites=sites, more_layers=more, right_of_way=rules)
        )
        west = [index for index, name in enumerate(network.spans.ids) if name.startswith("west")]
        assert network.spans.crossing_capex[west].sum() == pytest.approx(2000.0)
        assert network.spans.crossing_capex.sum() == pytest.approx(2000.0), (
            "a line that ends beside the street crosses nothing"
        )
        assert noted(network, "crossings of rail: 2 places in 1 blocks")


def test_moratoria_and_roadworks_are_lines_or_polygons(tmp_path):
    works = [box(None, -10, -10, 400, 10, closed_until_year=2029),
             street(None, (1000, 2), (1000, 990), roadworks_year="2031-05-01"),
             box(None, 900, -5, 1100, 5, closed_until_year=2050)]  # fmt: skip
    network = build_network(make_scenario(tmp_path, more_layers=layers(tmp_path, works=works)))
    closed = dict(zip(network.spans.ids, network.spans.closed_until_year.tolist(), strict=True))
    opened = dict(zip(network.spans.ids, network.spans.roadworks_year.tolist(), strict=True))
    assert {name: year for name, year in opened.items() if year} == {"north": 2031}
    assert not any(closed.values()), "works concern a street when they hold half of it"
    longer = [
        box(None, -10, -10, 600, 10, closed_until_year=2029),
        box(None, -10, -10, 700, 10, closed_until_year=2028),
    ]
    network = build_network(make_scenario(tmp_path, more_layers=layers(tmp_path, works=longer)))
    closed = dict(zip(network.spans.ids, network.spans.closed_until_year.tolist(), strict=True))
    assert {name for name, year in closed.items() if year} == {"west/1", "west/2"}
    assert set(closed.values()) == {0, 2029}
    assert noted(network, "1 block (1.0 km) may not be opened for some years")


RING = (
    street("south", (0, 0), (2000, 0), highway="residential"),
    street("west", (0, 0), (0, 600), highway="residential"),
    street("north", (0, 600), (2000, 600), highway="residential"),
    street("east", (2000, 600), (2000, 0), highway="residential"),
)
HOSTS = {"hosts": ["end", "pair_source"]}
BETWEEN = (site("a", 5, 5, **HOSTS), site("b", 1995, 5, **HOSTS))


def ring(folder, works, **right_of_way):
    rules = {"density": "urban", **right_of_way}
    return make_scenario(
        folder, RING, sites=BETWEEN, costs=priced(), more_layers=layers(folder, works=works), right_of_way=rules,
        phases=phases(None, None), solver={"gap": 0.0, "work_budget": 60},
    )  # fmt: skip


def planned(scenario):
    network = build_network(scenario)
    plan = design_plan(network, scenario)
    assert verify_plan(network, scenario, plan).passed
    return plan, {build.span.split("/")[0]: build.phase for build in plan.builds}


def test_a_moratorium_sends_the_plan_around_and_the_bound_with_it(tmp_path):
    plan, built = planned(ring(tmp_path, [box(None, -10, -10, 2010, 10, closed_until_year=2028)]))
    assert built == {"west": "p1", "north": "p1", "east": "p1"}
    assert 0.0 < plan.outcome.lower_bound <= plan.outcome.cost
    _, built = planned(ring(tmp_path, [box(None, -10, -10, 2010, 10, closed_until_year=2027)]))
    assert built == {"south": "p1"}


def test_a_street_is_dug_early_while_roadworks_make_it_cheap(tmp_path):
    works = [box(None, -10, -10, 2010, 10, roadworks_year=2028)]
    scenario = ring(tmp_path, works, roadworks=CHEAP)
    spec = json.loads(scenario.path.read_text(encoding="utf-8"))
    spec["demands"][0]["from_phase"] = "p2"
    scenario.path.write_text(json.dumps(spec), encoding="utf-8")
    plan, built = planned(load_scenario(scenario.path))
    assert built == {"south": "p1"}, "needed from p2 on, dug in p1"
    trenching = {entry.phase: entry.capex for entry in plan.costs if entry.category == "trenching"}
    network = build_network(load_scenario(scenario.path))
    at_full_price = network.spans.trench_capex[span(network, "south")]
    assert trenching == {"p1": pytest.approx(0.25 * at_full_price)}
    assert plan.outcome.gap == pytest.approx(0.0, abs=1e-6)
    factors = [costs.digging_factor(network, load_scenario(scenario.path), phase) for phase in (0, 1)]
    assert [float(np.min(values)) for values in factors] == [0.25, 1.0]


@pytest.mark.parametrize(
    ("name", "features", "rules", "expected"),
    [
        ("works", [box(None, 0, -9, 900, 9)], {}, "says neither closed_until_year nor roadworks_year"),
        ("works", [box(None, 0, -9, 900, 9, closed_until_year="soon")], {}, "'soon' is no year; write 2028"),
        ("works", [box(None, 0, -9, 900, 9, roadworks_year=1492)], {}, "1492 is not between 1990 and 2100"),
        ("districts", [box(None, 0, -9, 900, 9)], {"districts": [WEST]}, "has no 'district'"),
        ("barriers", [street("x", (500, -50), (500, 50))], {"crossings": [RAIL]}, "barrier has no 'kind'"),
    ],
)
def test_bad_layers_are_refused(tmp_path, name, features, rules, expected):
    more = layers(tmp_path, **{name: features})
    world = make_scenario(tmp_path, costs=priced(), more_layers=more, right_of_way={"density": "urban", **rules})
    with pytest.raises(InputError, match=expected):
        build_network(world)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"districts": [WEST]}, r"right_of_way.districts: these rules need layers.districts"),
        ({"crossings": [RAIL]}, r"right_of_way.crossings: these rules need layers.barriers"),
        ({"roadworks": CHEAP}, r"right_of_way.roadworks: this rule needs layers.works"),
        ({"crossings": [RAIL | {"item": "crosing"}]}, r"unknown cost item 'crosing'; did you mean 'crossing'"),
        ({"districts": [WEST, WEST]}, "'west' has a rule already"),
        ({"districts": [WEST | {"density": "cor"}]}, "unknown density 'cor'"),
    ],
)
def test_rules_are_cross_checked(tmp_path, rules, expected):
    with pytest.raises(InputError, match=expected):
        make_scenario(tmp_path, CROSS, costs=priced(), right_of_way={"density": "urban", **rules})


def test_railways_rivers_and_motorways_come_from_openstreetmap(tmp_path):
    ways = {
        1: ([(0, 0), (1000, 0), (2000, 0)], {"highway": "residential"}),
        2: ([(300, -50), (300, 50)], {"railway": "rail"}),
        3: ([(600, -50), (600, 50)], {"railway": "subway"}),
        4: ([(800, -50), (800, 50)], {"railway": "rail", "tunnel": "yes"}),
        5: ([(1200, -50), (1200, 50)], {"waterway": "canal"}),
        6: ([(1400, -50), (1400, 50)], {"waterway": "ditch"}),
        7: ([(1700, -50), (1700, 50)], {"highway": "motorway", "bridge": "yes", "layer": "1"}),
    }
    nodes, drawn, number = "", "", 0
    for way, (points, tags) in ways.items():
        refs = ""
        for point in points:
            number += 1
            lon, lat = at(*point)
            nodes += f'<node id="{number}" lon="{lon}" lat="{lat}"/>'
            refs += f'<nd ref="{number}"/>'
        drawn += f'<way id="{way}">{refs}' + "".join(f'<tag k="{k}" v="{v}"/>' for k, v in tags.items()) + "</way>"
    (tmp_path / "city.osm").write_text(f'<osm version="0.6">{nodes}{drawn}</osm>', encoding="utf-8")
    rules = {"density": "urban", "crossings": [RAIL | {"kind": kind} for kind in ("rail", "water", "motorway")]}
    scenario = make_scenario(
        tmp_path, costs=priced(), right_of_way=rules, more_layers={"barriers": [{"path": "city.osm"}]}
    )
    network = build_network(scenario)
    for kind in ("rail", "water", "motorway"):
        assert noted(network, f"crossings of {kind}: 1 place in 1 blocks")
    assert network.spans.crossing_capex.sum() == pytest.approx(3000.0)


def test_the_status_of_streets_and_ducts_settles_what_stands_and_what_is_taboo(tmp_path):
    streets = [street("west", (0, 0), (800, 0), status="closed"), street("east", (800, 0), (1600, 0))]
    duct = line([at(0, 0), at(800, 0)], id="d1", access="pull", status="in service")
    settled = {"as_built": [{"statuses": ["in service"]}], "forbid": [{"statuses": ["closed"]}]}
    scenario = make_scenario(tmp_path, streets, ducts=[duct], **settled)
    network = build_network(scenario)
    by_status = dict(zip(network.spans.status, network.spans.ids, strict=True))
    assert set(by_status) == {"", "closed", "in service"}
    fixed = fixed_parts(network, scenario)
    assert {network.spans.ids[i] for i in fixed.built_spans} == {by_status["in service"]}
    assert {network.spans.ids[i] for i in fixed.forbidden_spans} == {"west/1", "west/2"}
    (tmp_path / "network.geojson").write_text("".join(network_to_geojson(network)), encoding="utf-8")
    assert load_network(tmp_path / "network.geojson").spans.status == network.spans.status
    with pytest.raises(InputError, match="no street or duct has the status 'opne'"):
        build_network(make_scenario(tmp_path, streets, forbid=[{"statuses": ["opne"]}]))
