"""Reading a scenario: file, site layers, catalogs and prices, with every mistake found reported together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from planner.catalog import CostCatalog, CostItem, HardwareCatalog, load_costs, load_hardware
from planner.errors import InputError, Problem
from planner.scenario.references import reference_problems
from planner.scenario.spec import Layer, Scenario, ScenarioSpec, Site
from planner.yamlio import Document, parse_model, read_document

LONGITUDE_LATITUDE = ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84", "OGC:CRS84", "EPSG:4326")


def load_scenario(path: Path | str) -> Scenario:
    """Return the scenario in a YAML file, with its sites, hardware and prices.

    Raises InputError with every mistake of the scenario, its site layers and its catalogs.
    """
    path = Path(path)
    document = read_document(path)
    spec, problems = parse_model(document, ScenarioSpec)
    hardware, costs = _catalogs(document, problems)
    layer_sites = _layer_sites(document, problems)
    problems += _missing_files(document)
    problems += reference_problems(document, hardware, costs, tuple(site.id for site in layer_sites))
    if spec is not None:
        problems += _misplaced_sites(document, spec, layer_sites)
    if spec is None or hardware is None or costs is None or problems:
        raise InputError(*sorted(problems, key=_reading_order))
    prices = _local_prices(spec, costs)
    sites = tuple(sorted((*spec.sites, *layer_sites), key=lambda site: site.id))
    return Scenario(
        path=path,
        spec=spec,
        sites=sites,
        hardware=hardware,
        costs=prices,
        digest=_digest(spec, sites, hardware, prices),
    )


def _reading_order(problem: Problem) -> tuple[str, int, int, str]:
    """Return a key that sorts problems as they stand in their files."""
    file, _, place = problem.where.partition(":")
    numbers = [int(part) if part.isdigit() else 0 for part in place.split(":")[:2]]
    line, column = (*numbers, 0, 0)[:2]
    return file, line, column, problem.problem


def _get(value: Any, *keys: str | int) -> Any:
    """Return the member at a path of keys of raw YAML, or None where something else stands there."""
    for key in keys:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return None
    return value


def _catalogs(document: Document, problems: list[Problem]) -> tuple[HardwareCatalog | None, CostCatalog | None]:
    """Return both catalogs, or None for one that cannot be read, whose mistakes join `problems`."""
    loaded: list[Any] = []
    for key, load in (("hardware", load_hardware), ("costs", load_costs)):
        named = _get(document.value, "catalogs", key)
        try:
            loaded.append(load(document.path.parent / named) if isinstance(named, str) else None)
        except InputError as error:
            loaded.append(None)
            problems.extend(error.problems)
    hardware, costs = loaded
    return hardware, costs


def _layer_entries(document: Document) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield key path and path of every layer that is named well enough to look for."""
    layers = _get(document.value, "layers")
    for kind in layers if isinstance(layers, dict) else ():
        entries = layers[kind] if isinstance(layers[kind], list) else [layers[kind]]
        for index, entry in enumerate(entries):
            named = _get(entry, "path")
            if isinstance(named, str):
                steps = (kind, index) if isinstance(layers[kind], list) else (kind,)
                yield ("layers", *steps, "path"), named


def _missing_files(document: Document) -> list[Problem]:
    """Return a problem for every layer whose file is not there."""
    return [
        document.problem(key_path, f"no such file: {named}")
        for key_path, named in _layer_entries(document)
        if not (document.path.parent / named).is_file()
    ]


def _layer_sites(document: Document, problems: list[Problem]) -> list[Site]:
    """Return the sites of all site layers that can be read; mistakes join `problems`."""
    sites: list[Site] = []
    for key_path, named in _layer_entries(document):
        path = document.path.parent / named
        if key_path[1] == "sites" and path.is_file():
            raw = _get(document.value, *key_path[:-1])
            try:
                layer = Layer.model_validate_json(json.dumps(raw))
                sites += _read_sites(path, layer)
            except ValidationError:
                continue  # already reported with the scenario itself
            except InputError as error:
                problems.extend(error.problems)
    return sites


