"""Candidate sites found by rule: junctions, handholes, and places of an OpenStreetMap extract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from scipy.spatial import cKDTree

from planner.errors import InputError
from planner.geodata.files import kind_of
from planner.geodata.handholes import Handholes
from planner.geodata.layers import read_layer
from planner.geodata.lines import Flags
from planner.geodata.osm_places import read_osm_places
from planner.geodata.parcels import read_parcels
from planner.geodata.polygons import read_shapes
from planner.geodata.region import inside, to_metres
from planner.geodata.rightofway import Ground
from planner.geodata.snapping import StreetPlan, nearest_feet
from planner.geodata.streets import OSM_ENDINGS
from planner.geodata.wording import clean_text, counted, listed
from planner.geodata.zones import ZONE_COLUMNS
from planner.network import Floats
from planner.scenario import CandidateRule, Scenario, Site
from planner.scenario.layers import SiteLayer
from planner.scenario.spec import Fittings

PLACE_TAGS: dict[str, tuple[str, ...]] = {
    "exchange": ("telecom=exchange", "telecom=central_office", "building=telephone_exchange"),
    "data-centre": ("telecom=data_center", "building=data_center"),
    "municipal": (
        "amenity=townhall",
        "amenity=fire_station",
        "amenity=police",
        "amenity=library",
        "amenity=courthouse",
    ),
    "street-cabinet": ("man_made=street_cabinet", "telecom=connection_point", "telecom=distribution_point"),
}
"""Tags of OpenStreetMap behind the kinds of places that a rule can ask for."""
MIN_STREETS = 3
"""Streets that make a junction where a rule names no classes."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Places:
    """Places that a rule may choose from, in longitude and latitude, and their names."""

    points: Floats
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Surroundings:
    """What rules look at: the scenario, its streets, and where ducts meet them."""

    scenario: Scenario
    plan: StreetPlan
    ground: Ground
    usable: Flags
    """Blocks that hang together with the most."""
    handholes: Handholes

    @property
    def dug(self) -> Flags:
        """Return which blocks a site can be joined to."""
        return self.usable & self.ground.buildable


def find_candidates(around: Surroundings) -> tuple[tuple[Site, ...], tuple[str, ...]]:
    """Return the sites that the scenario's rules find, sorted by id, and a note about each rule.

    Raises InputError, located, for a rule without the data that it needs, or whose sites would have the id of another.
    """
    scenario = around.scenario
    found: list[Site] = []
    notes: list[str] = []
    taken = [(site.lon_deg, site.lat_deg) for site in scenario.sites]
    known = {site.id for site in scenario.sites}
    for index, rule in enumerate(scenario.spec.candidate_sites):
        where = f"candidate_sites[{index}]"
        places = _places(around, rule, where)
        allowed = _allowed(around, rule, places, where)
        chosen = _spread(around, rule, places, allowed, np.array(taken, dtype=np.float64).reshape(-1, 2))
        sites = [_site(rule, number, places, at) for number, at in enumerate(chosen, start=1)]
        if repeated := sorted(known & {site.id for site in sites}):
            text = f"finds a site with the id of another: {repeated[0]}"
            raise InputError.at(str(scenario.path), text, key_path=where)
        known |= {site.id for site in sites}
        taken += [(site.lon_deg, site.lat_deg) for site in sites]
        found += sites
        notes.append(
            f"rule {rule.id}: {counted(len(sites), 'candidate site')} chosen from "
            f"{counted(len(places.names), 'place')} of kind {rule.at}, {int(allowed.sum()):,} of which the rule "
            "allows; none was reviewed on the ground"
        )
    return tuple(sorted(found, key=lambda site: site.id)), tuple(notes)


def _site(rule: CandidateRule, number: int, places: Places, at: int) -> Site:
    """Return a found site with what its rule says about it."""
    site_id = f"{rule.id}-{number:03d}"
    fittings = {name: getattr(rule, name) for name in Fittings.model_fields}
    lon_deg, lat_deg = places.points[at].tolist()
    return Site(
        id=site_id,
        name=places.names[at] or f"Candidate {site_id}",
        kind=rule.at,
        lon_deg=lon_deg,
        lat_deg=lat_deg,
        assumed=True,
        note=rule.note or f"Found by rule {rule.id}; nothing was reviewed on the ground",
        **fittings,
    )


def _places(around: Surroundings, rule: CandidateRule, where: str) -> Places:
    """Return all places of the kind that a rule asks for."""
    if rule.at == "street-junction":
        points = _junctions(around, rule)
        return Places(points=points, names=("",) * len(points))
    if rule.at == "handhole":
        holes = around.handholes
        joined = [at for at in range(len(holes.places)) if holes.junctions[at] >= 0 or holes.feet[at] is not None]
        points = holes.places[joined].reshape(-1, 2)
        return Places(points=points, names=("",) * len(points))
    if rule.parcels is not None:
        parcels = read_parcels(around.scenario.folder, rule.parcels)
        names = tuple(name for name, flag in zip(parcels.names, parcels.fits.tolist(), strict=True) if flag)
        return Places(points=parcels.points[parcels.fits].reshape(-1, 2), names=names)
    return _osm_places(around.scenario, rule, where)


