"""Networks kept between runs: what was built from the same contents by the same program is not built again.

Only arrays and JSON are stored, nothing that could run. An entry that cannot be read, or whose digest is not that of
its contents, is built anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np

import planner
from planner.geodata.build import build_network
from planner.geodata.download import cache_folder
from planner.network import Network, Nodes, Spans, site_from, with_digest
from planner.scenario import FreeSpaceCandidate, Layer, Scenario, Site

MAX_ENTRIES = 30
"""Entries that are kept; the one that was not used for the longest goes first."""
NOT_BUILT_FROM = frozenset(
    {"title", "description", "demands", "groups", "technologies", "phases", "economics", "budgets", "objective"}
    | {"rollout", "solver", "fixed", "price_steps"}
)
"""Parts of a scenario that say nothing about the network."""
_FAULTS = (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile)


def cached_network(scenario: Scenario) -> Network:
    """Return `build_network(scenario)`, from the cache where it is there.

    Nothing is cached where a layer is not a file. A cache that cannot be written is passed over: the network is right
    all the same. Raises InputError as `build_network` does.
    """
    key = _key(scenario)
    if key is None:
        return build_network(scenario)
    path = cache_folder() / "networks" / f"{key}.npz"
    found = _read(path, scenario)
    if found is not None:
        return found
    network = build_network(scenario)
    _write(path, network)
    return network


def _key(scenario: Scenario) -> str | None:
    """Return the digest of everything that a network is built from, or None where it cannot be known."""
    digest = hashlib.sha256()
    for source in sorted(Path(planner.__file__).parent.rglob("*.py")):
        digest.update(source.read_bytes())
    # rules for candidate sites look where the demands are
    unread = NOT_BUILT_FROM - {"demands"} if scenario.spec.candidate_sites else NOT_BUILT_FROM
    unread -= {"phases"} if scenario.spec.layers.overrides else set()  # drawn overrides name phases
    spec = scenario.spec.model_dump(mode="json", exclude=set(unread))
    parts = [spec, *(item.model_dump(mode="json") for item in (*scenario.sites, scenario.hardware, scenario.costs))]
    digest.update(json.dumps(parts, sort_keys=True).encode())
    layers = [*_layers(scenario), *(rule.parcels.layer for rule in scenario.spec.candidate_sites if rule.parcels)]
    extracts = [rule.path for rule in scenario.spec.candidate_sites if rule.path]
    tables = [str(Path(layer.path).parent / join.path) for layer in layers for join in layer.joins]
    for path in (scenario.folder / name for name in (*(layer.path for layer in layers), *tables, *extracts)):
        if not path.is_file():
            return None
        for part in sorted(path.parent.glob(f"{path.name.split('.')[0]}.*")):
            digest.update(part.name.encode() + hashlib.sha256(part.read_bytes()).digest())
    return digest.hexdigest()


def _layers(scenario: Scenario) -> Iterator[Layer]:
    for name in type(scenario.spec.layers).model_fields:
        value = getattr(scenario.spec.layers, name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Layer):
                yield item


def _write(path: Path, network: Network) -> None:
    columns = {
        f"{prefix}.{field.name}": getattr(table, field.name)
        for prefix, table in (("nodes", network.nodes), ("spans", network.spans))
        for field in fields(table)
    }
    head = {
        "digest": network.digest,
        "sites": [{field.name: getattr(site, field.name) for field in fields(site)} for site in network.sites],
        "hops": [hop.model_dump(mode="json") for hop in network.hops],
        "found_sites": [site.model_dump(mode="json") for site in network.found_sites],
        "notes": network.notes,
        "attributions": network.attributions,
        "scenario_digest": network.scenario_digest,
        "title": network.title,
        "texts": {name: column for name, column in columns.items() if isinstance(column, tuple)},
    }
    arrays = {name: column for name, column in columns.items() if not isinstance(column, tuple)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            np.savez(file, head=np.frombuffer(json.dumps(head).encode(), dtype=np.uint8), **arrays)
        Path(temporary).replace(path)
        kept = sorted(path.parent.glob("*.npz"), key=lambda entry: entry.stat().st_mtime)
        for entry in kept[:-MAX_ENTRIES]:
            entry.unlink(missing_ok=True)
    except OSError:
        return


def _read(path: Path, scenario: Scenario) -> Network | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            head = json.loads(stored["head"].tobytes())
            arrays = {name: stored[name] for name in stored.files if name != "head"}
        columns = {**arrays, **{name: _tuples(column) for name, column in head["texts"].items()}}
        kept = Network(
            title=head["title"],
            scenario_digest=head["scenario_digest"],
            nodes=Nodes(**{field.name: columns[f"nodes.{field.name}"] for field in fields(Nodes)}),
            spans=Spans(**{field.name: columns[f"spans.{field.name}"] for field in fields(Spans)}),
            sites=tuple(site_from(values) for values in head["sites"]),
            notes=tuple(head["notes"]),
            attributions=tuple(head["attributions"]),
            hops=tuple(FreeSpaceCandidate.model_validate_json(json.dumps(hop)) for hop in head["hops"]),
            found_sites=tuple(Site.model_validate_json(json.dumps(site)) for site in head["found_sites"]),
        )
        if with_digest(kept).digest != head["digest"]:
            return None
        path.touch()
    except _FAULTS:
        return None
    values = {field.name: getattr(kept, field.name) for field in fields(kept)}
    changes = {"title": scenario.spec.title, "scenario_digest": scenario.digest}
    return with_digest(Network(**{**values, **changes}))


def _tuples(column: list[object]) -> tuple[object, ...]:
    """Return a column of texts, or of lists of texts, as tuples."""
    return tuple(tuple(value) if isinstance(value, list) else value for value in column)
