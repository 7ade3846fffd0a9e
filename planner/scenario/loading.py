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
from planner.scenario.groups import group_demands
from planner.scenario.layers import DATABASE_SCHEMES, SiteLayer
from planner.scenario.references import reference_problems
from planner.scenario.sitefiles import read_sites
from planner.scenario.spec import Scenario, ScenarioSpec, Site
from planner.yamlio import Document, parse_model, read_document


def load_scenario(path: Path | str) -> Scenario:
    """Return the scenario in a YAML file, with its sites, hardware and prices.

    Raises InputError with every mistake of the scenario, its site layers and its catalogs.
    """
    path = Path(path)
    document = read_document(path)
    spec, problems = parse_model(document, ScenarioSpec)
    hardware, costs = _catalogs(document, problems)
    layer_sites, notes = _layer_sites(document, spec, problems)
    problems += _missing_files(document)
    problems += reference_problems(document, hardware, costs, tuple(site.id for site in layer_sites))
    if spec is not None:
        problems += _misplaced_sites(document, spec, layer_sites)
        problems += _unguarded_ends(document, spec, layer_sites)
    if spec is None or hardware is None or costs is None or problems:
        raise InputError(*sorted(problems, key=_reading_order))
    prices = _local_prices(spec, costs)
    sites = tuple(sorted((*spec.sites, *layer_sites), key=lambda site: site.id))
    links = group_demands(spec.groups, {site.id: (site.lon_deg, site.lat_deg) for site in sites})
    spec = spec.model_copy(update={"demands": (*spec.demands, *links)})
    return Scenario(
        path=path,
        spec=spec,
        sites=sites,
        hardware=hardware,
        costs=prices,
        digest=_digest(spec, sites, hardware, prices),
        notes=tuple(notes),
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
        if not named.startswith(DATABASE_SCHEMES) and not (document.path.parent / named).is_file()
    ]


def _layer_sites(
    document: Document, spec: ScenarioSpec | None, problems: list[Problem]
) -> tuple[list[Site], list[str]]:
    """Return the sites of all site layers that can be read, and notes about them; mistakes join `problems`.

    Things that a layer chose by tags are left out where they lie outside the extent: an extract is wider than a region.
    """
    sites: list[Site] = []
    notes: list[str] = []
    for key_path, named in _layer_entries(document):
        path = document.path.parent / named
        if key_path[1] == "sites" and (named.startswith(DATABASE_SCHEMES) or path.is_file()):
            raw = _get(document.value, *key_path[:-1])
            try:
                layer = SiteLayer.model_validate_json(json.dumps(raw))
                found = read_sites(path, layer)
            except ValidationError:
                continue  # already reported with the scenario itself
            except InputError as error:
                problems.extend(error.problems)
                continue
            inside = found
            if layer.tags and spec is not None:
                inside = [
                    site
                    for site in found
                    if site.id in layer.objects or spec.extent.contains(site.lon_deg, site.lat_deg)
                ]
            if len(inside) < len(found):
                notes.append(f"{path.name}: {len(found) - len(inside):,} sites chosen by tags lie outside the extent")
            sites += inside
    return sites, notes


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


def _unguarded_ends(document: Document, spec: ScenarioSpec, layer_sites: list[Site]) -> Iterator[Problem]:
    """Yield a problem for every demand or group that asks more of its stations than one of its own sites has."""
    classes = {site.id: site.security_class for site in (*spec.sites, *layer_sites)}
    asked = [(("demands", at), (item.a, item.b), item.min_security_class) for at, item in enumerate(spec.demands)]
    groups = [(("groups", at), item.members, item.min_security_class) for at, item in enumerate(spec.groups)]
    for key_path, ends, least in (*asked, *groups):
        for end in ends:
            if classes.get(end, least) < least:
                text = f"asks for class {least} at all stations, but site {end} has security_class {classes[end]}"
                yield document.problem((*key_path, "min_security_class"), text)


def _local_prices(spec: ScenarioSpec, costs: CostCatalog) -> CostCatalog:
    """Return the price list in the scenario's money, with its local prices put in."""
    factor = 1.0
    if (costs.currency, costs.price_year) != (spec.currency, spec.price_year):
        rates = {(rate.currency, rate.price_year): rate.factor for rate in spec.exchange}
        factor = rates[costs.currency, costs.price_year]
    items = {name: _scaled(item, factor) for name, item in costs.items.items()}
    for name, override in spec.prices.items():
        changes: dict[str, Any] = {"price": override.price, "source": override.source, "assumed": override.assumed}
        changes["price_steps"] = override.price_steps
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
