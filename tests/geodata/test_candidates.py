"""Candidate sites are found by rule where the rule allows them, spread out, and serve in plans as any site."""

import json

import pytest

from geodata.maps import at, box, duct, make_scenario, noted, osm_text, site, street
from geodata.test_site_layers import EXTRACT
from planner.design import design_plan
from planner.errors import InputError
from planner.geodata import build_network
from planner.network import load_network, network_to_geojson
from planner.scenario import load_scenario
from planner.verify import verify_plan

HOSTS = ["end"]
ENDS = (site("a", 20, 10, hosts=HOSTS), site("b", 3980, 2010, hosts=HOSTS))
GRID = [
    *(street(f"row{n}", (0, 500 * n), *((500 * i, 500 * n) for i in range(1, 8)), (4000, 500 * n),
             highway="primary" if n == 2 else "residential") for n in range(5)),
    *(street(f"col{n}", (500 * n, 0), *((500 * n, 500 * i) for i in range(1, 4)), (500 * n, 2000),
             highway="primary" if n == 4 else "residential") for n in range(9)),
]  # fmt: skip
"""Streets every 500 m; the third row and the fifth column are primary."""


def found(folder, streets=GRID, **rule):
    """Return scenario and network with one rule."""
    more = {name: rule.pop(name) for name in ("zones", "ducts", "extra", "more_layers") if name in rule}
    extra = more.pop("extra", {})
    rule = {"id": "hut", "at": "street-junction", "spacing_m": 400.0, **rule}
    scenario = make_scenario(folder, streets, sites=ENDS, candidate_sites=[rule], **more, **extra)
    return scenario, build_network(scenario)


def places(network):
    return {(site.lon_deg, site.lat_deg) for site in network.found_sites}


def test_junctions_are_spread_as_far_from_all_sites_as_they_can(tmp_path):
    _, network = found(tmp_path, max_sites=1, detour=3.0)
    assert [site.id for site in network.found_sites] == ["hut-001"]
    assert places(network) in ({tuple(at(2500, 0))}, {tuple(at(1500, 2000))})  # 2480 m from either site
    _, network = found(tmp_path, max_sites=1000, detour=3.0)
    assert len(network.found_sites) == 9 * 5 - 4  # a corner is no junction
    assert noted(network, "rule hut: 41 candidate sites chosen from 41 places of kind street-junction, 41 of which")
    _, network = found(tmp_path, max_sites=1000, detour=3.0, spacing_m=600.0)
    assert 10 < len(network.found_sites) < 30


def test_places_lie_between_the_sites_that_want_pairs(tmp_path):
    _, wide = found(tmp_path, detour=3.0, max_sites=100)
    _, narrow = found(tmp_path, detour=1.02, max_sites=100)
    assert places(narrow) < places(wide)
    assert tuple(at(2000, 1000)) in places(narrow)
    assert tuple(at(500, 2000)) not in places(narrow)


def test_classes_choose_junctions(tmp_path):
    _, network = found(tmp_path, road_classes=["primary"], detour=3.0, spacing_m=100.0, max_sites=100)
    row, column = {tuple(at(500 * n, 1000)) for n in range(1, 8)}, {tuple(at(2000, 500 * n)) for n in range(1, 4)}
    assert places(network) == row | column


def test_fittings_of_the_rule_are_those_of_its_sites_and_all_are_assumed(tmp_path):
    fittings = {"shelter": "hut", "max_area_m2": 4.0, "max_power_w": 3000.0, "hosts": ["repeater"]}
    _, network = found(tmp_path, max_sites=2, **fittings)
    for candidate in network.found_sites:
        assert (candidate.shelter, candidate.max_area_m2, candidate.max_power_w) == ("hut", 4.0, 3000.0)
        assert (candidate.hosts, candidate.assumed, candidate.kind) == (("repeater",), True, "street-junction")


def test_zones_exclude_or_hold_places(tmp_path):
    zones = (box("park", 1900, 900, 2100, 1100), box("city-land", 900, 400, 2600, 1600))
    _, network = found(tmp_path, zones=zones, zones_excluded=["park"], zones_required=["city-land"], max_sites=100)
    assert places(network) == {
        tuple(at(x, y)) for x in (1000, 1500, 2000, 2500) for y in (500, 1000, 1500) if (x, y) != (2000, 1000)
    }
    with pytest.raises(InputError, match=r"candidate_sites\[0\]: no zone of kind flood"):
        found(tmp_path, zones=zones, zones_excluded=["flood"])


