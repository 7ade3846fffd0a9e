"""Single spans at another price or capacity, forbidden or forced: named in the scenario or drawn in a layer."""

from dataclasses import replace

import numpy as np
import pytest

from geodata.maps import at, box, collection, duct, line, make_scenario, noted, prices, site, street
from geodata.test_formats import write
from planner.design import design_plan
from planner.errors import InputError
from planner.geodata import build_network
from planner.network import load_network, network_to_geojson, with_digest
from planner.report.dossier import open_dossier
from planner.report.layers import layer_features
from planner.report.permits import override_table
from planner.report.wording import MISSING
from planner.report.work import settled_table
from planner.verify import verify_plan
from worlds import phases

RING = (
    street("south", (0, 0), (2000, 0), highway="residential"),
    street("west", (0, 0), (0, 600), highway="residential"),
    street("north", (0, 600), (1000, 600), (2000, 600), highway="residential"),
    street("east", (2000, 600), (2000, 0), highway="residential"),
)
HOSTS = {"hosts": ["end", "repeater", "pair_source", "heralding"]}
BETWEEN = (site("a", 5, 5, **HOSTS), site("b", 1995, 5, **HOSTS))
SOUTH_DUCT = duct("d1", (0, 3), (2000, 3), access="both", free_fibers=4, rent_per_m_year=9.0)


def ring(folder, *, drawn=(), ducts=(), **changes):
    """Return a scenario between two ends of the southern street."""
    more = {}
    if drawn:
        text = drawn if isinstance(drawn, str) else collection(drawn)
        (folder / "overrides.geojson").write_text(text, encoding="utf-8")
        more = {"overrides": [{"path": "overrides.geojson"}]}
    return make_scenario(
        folder, RING, sites=BETWEEN, ducts=ducts, costs=prices(), more_layers=more,
        phases=phases(None, None), solver={"gap": 0.0, "work_budget": 60}, **changes,
    )  # fmt: skip


def planned(scenario):
    network = build_network(scenario)
    plan = design_plan(network, scenario)
    verdict = verify_plan(network, scenario, plan)
    assert verdict.passed, [check for check in verdict.checks if not check.passed]
    return network, plan, {network.spans.origin[network.span_index()[build.span]] for build in plan.builds}


def column(network, name):
    return dict(zip(network.spans.ids, np.asarray(getattr(network.spans, name)).tolist(), strict=True))


def test_a_factor_multiplies_all_that_a_span_costs_and_moves_the_plan(tmp_path):
    plain, before, streets = planned(ring(tmp_path))
    assert streets == {"south"}
    scenario = ring(tmp_path, overrides=[{"streets": ["south"], "price_factor": 3.0}])
    network, _, streets = planned(scenario)
    assert streets == {"west", "north", "east"}
    for name in ("trench_capex", "right_of_way_capex"):
        assert column(network, name)["south"] == pytest.approx(3.0 * column(plain, name)["south"])
        assert column(network, name)["north"] == pytest.approx(column(plain, name)["north"])
    assert (column(network, "price_factor")["south"], column(network, "price_factor")["north"]) == (3.0, 0.0)
    assert network.spans.override[network.span_index()["south"]] == "overrides[0]"
    assert noted(network, "override overrides[0]: 1 span")
    cheap = planned(ring(tmp_path, overrides=[{"streets": ["south"], "price_factor": 0.5}]))[1]
    assert cheap.outcome.cost < before.outcome.cost


def test_factors_of_ducts_concern_rent_cable_and_lease(tmp_path):
    plain = build_network(ring(tmp_path, ducts=[SOUTH_DUCT]))
    scenario = ring(tmp_path, ducts=[SOUTH_DUCT], overrides=[{"ducts": ["d1"], "price_factor": 0.25}])
    network, _, built = planned(scenario)
    for name, span in (("rent_per_year", "d1/pull"), ("cable_capex", "d1/pull"), ("lease_per_fiber_year", "d1/lease")):
        assert column(network, name)[span] == pytest.approx(0.25 * column(plain, name)[span]) != 0.0
    assert built == {"d1"}


def test_capacity_holds_whatever_the_data_says(tmp_path):
    overrides = [{"ducts": ["d1"], "capacity": 0}, {"spans": ["south"], "capacity": 200}]
    network, _, built = planned(ring(tmp_path, ducts=[SOUTH_DUCT], overrides=overrides))
    found = column(network, "max_fibers")
    assert (found["d1/pull"], found["d1/lease"], found["south"], found["north"]) == (0, 0, 200, 96)
    assert built == {"south"}


