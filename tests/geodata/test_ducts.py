"""Ducts and leased fiber: access, prices, fibers, risk groups, and how their ends meet the streets."""

import pytest

from geodata.maps import CROSS, at, collection, duct, ids, line, make_scenario, noted, rows, site, street
from planner.errors import InputError
from planner.geodata import build_network
from planner.verify.layers import own_prices


def span(network, name):
    """Return the columns of a span by name."""
    index = network.spans.ids.index(name)
    columns = ("length_km", "cable_capex", "rent_per_year", "lease_per_fiber_year", "max_fibers", "used_fibers")
    values = {column: getattr(network.spans, column)[index].item() for column in columns}
    texts = ("medium", "risk_groups", "name", "road_class")
    return values | {column: getattr(network.spans, column)[index] for column in texts} | {"index": index}


def ends(network, name):
    index = network.spans.ids.index(name)
    return int(network.spans.start[index]), int(network.spans.end[index])


def test_access_says_what_a_duct_offers(tmp_path):
    ducts = [
        duct("d1", (0, 0), (1000, 0), access="pull"),
        line([at(1000, 0), at(2000, 0)], id="d2", access="lease", name="ring 2", free_fibers=2),
        duct("d3", (1000, 0), (1000, 1000), access="both"),
    ]
    ducts[0]["properties"]["name"] = "East"
    network = build_network(make_scenario(tmp_path, ducts=ducts))
    assert ids(network, "duct") == ["d1/pull", "d3/pull"]
    assert ids(network, "dark_fiber") == ["d2/lease", "d3/lease"]
    assert ends(network, "d3/pull") == ends(network, "d3/lease")
    pull, lease = span(network, "d1/pull"), span(network, "d2/lease")
    metres = pull["length_km"] * 1000.0
    assert pull["cable_capex"] == pytest.approx(8.0 * metres)
    assert pull["rent_per_year"] == pytest.approx(2.0 * metres)
    assert pull["lease_per_fiber_year"] == 0.0
    assert lease["lease_per_fiber_year"] == pytest.approx(720.0 * lease["length_km"])
    assert (lease["cable_capex"], lease["rent_per_year"], lease["name"]) == (0.0, 0.0, "ring 2")
    for row in (*rows(network, "duct"), *rows(network, "dark_fiber")):
        assert network.spans.trench_capex[row] == network.spans.right_of_way_capex[row] == 0.0
        assert network.spans.buildable[row]


def test_columns_of_a_duct_come_before_the_price_list(tmp_path):
    ducts = [duct("d", (0, 0), (1000, 0), access="both", lease_per_fiber_km_year=100, rent_per_m_year=0.5)]
    network = build_network(make_scenario(tmp_path, ducts=ducts))
    pull, lease = span(network, "d/pull"), span(network, "d/lease")
    assert pull["rent_per_year"] == pytest.approx(500.0 * pull["length_km"])
    assert lease["lease_per_fiber_year"] == pytest.approx(100.0 * lease["length_km"])


def test_fibers_are_taken_from_the_data_or_noted(tmp_path):
    ducts = [
        duct("d1", (0, 0), (1000, 0), free_fibers=8.0, used_fibers=88),
        duct("d2", (1000, 0), (2000, 0), free_fibers=None),
    ]
    network = build_network(make_scenario(tmp_path, ducts=ducts))
    first, second = span(network, "d1/pull"), span(network, "d2/pull")
    assert (first["max_fibers"], first["used_fibers"]) == (8, 88)
    assert (second["max_fibers"], second["used_fibers"]) == (2, -1)
    assert noted(network, "1 duct without a number of free fibers, taken as 2")


def test_a_duct_shares_risk_with_its_streets(tmp_path):
    side = street("side", (500, 0), (500, 500), highway="residential")
    west = street("west", (0, 0), (500, 0), (1000, 0), highway="residential")
    ducts = [
        duct("d1", (0, 0), (1000, 0), streets=["west"], risk_groups="viaduct; flood plain"),
        duct("d2", (1000, 0), (2000, 0), streets="east;gone"),
        duct("d3", (1000, 0), (1000, 1000)),
    ]
    network = build_network(make_scenario(tmp_path, (west, side, *CROSS[1:]), ducts=ducts))
    beside = ("street:west-1/1", "street:west-1/2", "street:west-2")
    assert span(network, "d1/pull")["risk_groups"] == ("duct:d1", *beside, "viaduct", "flood plain")
    assert {group for name in ids(network) for group in span(network, name)["risk_groups"]} > set(beside)
    assert span(network, "d2/pull")["risk_groups"] == ("duct:d2", "street:east/1", "street:east/2", "street:gone")
    assert noted(network, "ducts name 1 street that the layer of streets lacks: gone")
    assert noted(network, "1 duct that name no street")


