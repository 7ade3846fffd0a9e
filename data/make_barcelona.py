"""The bundled layers of a patch of Barcelona: streets, buildings with heights, and sites on roofs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from geojson_files import OSM_LICENCE, Feature, area_feature, point_feature, write_collection
from osm_extract import Extract, building_features, flag_counts, read_extract, street_features
from pyproj import Transformer
from shapely import LineString, union_all
from shapely.ops import transform as shapely_transform

SOURCE = "barcelona/barcelona.osm.pbf"
SHA256 = "5ca39b3ab17669c9ce23d4afcbee70b7ff27bfbd9bb4128552a98f180164839b"
PROVENANCE = {
    "source": "prettymapp 0.0.3 (sdist), cached Overpass answer, OSM of 2022-04-06, converted to PBF",
    "sha256": SHA256,
}
SITE_RULE = (
    "Public offices and other large buildings that OSM names, and the tallest roofs in the data, picked by hand."
)

GREEN_AXES = ("Carrer de Girona", "Carrer del Consell de Cent")
"""Streets that the city rebuilt as green axes in 2022 and 2023."""
HALF_WIDTH_M = 10.0
AXIS_RULE = "Ten metres to both sides of streets that were rebuilt as green axes; that nobody may open them is assumed."
UTM = "EPSG:25831"

USER = ("end", "pair_source")
HUB = ("end", "pair_source", "heralding", "repeater")
ROOF = ("pair_source", "heralding", "repeater")

# OSM object -> id, name, kind, hosts
SITES = {
    "w308754467": ("district-office", "Eixample district office", "town-hall", USER),
    "w402753022": ("justice-department", "Department of Justice, Generalitat de Catalunya", "government", HUB),
    "w439865024": ("presidency", "Department of the Presidency, Generalitat de Catalunya", "government", USER),
    "w462969824": ("antifraud-office", "Antifraud Office of Catalonia", "government", USER),
    "r1808165": ("law-courts", "Palace of Justice", "court", USER),
    "w308754469": ("conservatory", "Municipal Conservatory of Music", "campus", USER),
    "w271480164": ("library", "Sofia Barat library", "library", USER),
    "w134894542": ("north-station", "Estació del Nord municipal sports centre", "civic", USER),
    "r10774195": ("vilanova-office", "Office block, Avinguda de Vilanova 12", "office", HUB),
    "w217163409": ("gran-via-office", "Twelve-storey office block (no name in OSM)", "office", HUB),
    "w511206915": ("urquinaona-tower", "Office tower of 22 storeys (no name in OSM)", "roof", ROOF),
    "r10657916": ("tetuan-roof", "Block of 21 storeys, Plaça de Tetuan 40", "roof", ROOF),
    "w817659942": ("casp-roof", "Block of 21 storeys (no name in OSM)", "roof", ROOF),
}


def write_barcelona(source: Path, out: Path) -> None:
    """Write streets, buildings and sites of the patch into `out`."""
    extract = read_extract(source / SOURCE, SHA256)
    streets, counts = street_features(extract)
    write_collection(out / "streets.geojson.gz", streets, metadata("Streets of a patch of Barcelona", counts=counts))
    buildings = list(building_features(extract))
    counts = {"rows": len(buildings), **flag_counts(buildings)}
    title = metadata("Buildings of a patch of Barcelona", counts=counts)
    write_collection(out / "buildings.geojson.gz", buildings, title)
    write_collection(out / "zones.geojson", axis_features(streets), metadata("Green axes", rule=AXIS_RULE))
    title = metadata("Sites on roofs of a patch of Barcelona", rule=SITE_RULE)
    write_collection(out / "sites.geojson", site_features(extract), title)


def metadata(title: str, **more: object) -> dict[str, object]:
    """Return the head of a layer: what it is, where it comes from and under which licence."""
    return {"title": title, **PROVENANCE, **OSM_LICENCE, **more}


def axis_features(streets: list[Feature]) -> Iterator[Feature]:
    """Yield one area for each green axis, around all its streets."""
    to_metres = Transformer.from_crs("EPSG:4326", UTM, always_xy=True)
    to_degrees = Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)
    for name in GREEN_AXES:
        lines = [LineString(s["geometry"]["coordinates"]) for s in streets if s["properties"]["name"] == name]
        drawn = [shapely_transform(to_metres.transform, line) for line in lines]
        area = union_all([line.buffer(HALF_WIDTH_M, cap_style="flat") for line in drawn])
        properties = {"id": name, "kind": "green-axis", "name": name}
        yield area_feature(properties, shapely_transform(to_degrees.transform, area))


def site_features(extract: Extract) -> Iterator[Feature]:
    """Yield the sites, each at a point inside its building."""
    areas = {area.osm: area for area in extract.areas}
    for osm, (site, name, kind, hosts) in SITES.items():
        point = areas[osm].shape.representative_point()
        note = f"A point inside OSM building {osm}; what it may host is assumed."
        if kind == "roof":
            note = f"On OSM building {osm}; whether its owner would let a roof is not known."
        fields = {"id": site, "name": name, "kind": kind, "hosts": list(hosts), "assumed": kind == "roof", "note": note}
        yield point_feature(fields, point.x, point.y)