def test_streets_that_may_not_be_dug_make_no_places(tmp_path):
    rules = {"density": "urban", "forbidden_road_classes": ["motorway"]}
    streets = [*GRID, street("bypass", (5000, 0), (5000, 1000), highway="motorway"),
               street("ramp", (5000, 500), (6000, 500), highway="motorway")]  # fmt: skip
    _, network = found(tmp_path, streets, extra={"right_of_way": rules}, detour=9.0, max_sites=999)
    assert max(lon_deg for lon_deg, _ in places(network)) <= at(4000, 0)[0]


def test_handholes_of_ducts(tmp_path):
    ducts = [duct("d1", (500, 520), (1500, 520)), duct("d2", (1500, 520), (2500, 520))]
    _, network = found(tmp_path, at="handhole", ducts=ducts, max_sites=10)
    assert places(network) == {tuple(at(x, 520)) for x in (500, 1500, 2500)}


def test_places_of_an_extract(tmp_path):
    (tmp_path / "city.osm").write_text(EXTRACT, encoding="utf-8")
    _, network = found(tmp_path, at="municipal", path="city.osm", spacing_m=0.0)
    assert [candidate.name for candidate in network.found_sites] == ["Town & Hall"]
    _, network = found(tmp_path, at="data-centre", path="city.osm", spacing_m=0.0)
    assert network.found_sites == ()
    assert noted(network, "rule hut: 0 candidate sites chosen from 0 places of kind data-centre")
    with pytest.raises(InputError, match=r"candidate_sites\[0\].path: exchange places come from an OpenStreetMap"):
        found(tmp_path, at="exchange")


def test_far_places_of_an_extract_are_not_taken(tmp_path):
    text = osm_text({1: (-2000, 0)}, {}).replace(
        'lat="50.6000000"/>', 'lat="50.6000000"><tag k="telecom" v="exchange"/></node>'
    )
    (tmp_path / "city.osm").write_text(text, encoding="utf-8")
    _, network = found(tmp_path, at="exchange", path="city.osm", detour=9.0)
    assert noted(network, "0 candidate sites chosen from 1 place of kind exchange, 0 of which the rule allows")


def test_a_plan_uses_a_found_site_and_is_checked(tmp_path):
    scenario, network = found(tmp_path, max_sites=4, detour=1.1)
    path = tmp_path / "network.geojson"
    path.write_text("".join(network_to_geojson(network)), encoding="utf-8")
    again = load_network(path)
    assert again.found_sites == network.found_sites
    assert again.digest == network.digest
    plan = design_plan(again, scenario)
    used = {station.site for service in plan.services for route in service.routes for station in route.stations}
    assert used - {"a", "b"} <= {candidate.id for candidate in network.found_sites}
    assert used - {"a", "b"}
    verdict = verify_plan(again, scenario, plan)
    assert verdict.passed, verdict.failed_checks


def test_a_site_that_no_rule_asks_for_fails_the_check(tmp_path):
    scenario, network = found(tmp_path, max_sites=4, detour=1.1)
    plan = design_plan(network, scenario)
    contents = json.loads((tmp_path / "scenario.yaml").read_text(encoding="utf-8"))
    for change in ({"id": "hub"}, {"max_sites": 1}, {"spacing_m": 9000.0}, {"hosts": ["heralding", "pair_source"]}):
        (tmp_path / "scenario.yaml").write_text(
            json.dumps({**contents, "candidate_sites": [{**contents["candidate_sites"][0], **change}]}),
            encoding="utf-8",
        )
        verdict = verify_plan(network, load_scenario(tmp_path / "scenario.yaml"), plan)
        failed = [check for check in verdict.failed_checks if check.subject == "every found site"]
        assert failed, change


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"at": "moon"}, "candidate_sites[0].at"),
        ({"shelter": "hat"}, "candidate_sites[0].shelter: unknown cost item 'hat'; did you mean 'hut'?"),
        ({"road_classes": ["primry"]}, "candidate_sites[0].road_classes[0]: unknown road class 'primry'"),
        ({"detour": 0.5}, "candidate_sites[0].detour"),
    ],
)
def test_wrong_rules_are_refused(tmp_path, rule, expected):
    with pytest.raises(InputError) as caught:
        found(tmp_path, **rule)
    assert expected in str(caught.value)


def test_an_id_of_another_site_is_refused(tmp_path):
    sites = (*ENDS, site("hut-001", 1000, 20))
    scenario = make_scenario(tmp_path, GRID, sites=sites, candidate_sites=[{"id": "hut", "at": "street-junction"}])
    with pytest.raises(InputError, match="finds a site with the id of another: hut-001"):
        build_network(scenario)


def test_rules_are_part_of_what_is_asked(tmp_path):
    one, _ = found(tmp_path, max_sites=1)
    two, _ = found(tmp_path, max_sites=2)
    assert one.digest != two.digest
