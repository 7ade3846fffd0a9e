"""Prices of digging by class, surface, zone and density; where digging is forbidden."""

import pytest

from geodata.maps import CROSS, box, collection, make_scenario, noted, polygon, site, street
from planner.geodata import build_network

PARK = {"kind": "park", "factor": 2.0, "source": "test"}
CORE = {"kind": "core", "factor": 3.0, "source": "test"}
GRAVES = {"kind": "graves", "forbidden": True, "source": "test"}


def build(folder, zones, *rules, streets=CROSS, **changes):
    right_of_way = {"density": "urban", "zones": list(rules), **changes}
    return build_network(make_scenario(folder, streets, zones=zones, right_of_way=right_of_way))


def of(network, name):
    index = network.spans.ids.index(name)
    return network.spans.zone[index], bool(network.spans.buildable[index])


def test_prices_are_products_of_length_and_factors(tmp_path):
    streets = (*CROSS[:2], street("north", (1000, 0), (1000, 1000), highway="primary", surface="sett"))
    network = build(tmp_path, [box("park", 900, 100, 1100, 1100)], PARK, streets=streets)
    index = network.spans.ids.index("north")
    metres = network.spans.length_km[index] * 1000.0
    assert metres == pytest.approx(1000.0, rel=2e-3)
    assert network.spans.trench_capex[index] == pytest.approx(60.0 * 1.4 * 1.5 * 1.6 * 2.0 * metres)
    assert network.spans.right_of_way_capex[index] == pytest.approx(5.0 * 1.5 * 2.0 * metres)
    assert (network.spans.cable_capex[index], network.spans.rent_per_year[index]) == (0.0, 0.0)
    assert (network.spans.max_fibers[index], network.spans.used_fibers[index]) == (96, -1)
    assert network.spans.loss_db[index] == pytest.approx((0.2 + 0.05 / 2.0) * metres / 1000.0)
    assert noted(network, "zone park: 1 block")


def test_the_strictest_zone_counts(tmp_path):
    zones = [box("park", 900, -100, 2100, 1100), box("core", 1500, -100, 2100, 100), box("graves", 990, 900, 1010, 950)]
    network = build(tmp_path, zones, PARK, CORE, GRAVES)
    assert of(network, "east/1") == of(network, "east/2") == ("core", True)
    assert of(network, "north") == ("graves", False)
    assert noted(network, "digging is forbidden in 1 block")


def test_touching_a_zone_is_not_running_through_it(tmp_path):
    zones = [box("park", 0, 0, 500, 100), box("graves", 1996, -10, 2010, 10)]
    network = build(tmp_path, zones, PARK, GRAVES)
    assert "graves" not in network.spans.zone
    assert of(network, "west/1") == ("park", True)  # runs along the edge


def test_short_streets_belong_to_the_zone_around_them(tmp_path):
    short = street("short", (2000, 0), (2003, 0), highway="residential")
    network = build(tmp_path, [box("park", 1999, -10, 2010, 10)], PARK, streets=(*CROSS, short))
    assert of(network, "short") == ("park", True)
    assert of(network, "east/2") == ("", True)


def test_zones_are_decided_before_streets_are_cut(tmp_path):
    zones = [box("park", 600, -100, 900, 100)]
    rules = {"density": "urban", "zones": [PARK]}
    sums = [
        build_network(make_scenario(tmp_path, zones=zones, sites=sites, right_of_way=rules)).spans.trench_capex.sum()
        for sites in ((site("a", 0, 9), site("b", 2000, 9)), (site("a", 300, 9), site("b", 700, 9)))
    ]
    assert sums[0] == pytest.approx(sums[1], rel=1e-7)


def test_bridges_and_tunnels_are_exempt_from_forbidden_zones_only(tmp_path):
    bridge = street("bridge", (2000, 0), (2500, 0), highway="residential", bridge="yes")
    ford = street("ford", (2000, 0), (2500, 100), highway="residential")
    zones = [box("graves", 2100, -50, 2400, 150), box("park", 2100, -50, 2400, 150)]
    network = build(tmp_path, zones, PARK, GRAVES, streets=(*CROSS, bridge, ford))
    assert of(network, "bridge") == ("park", True)
    assert of(network, "ford") == ("graves", False)
    assert noted(network, "1 block on bridges or in tunnels cross forbidden zones")


def test_zones_without_rule_and_rules_without_zone_are_noted(tmp_path):
    network = build(tmp_path, [box("park", 0, -9, 99, 9), polygon("moor", (0, 0), (9, 0), (9, 9))], PARK, GRAVES)
    assert noted(network, "zones.geojson: no rule for zones of kind moor")
    assert noted(network, "right-of-way rules without any zone in the layers: graves")


def test_rules_without_any_layer_change_nothing(tmp_path):
    network = build_network(make_scenario(tmp_path, right_of_way={"density": "urban", "zones": [PARK]}))
    assert set(network.spans.zone) == {""}
    assert noted(network, "rules without any zone", "park")


def test_classes_can_be_forbidden(tmp_path):
    network = build(tmp_path, (), forbidden_road_classes=["primary"])
    assert of(network, "north") == ("", False)
    assert network.spans.trench_capex[network.spans.ids.index("north")] > 0.0


def test_columns_and_projection_of_zones_are_read(tmp_path):
    crs = {"type": "name", "properties": {"name": "EPSG:31370"}}
    corners = ((231_200.0, 143_500.0), (232_500.0, 143_500.0), (232_500.0, 144_500.0), (231_200.0, 144_500.0))
    ring = [list(corner) for corner in (*corners, corners[0])]
    east = {"type": "Feature", "properties": {"USE": "park"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    text = collection([east], crs=crs)
    rules = {"density": "urban", "zones": [PARK]}
    layer = {"columns": {"kind": "USE"}, "attribution": "land office"}
    network = build_network(make_scenario(tmp_path, zones=text, zone_layer=layer, right_of_way=rules))
    assert of(network, "east/1") == of(network, "east/2") == ("park", True)
    assert of(network, "west/1") == ("", True)
    assert network.attributions == ("land office",)