def _junctions(around: Surroundings, rule: CandidateRule) -> Floats:
    """Return the junctions of streets that may be dug: of three, or of two of the rule's classes."""
    blocks = around.plan.blocks
    classes = around.ground.road_class
    wanted = np.array([not rule.road_classes or name in rule.road_classes for name in classes], dtype=np.bool_)
    counts = np.zeros(len(blocks.junctions), dtype=np.int64)
    for ends in (blocks.start, blocks.end):
        np.add.at(counts, ends[around.dug & wanted], 1)
    points: Floats = blocks.junctions[counts >= (2 if rule.road_classes else MIN_STREETS)]
    return points


def _osm_places(scenario: Scenario, rule: CandidateRule, where: str) -> Places:
    """Return the places of an extract inside the extent; none is no mistake, for maps know few of them."""
    named = rule.path or scenario.spec.layers.streets.path
    path = scenario.folder / named
    if kind_of(path) not in OSM_ENDINGS:
        text = f"{rule.at} places come from an OpenStreetMap extract: name it in path"
        raise InputError.at(str(scenario.path), text, key_path=f"{where}.path")
    found = read_osm_places(path, SiteLayer(path=named, tags=PLACE_TAGS[rule.at]), may_be_empty=True)
    places = [values for _, values in found]
    points = np.array([(place["lon_deg"], place["lat_deg"]) for place in places], dtype=np.float64).reshape(-1, 2)
    kept = inside(points, scenario.spec.extent)
    return Places(
        points=points[kept],
        names=tuple(str(place["name"]) for place, flag in zip(places, kept.tolist(), strict=True) if flag),
    )


def _allowed(around: Surroundings, rule: CandidateRule, places: Places, where: str) -> Flags:
    """Return which places a rule allows: near a street, on the way between sites, and in the right zones."""
    spec = around.scenario.spec
    feet = nearest_feet(around.plan, places.points, around.dug) if around.dug.any() else []
    near = np.array([foot.distance_m <= spec.max_snap_m for foot in feet], dtype=np.bool_)
    near = near if len(near) else np.zeros(len(places.points), dtype=np.bool_)
    allowed: Flags = near & _on_the_way(around, rule, places)
    wanted = {*rule.zones_excluded, *rule.zones_required}
    if not wanted:
        return allowed
    shapes, kinds = _zones(around.scenario, wanted, where)
    tree = shapely.STRtree(shapes)
    at, zone = tree.query(shapely.points(places.points), predicate="within")
    within = {kind: np.zeros(len(places.points), dtype=np.bool_) for kind in wanted}
    for place, found in zip(at.tolist(), zone.tolist(), strict=True):
        within[kinds[found]][place] = True
    for kind in rule.zones_excluded:
        allowed = allowed & ~within[kind]
    if rule.zones_required:
        allowed = allowed & np.logical_or.reduce([within[kind] for kind in rule.zones_required])
    return allowed


def _on_the_way(around: Surroundings, rule: CandidateRule, places: Places) -> Flags:
    """Return which places lie on a way between the ends of some demand that is not too long."""
    scenario = around.scenario
    spots = to_metres(around.plan.projection, places.points)
    found = np.zeros(len(spots), dtype=np.bool_)
    for demand in scenario.demands:
        ends = np.array([(site.lon_deg, site.lat_deg) for site in map(scenario.site, (demand.a, demand.b))])
        first, second = to_metres(around.plan.projection, ends)
        way_m = np.hypot(*(spots - first).T) + np.hypot(*(spots - second).T)
        found |= way_m <= rule.detour * float(np.hypot(*(first - second)))
    return found


def _zones(scenario: Scenario, wanted: set[str], where: str) -> tuple[list[Any], list[str]]:
    """Return the polygons of the wanted kinds; raises InputError when no zone is of a kind."""
    shapes: list[Any] = []
    kinds: list[str] = []
    for layer in scenario.spec.layers.zones:
        collection = read_layer(scenario.folder / layer.path, layer, ZONE_COLUMNS)
        drawn = read_shapes(collection, "zone")
        column = layer.columns.get("kind", "kind")
        for feature, shape in zip(drawn.features, drawn.shapes, strict=True):
            kind = clean_text(collection.properties(feature).get(column))
            if kind in wanted:
                shapes.append(shape)
                kinds.append(kind)
    if missing := sorted(wanted - set(kinds)):
        text = f"no zone of kind {listed(missing)} in the layers of zones"
        raise InputError.at(str(scenario.path), text, key_path=where)
    return shapes, kinds


def _spread(around: Surroundings, rule: CandidateRule, places: Places, allowed: Flags, taken: Floats) -> list[int]:
    """Return allowed places, each the farthest from all sites so far, until they lie too near or are enough."""
    spots = to_metres(around.plan.projection, places.points)
    others = to_metres(around.plan.projection, taken)
    reach_m = cKDTree(others).query(spots)[0] if len(others) and len(spots) else np.full(len(spots), np.inf)
    reach_m = np.where(allowed, reach_m, -1.0)
    chosen: list[int] = []
    while len(chosen) < min(rule.max_sites, len(spots)):
        at = int(np.argmax(reach_m))
        if reach_m[at] < max(rule.spacing_m, 0.1):
            break
        chosen.append(at)
        reach_m = np.minimum(reach_m, np.hypot(*(spots - spots[at]).T))
    return chosen
