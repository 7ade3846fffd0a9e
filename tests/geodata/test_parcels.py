"""Parcels that could hold a hut: by size, shape, use and owner; and a scenario that finds sites on them."""

import json

import pytest

from geodata.maps import CROSS, box, collection, make_scenario, noted
from planner.errors import InputError
from planner.geodata import build_network
from planner.geodata.parcels import read_parcels
from planner.scenario import ParcelRule

LAND = [
    box(None, 900, 20, 930, 50, id="large", zone="IG", owner="city"),
    box(None, 1000, 20, 1005, 29, id="small", zone="IG", owner="city"),
    box(None, 1100, 20, 1300, 24, id="sliver", zone="IG", owner="city"),
    box(None, 1400, 20, 1440, 60, id="park", zone="OS", owner="city"),
    box(None, 700, 20, 740, 60, id="private", zone="IG", owner="other"),
    box(None, 500, 20, 540, 60, id="unzoned", owner="city"),
]
RULE = {"layer": {"path": "land.geojson"}, "min_area_m2": 100, "min_width_m": 6, "excluded": {"zone": ["OS"]},
        "required": {"owner": ["city"], "zone": ["IG", "IH", "OS"]}}  # fmt: skip


@pytest.fixture(autouse=True)
def land(tmp_path):
    (tmp_path / "land.geojson").write_text(collection(LAND), encoding="utf-8")


def test_every_parcel_is_told_why_it_is_refused(tmp_path):
    parcels = read_parcels(tmp_path, ParcelRule.model_validate_json(json.dumps(RULE)))
    assert dict(zip([feature["properties"]["id"] for feature in LAND], parcels.faults, strict=True)) == {
        "large": "",
        "small": "45 m2 are less than 100 m2",
        "sliver": "4.0 m wide at most, less than 6 m",
        "park": "zone is OS",
        "private": "owner is other",
        "unzoned": "zone is not in the data",
    }
    assert parcels.fits.tolist() == [True, False, False, False, False, False]


def test_a_scenario_finds_its_candidates_on_parcels(tmp_path):
    rule = {"id": "hut", "at": "parcel", "parcels": RULE, "spacing_m": 100}
    network = build_network(make_scenario(tmp_path, candidate_sites=[rule]))
    (site,) = network.found_sites
    assert (site.id, site.kind, site.hosts) == ("hut-001", "parcel", ("pair_source", "heralding", "repeater"))
    assert noted(network, "rule hut: 1 candidate site chosen from 1 place of kind parcel")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"parcels": None}, "`at: parcel` and `parcels` go together"),
        ({"at": "handhole"}, "`at: parcel` and `parcels` go together"),
        (
            {"parcels": RULE | {"excluded": {"zoning": ["OS"]}}},
            "no parcel has the column 'zoning'; did you mean 'zone'",
        ),
    ],
)
def test_wrong_rules_are_refused(tmp_path, changes, expected):
    rule = {"id": "hut", "at": "parcel", "parcels": RULE} | changes
    with pytest.raises(InputError, match=expected):
        build_network(make_scenario(tmp_path, CROSS, candidate_sites=[rule]))