def test_a_duct_shares_risk_only_with_the_part_of_the_street_beside_it(tmp_path):
    ducts = [
        duct("d1", (0, 0), (600, 5), streets=["west"]),
        duct("d2", (600, 5), (1000, 0), streets=["west-9", "west"]),
    ]
    network = build_network(make_scenario(tmp_path, ducts=ducts, sites=(site("a", 0, 20), site("b", 1700, -20))))
    assert span(network, "d1/pull")["risk_groups"] == ("duct:d1", "street:west/1")
    assert span(network, "d2/pull")["risk_groups"] == ("duct:d2", "street:west-9", "street:west/2")


def test_a_duct_far_from_its_street_shares_risk_with_all_of_it(tmp_path):
    network = build_network(make_scenario(tmp_path, ducts=[duct("d", (1000, 0), (1000, 1000), streets=["west"])]))
    assert span(network, "d/pull")["risk_groups"] == ("duct:d", "street:west/1", "street:west/2")


def test_handholes_stand_at_junctions_or_cut_the_street(tmp_path):
    ducts = [duct("d1", (4, 8), (600, 30)), duct("d2", (600, 30), (2000, 0))]
    network = build_network(make_scenario(tmp_path, ducts=ducts))
    corner, middle = ends(network, "d1/pull")
    assert network.nodes.kinds[corner] == network.nodes.kinds[middle] == "handhole"
    assert middle == ends(network, "d2/pull")[0]
    assert ids(network) == ["east/1", "east/2", "north", "west/1", "west/2", "west/3"]
    assert middle in ends(network, "west/3")
    index = network.spans.ids.index("d1/pull")
    assert network.spans.line(index)[0].tolist() == at(0, 0)
    joints = dict(zip(network.nodes.kinds, network.nodes.joint_loss_db.tolist(), strict=True))
    assert joints == {"handhole": 0.05, "junction": 0.0, "site": 0.0}
    assert noted(network, "2 handholes more than 1 m off the street network", "at most 30 m")
    assert noted(network, "1 handhole joined to a street between its junctions")


def test_a_site_at_a_handhole_keeps_the_loss_of_the_joint(tmp_path):
    sites = (site("a", 0, 20), site("b", 1700, -20))
    network = build_network(make_scenario(tmp_path, ducts=[duct("d", (0, 0), (1000, 0))], sites=sites))
    node = network.site("a").node
    assert (network.nodes.kinds[node], network.nodes.joint_loss_db[node]) == ("site", 0.05)


def test_handholes_far_from_every_street_stand_alone_and_are_named(tmp_path):
    ducts = [duct("d1", (0, 0), (0, 900)), duct("d2", (0, 900), (1000, 1000))]
    network = build_network(make_scenario(tmp_path, ducts=ducts))
    assert ends(network, "d1/pull")[1] == ends(network, "d2/pull")[0]
    assert noted(network, "1 handhole farther than 250 m from every street, not joined: 5.50000 50.60809")


def test_ducts_connect_parts_of_the_street_network(tmp_path):
    beyond = street("beyond", (2500, 0), (3000, 0), highway="residential")
    sites = (site("a", 300, 20), site("b", 2700, 20))
    with pytest.raises(InputError, match=r"site b: .* is not connected to the largest part"):
        build_network(make_scenario(tmp_path, (*CROSS, beyond), sites=sites))
    network = build_network(
        make_scenario(tmp_path, (*CROSS, beyond), sites=sites, ducts=[duct("d", (2000, 0), (2500, 0))])
    )
    assert any(note == "all streets are connected" for note in network.notes)


def test_ducts_are_joined_where_one_ends_on_another(tmp_path):
    ducts = [duct("d1", (0, 0), (1000, 0)), duct("d2", (500, 0.05), (500, 400)), duct("d3", (300, -50), (300, 50))]
    network = build_network(make_scenario(tmp_path, ducts=ducts, max_snap_m=40.0))
    assert ids(network, "duct") == ["d1/pull", "d1~2/pull", "d2/pull", "d3/pull"]
    at_node = [{int(network.spans.start[i]), int(network.spans.end[i])} for i in rows(network, "duct")]
    assert len(at_node[0] & at_node[1] & at_node[2]) == 1
    assert not at_node[3] & (at_node[0] | at_node[1])
    assert noted(network, "1 end of ducts joined to others", "at most 0.04 m away (within 0.1 m)")
    assert noted(network, "ducts cut at 1 place where others end on them")
    groups = [set(network.spans.risk_groups[i]) for i in rows(network, "duct")]
    assert "duct:d1" in groups[0] & groups[1]