def _read_sites(path: Path, layer: Layer) -> list[Site]:
    """Return the sites of a GeoJSON file of points; raises InputError with every mistake in it."""
    try:
        collection = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError.at(str(path), f"not a readable GeoJSON file: {error}") from error
    features = _get(collection, "features")
    if not isinstance(features, list) or not features:
        raise InputError.at(str(path), "layer of sites is empty or not a GeoJSON FeatureCollection")
    crs = _get(collection, "crs", "properties", "name") or layer.crs or LONGITUDE_LATITUDE[0]
    if crs not in LONGITUDE_LATITUDE:
        raise InputError.at(str(path), f"sites must be in longitude and latitude (EPSG:4326), not in {crs}")
    sites: list[Site] = []
    problems: list[Problem] = []
    for index, feature in enumerate(features):
        try:
            sites.append(Site.model_validate_json(json.dumps(_site_fields(feature, layer))))
        except ValidationError as error:
            where = f"{path}: feature {_get(feature, 'properties', 'id') or index}"
            problems += [
                Problem(where=where, key_path=".".join(str(part) for part in item["loc"]), problem=item["msg"])
                for item in error.errors(include_url=False)
            ]
    if problems:
        raise InputError(*problems)
    return sites


def _site_fields(feature: Any, layer: Layer) -> dict[str, Any]:
    """Return the fields of a site from a GeoJSON feature, its columns mapped and others left out."""
    properties = _get(feature, "properties") or {}
    point = _get(feature, "geometry", "coordinates")
    fields = {name: properties.get(layer.columns.get(name, name)) for name in Site.model_fields}
    is_point = _get(feature, "geometry", "type") == "Point" and isinstance(point, list) and len(point) >= 2
    fields["lon_deg"], fields["lat_deg"] = (point[0], point[1]) if is_point else (None, None)
    return {name: value for name, value in fields.items() if value is not None}


def _misplaced_sites(document: Document, spec: ScenarioSpec, layer_sites: list[Site]) -> Iterator[Problem]:
    """Yield a problem for every site outside the extent, with a hint where longitude and latitude are swapped."""
    places = [(document.where(("sites", index)), f"sites[{index}]", site) for index, site in enumerate(spec.sites)]
    places += [(f"{document.path}", f"site {site.id} of a layer", site) for site in layer_sites]
    for where, key_path, site in places:
        if not spec.extent.contains(site.lon_deg, site.lat_deg):
            swapped = spec.extent.contains(site.lat_deg, site.lon_deg)
            hint = "; longitude and latitude look swapped" if swapped else ""
            problem = f"site {site.id} at {site.lon_deg}, {site.lat_deg} lies outside the extent{hint}"
            yield Problem(where=where, key_path=key_path, problem=problem)


def _local_prices(spec: ScenarioSpec, costs: CostCatalog) -> CostCatalog:
    """Return the price list in the scenario's money, with its local prices put in."""
    factor = 1.0
    if (costs.currency, costs.price_year) != (spec.currency, spec.price_year):
        rates = {(rate.currency, rate.price_year): rate.factor for rate in spec.exchange}
        factor = rates[costs.currency, costs.price_year]
    items = {name: _scaled(item, factor) for name, item in costs.items.items()}
    for name, override in spec.prices.items():
        changes = {"price": override.price, "source": override.source, "assumed": override.assumed}
        bounds = {"low": min(override.price, items[name].low), "high": max(override.price, items[name].high)}
        items[name] = items[name].model_copy(update={**changes, **bounds})
    return costs.model_copy(update={"currency": spec.currency, "price_year": spec.price_year, "items": items})


def _scaled(item: CostItem, factor: float) -> CostItem:
    """Return a cost item with its prices multiplied by `factor`."""
    return item.model_copy(update={"price": item.price * factor, "low": item.low * factor, "high": item.high * factor})


def _digest(spec: ScenarioSpec, sites: tuple[Site, ...], hardware: HardwareCatalog, costs: CostCatalog) -> str:
    """Return the SHA-256 of everything that a scenario says, independent of the order of keys and of file paths."""
    contents = {
        "spec": spec.model_dump(mode="json", exclude={"layers", "catalogs"}),
        "sites": [site.model_dump(mode="json") for site in sites],
        "hardware": hardware.model_dump(mode="json"),
        "costs": costs.model_dump(mode="json"),
    }
    return hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()