def test_drawn_overrides_concern_what_lies_in_them(tmp_path):
    drawn = [
        box(None, -50, -50, 1500, 50, id="soil", forbid=True, medium="trench"),
        line([at(0, 600), at(2000, 600)], id="promised", force="p1", price_factor=2),
        box(None, -50, -50, 900, 50, id="less than half", price_factor=7),
    ]
    scenario = ring(tmp_path, drawn=drawn, ducts=[SOUTH_DUCT])
    network, plan, built = planned(scenario)
    assert {name for name, flag in column(network, "forbidden").items() if flag} == {"south"}
    assert {name for name, phase in column(network, "forced_phase").items() if phase} == {"north"}
    assert column(network, "override")["north"] == "overrides.geojson: feature promised"
    assert column(network, "price_factor")["north"] == 2.0 and sum(network.spans.price_factor) == 2.0
    assert {build.span: build.phase for build in plan.builds}["north"] == "p1"
    assert "south" not in built
    assert noted(network, "overrides.geojson: feature less than half holds no span")
    path = tmp_path / "network.geojson"
    path.write_text("".join(network_to_geojson(network)), encoding="utf-8")
    assert load_network(path).digest == network.digest


def test_overrides_of_one_span_multiply_and_the_least_capacity_counts(tmp_path):
    drawn = [box(None, -50, -50, 2050, 50, id="both", price_factor="1.5", capacity="12.0")]
    overrides = [{"spans": ["south"], "price_factor": 2.0, "capacity": 40}]
    network = build_network(ring(tmp_path, drawn=drawn, overrides=overrides))
    assert column(network, "price_factor")["south"] == 3.0
    assert column(network, "max_fibers")["south"] == 12
    assert column(network, "override")["south"] == "overrides[0]; overrides.geojson: feature both"


def test_streets_of_several_blocks_and_pieces_are_named_by_their_id(tmp_path):
    streets = (*RING, street("cross", (1000, -300), (1000, 0), (1000, 600), highway="residential"))
    streets = (street("south", (0, 0), (1000, 0), (2000, 0), highway="residential"), *streets[1:])
    scenario = make_scenario(
        tmp_path, streets, sites=(site("a", 300, 5), site("b", 1700, 5)), forbid=[{"streets": ["south"]}]
    )
    network = build_network(scenario)
    pieces = [name for name, origin in zip(network.spans.ids, network.spans.origin, strict=True) if origin == "south"]
    assert len(pieces) == 4 and all(name.startswith("south-") for name in pieces)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"overrides": [{"streets": ["suoth"], "price_factor": 2.0}]},
         "overrides[0].streets[0]: no street 'suoth' in the network; did you mean 'south'?"),
        ({"overrides": [{"ducts": ["d2"], "capacity": 2}]}, "overrides[0].ducts[0]: no duct 'd2' in the network"),
        ({"forbid": [{"streets": ["d1"]}]}, "forbid[0].streets[0]: no street 'd1' in the network"),
        ({"drawn": [box(None, 0, -9, 2000, 9, id="x")]}, "feature x: says nothing: give one of forbid, force, price"),
        ({"drawn": [box(None, 0, -9, 2000, 9, id="x", forbid="maybe")]}, "x: forbid: 'maybe' is neither yes nor no"),
        ({"drawn": [box(None, 0, -9, 2000, 9, id="x", price_factor=-1)]}, "price_factor: '-1' is no number above 0"),
        ({"drawn": [box(None, 0, -9, 2000, 9, id="x", price_factor="1,5")]}, "price_factor: '1,5' is no number"),
        ({"drawn": [box(None, 0, -9, 2000, 9, id="x", capacity=2.5)]}, "capacity: '2.5' is no number of fibers"),
        ({"drawn": [box(None, 0, -9, 2000, 9, id="x", forbid=1, medium="fiber")]}, "unknown medium 'fiber'"),
        ({"drawn": [box(None, 0, -9, 2000, 9, id="x", force="p9")]}, "feature x: force: unknown phase 'p9'"),
        ({"drawn": [box(None, -9, -9, 2009, 9, id="x", force="p1", forbid=True)]}, "'south' is forced and forbidden"),
        ({"drawn": [box(None, 9e5, 9e5, 9.1e5, 9.1e5, forbid=1)]}, "overrides.geojson: nothing lies inside the extent"),
    ],
)  # fmt: skip
def test_wrong_overrides_are_refused_with_their_place(tmp_path, changes, expected):
    with pytest.raises(InputError) as caught:
        build_network(ring(tmp_path, ducts=[SOUTH_DUCT], **changes))
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ({"streets": ["south"]}, "say price_factor or capacity"),
        ({"capacity": 3}, "name at least one of spans, streets"),
    ],
)
def test_overrides_that_say_nothing_are_refused(tmp_path, override, expected):
    with pytest.raises(InputError, match=expected):
        ring(tmp_path, overrides=[override])


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("price_factor", 1.5, "the price factor 1.5 instead of 2"),
        ("max_fibers", 90, "room for 90 fibers instead of 12"),
        ("forbidden", True, "is not forbidden by a drawn override"),
        ("forced_phase", "p2", "forced by 'p2' instead of 'p1'"),
    ],
)
def test_verification_finds_what_is_not_as_drawn(tmp_path, name, value, expected):
    drawn = [box(None, -50, 500, 2050, 700, id="north", force="p1", price_factor=2, capacity=12)]
    scenario = ring(tmp_path, drawn=drawn)
    network, plan, _ = planned(scenario)
    values = list(getattr(network.spans, name))
    values[network.span_index()["north"]] = value
    changed = tuple(values) if isinstance(value, str) else np.array(values)
    wrong = with_digest(replace(network, spans=replace(network.spans, **{name: changed})))
    failed = [check for check in verify_plan(wrong, scenario, plan).checks if not check.passed]
    assert any(check.name == "overrides_are_kept" and expected in check.actual for check in failed)