def test_ducts_farther_apart_are_joined_only_where_the_layer_says_so(tmp_path):
    ducts = [duct("d1", (0, 0), (1000, 0)), duct("d2", (500, 3), (500, 400))]
    for within_m, count in ((None, 2), (0.0, 2), (5.0, 3)):
        layer = {} if within_m is None else {"join_within_m": within_m}
        network = build_network(make_scenario(tmp_path, ducts=ducts, duct_layer=layer))
        assert len(rows(network, "duct")) == count


def test_prices_in_other_units_and_currencies_of_length(tmp_path):
    ducts = [duct("d1", (0, 0), (1000, 0), access="both", rent_per_m_year=0.5, lease_per_fiber_km_year=100.0)]
    factors = {"rent_per_m_year": 3.2808, "lease_per_fiber_km_year": 0.6214}
    scenario = make_scenario(tmp_path, ducts=ducts, duct_layer={"factors": factors})
    network = build_network(scenario)
    pull, lease = span(network, "d1/pull"), span(network, "d1/lease")
    assert pull["rent_per_year"] == pytest.approx(0.5 * 3.2808 * 1000.0 * pull["length_km"])
    assert lease["lease_per_fiber_year"] == pytest.approx(62.14 * lease["length_km"])
    prices = own_prices(scenario)
    assert (prices.rents_per_m_year, prices.leases_per_fiber_km_year) == ({0.5 * 3.2808}, {100.0 * 0.6214})


def test_blocked_ducts_are_left_out_and_owners_named(tmp_path):
    ducts = [
        duct("d1", (0, 0), (1000, 0), condition="poor", owner="city"),
        duct("d2", (1000, 0), (2000, 0), condition="blocked"),
        duct("d3", (1000, 0), (1000, 1000), owner="telco"),
    ]
    ducts[0]["properties"]["name"] = "East"
    network = build_network(make_scenario(tmp_path, ducts=ducts))
    assert ids(network, "duct") == ["d1/pull", "d3/pull"]
    assert [network.spans.name[index] for index in rows(network, "duct")] == ["East (city)", "telco"]
    assert noted(network, "1 blocked duct left out")
    assert noted(network, "1 duct in poor condition: mending is not priced")


def test_short_and_misplaced_ducts_are_left_out_and_counted(tmp_path):
    ducts = [
        duct("short", (2, 2), (9, 2)),
        duct("dot", (1000, 0), (1000, 0)),
        duct("out", (0, 0), (90_000, 0)),
        duct("kept", (0, 0), (1000, 0)),
    ]
    network = build_network(make_scenario(tmp_path, ducts=ducts))
    assert ids(network, "duct") == ["kept/pull"]
    assert noted(network, "1 duct left out, both ends of which are joined at the same place")
    assert noted(network, "1 duct of zero length")
    assert noted(network, "1 duct left out, not wholly inside the extent")


def test_ducts_elsewhere_are_refused(tmp_path):
    swapped = line([at(0, 0)[::-1], at(1000, 0)[::-1]], id="d", access="pull")
    with pytest.raises(InputError, match=r"ducts\.geojson: longitude and latitude are swapped"):
        build_network(make_scenario(tmp_path, ducts=[swapped]))


def test_parts_of_one_duct_share_its_risk_group(tmp_path):
    parts = [[at(0, 0), at(1000, 0)], [at(1000, 0), at(2000, 0)]]
    double = {
        "type": "Feature",
        "properties": {"id": "d", "access": "pull", "free_fibers": 2},
        "geometry": {"type": "MultiLineString", "coordinates": parts},
    }
    network = build_network(make_scenario(tmp_path, ducts=[double]))
    assert ids(network, "duct") == ["d/pull", "d~2/pull"]
    assert span(network, "d~2/pull")["risk_groups"] == ("duct:d",)


def test_assumed_ducts_are_marked_and_columns_mapped(tmp_path):
    ducts = [line([at(0, 0), at(1000, 0)], NR=5, how="lease", fri=6)]
    layer = {"columns": {"id": "NR", "access": "how", "free_fibers": "fri"}, "assumed": True, "attribution": "me"}
    network = build_network(make_scenario(tmp_path, ducts=collection(ducts), duct_layer=layer))
    assert network.spans.assumed[rows(network, "dark_fiber")].tolist() == [True]
    assert not network.spans.assumed[rows(network, "trench")].any()
    assert span(network, "5/lease")["max_fibers"] == 6
    assert network.attributions == ("me",)
    assert noted(network, "1 duct from an assumed layer")