def test_overrides_where_nobody_asked_for_them_are_found(tmp_path):
    scenario = ring(tmp_path)
    network, plan, _ = planned(scenario)
    factors = np.zeros(len(network.spans))
    factors[0] = 2.0
    wrong = with_digest(replace(network, spans=replace(network.spans, price_factor=factors)))
    failed = {check.name for check in verify_plan(wrong, scenario, plan).checks if not check.passed}
    assert {"overrides_are_kept", "prices_are_right"} <= failed


@pytest.mark.parametrize("ending", [".gpkg", ".csv", ".zip", ".parquet", ".kml"])
def test_drawn_overrides_come_in_any_format(tmp_path, ending):
    drawn = [box(None, -50, 500, 2050, 700, id="north", price_fact=2, capacity=12)]
    options = write(tmp_path / f"drawn{ending}", drawn)
    more = {"overrides": [{"path": f"drawn{ending}", "columns": {"price_factor": "price_fact"}, **options}]}
    scenario = make_scenario(tmp_path, RING, sites=BETWEEN, more_layers=more)
    network = build_network(scenario)
    assert column(network, "max_fibers")["north"] == 12
    verdict = verify_plan(network, scenario, design_plan(network, scenario))
    assert verdict.passed
    told = [note for note in verdict.notes if "drawn overrides" in note]
    assert bool(told) == (ending == ".kml")


def test_the_report_tells_what_overrides_say_and_change(tmp_path):
    drawn = [
        box(None, -50, -50, 2050, 50, id="dear", price_factor=2, medium="trench"),
        box(None, -50, 500, 2050, 700, id="shut", forbid=True),
    ]
    scenario = ring(tmp_path, drawn=drawn)
    network, plan, built = planned(scenario)
    assert built == {"south"}
    dossier = open_dossier(network, scenario, plan, verify_plan(network, scenario, plan))
    dear, shut = ([str(cell) for cell in line.cells] for line in override_table(dossier).rows)
    assert dear[:4] == [
        "overrides.geojson: feature dear", "prices × 2; room for 96 fibers", "1 (2.00 km)", "1 (2.00 km)",
    ]  # fmt: skip
    assert dear[4] == dear[5] != "0"
    assert shut[1:] == ["forbidden; room for 96 fibers", "1 (2.00 km)", MISSING, MISSING, "0"]
    found = layer_features(dossier)
    assert len(found["override"][0]["geometry"]["coordinates"]) == 2
    assert len(found["closed"][0]["geometry"]["coordinates"]) == 1
    assert "2 (" not in str(settled_table(dossier).rows) and "Forbidden" in str(settled_table(dossier).rows)
