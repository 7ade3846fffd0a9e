"""Writing a scenario that runs from a user's own streets, sites and demands."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template
from typing import Any

from pydantic import ValidationError

from planner.errors import InputError, OutputError, Problem
from planner.examples import bundled_folder
from planner.outputs import write_atomically
from planner.scenario import Demand, Scenario, ScenarioSpec, Site, load_scenario
from planner.scenario.layers import SiteLayer
from planner.scenario.sitefiles import read_sites
from planner.scenario.tables import from_text, read_table, what_is_wrong
from planner.yamlio import nearest

TEMPLATES = Path(__file__).resolve().parent / "templates"
HOSTS = "end;pair_source;heralding;repeater"
HOSTS_NOTE = "What it may host is assumed"
FIRST_YEAR, YEARS_BETWEEN = 2027, 3
"""Year of the first phase where the table names none, and from one phase to the next."""
EXCHANGE = {"USD": 1.0, "EUR": 0.90}
"""Units of a currency for one US dollar of 2025, near the average rate of 2025."""
FORBIDDEN = ("motorway", "motorway_link", "trunk", "trunk_link", "steps")
MARGIN_SHARE, MIN_MARGIN_M = 0.25, 1000.0
"""Room around the sites: a share of the longer side of their box, at least so many metres."""
USUAL_SNAP_M, MAX_SNAP_M = 250.0, 1000.0
DEFAULTS: Mapping[str, Any] = {"min_rate_hz": 1000.0, "min_fidelity": 0.95, "rate_plane": "detected", "routes": 1}
"""What a table of demands that lacks the column is taken to ask for."""
CLASS_COLUMNS = ("highway", "road_class", "fclass", "class", "roadclass", "functional_class", "type")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 _./-]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftInputs:
    """The files that a draft is made from."""

    streets: Path
    sites: Path
    demands: Path
    ducts: Path | None = None
    currency: str = "USD"


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A scenario that was written, and what had to be assumed for it."""

    path: Path
    notes: tuple[str, ...]


def draft_scenario(inputs: DraftInputs, folder: Path, headline: str = "A first scenario from your own files.") -> Draft:
    """Write a commented scenario with its catalogs and schema into a new folder, and build its network once.

    The extent comes from the sites, phases from the demands, the limit of snapping from the distances to the streets.
    Raises InputError, located, for mistakes in the files and for sites farther than MAX_SNAP_M from a street, and
    OutputError when the folder exists or cannot be written; then nothing is left behind.
    """
    if inputs.currency not in EXCHANGE:
        text = f"no exchange rate for {inputs.currency} here; known are {', '.join(EXCHANGE)}: draft in one, then edit"
        raise InputError.at("--currency", text)
    sites = read_sites(inputs.sites, SiteLayer(path=str(inputs.sites)))
    demands, notes = read_demands(inputs.demands, [site.id for site in sites])
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise OutputError(f"{folder}: exists already; nothing was written") from error
    except OSError as error:
        raise OutputError(f"{folder}: could not be written: {error.strerror or error}") from error
    try:
        _copy_catalogs(folder)
        path = folder / f"{folder.resolve().name}.yaml"
        values = _values(inputs, folder, path.name, headline, sites, demands)
        _write(path, values)
        far_m = _farthest_m(path, notes)
        if far_m > USUAL_SNAP_M:
            limit_m = math.ceil(far_m / 50.0) * 50
            values |= {"max_snap_m": f"{limit_m:g}", "snap": f"Raised: one site is {far_m:,.0f} m off."}
            notes.append(
                f"max_snap_m is {limit_m:g}: a site is {far_m:,.0f} m from its street; is it where it should be?"
            )
        else:
            values |= {"max_snap_m": f"{USUAL_SNAP_M:g}", "snap": f"The farthest is {far_m:,.0f} m off."}
        _write(path, values)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Draft(path=path, notes=tuple(notes))


def draft_template(folder: Path) -> Draft:
    """Write a commented template into a new folder: a small scenario that runs, on bundled streets and small tables.

    Raises OutputError when the folder exists or cannot be written.
    """
    tables = TEMPLATES / "tables"
    bundled = bundled_folder() / "data" / "helsinki-centre"
    inputs = DraftInputs(
        streets=bundled / "streets.geojson.gz", sites=tables / "sites.csv", demands=tables / "demands.csv"
    )
    draft = draft_scenario(inputs, folder, headline="A template: put your own files in the place of the sample ones.")
    for source in (inputs.streets, inputs.sites, inputs.demands):
        shutil.copy(source, folder / source.name)
    text = draft.path.read_text(encoding="utf-8")
    for source in (inputs.streets, inputs.sites, inputs.demands):
        text = text.replace(_relative(source, folder), source.name)
    write_atomically(draft.path, [text])
    return replace(draft, notes=("streets, sites and demands are samples: put your own in their place", *draft.notes))


def read_demands(path: Path, site_ids: Sequence[str]) -> tuple[list[Demand], list[str]]:
    """Return the demands of a table, and notes about columns that it lacks.

    Columns have the names of the fields of `Demand`; only `a` and `b` are needed. Raises InputError with every
    mistake, by its line.
    """
    header, lines = read_table(path)
    problems: list[Problem] = []
    for name in [name for name in header if name not in Demand.model_fields]:
        text = f"unknown column{nearest(name, Demand.model_fields)}"
        problems.append(Problem(where=f"{path}:1", key_path=name, problem=text))
    demands: list[Demand] = []
    lines_of: dict[str, int] = {}
    for line, row in lines:
        given = {name: value for name, value in zip(header, row, strict=True) if value and name in Demand.model_fields}
        fields = {**DEFAULTS, "from_phase": "start", **from_text(Demand, given)}
        fields.setdefault("id", f"{fields.get('a')}-{fields.get('b')}")
        if fields["routes"] == 2:
            fields.setdefault("redundancy", "maximal")
        where = f"{path}:{line}"
        for end in ("a", "b"):
            if end in fields and fields[end] not in site_ids:
                text = f"unknown site '{fields[end]}'{nearest(fields[end], site_ids)}"
                problems.append(Problem(where=where, key_path=end, problem=text))
        if fields.get("a") is not None and fields.get("a") == fields.get("b"):
            problems.append(Problem(where=where, key_path="b", problem="both ends are the same site"))
        if lines_of.setdefault(fields["id"], line) != line:
            text = f"'{fields['id']}' is used twice, first in line {lines_of[fields['id']]}"
            problems.append(Problem(where=where, key_path="id", problem=text))
        try:
            demands.append(Demand.model_validate_json(json.dumps(fields)))
        except ValidationError as error:
            for item in error.errors(include_url=False):
                key_path = ".".join(map(str, item["loc"]))
                problems.append(Problem(where=where, key_path=key_path, problem=what_is_wrong(item)))
    if problems:
        raise InputError(*problems)
    lacking = [f"{name} {value}" for name, value in DEFAULTS.items() if name not in header]
    return demands, [
        f"{path.name} has no such column, assumed for every demand: {', '.join(lacking)}"
    ] if lacking else []


def _copy_catalogs(folder: Path) -> None:
    """Write the catalogs and the schema into the folder of a draft."""
    try:
        (folder / "data").mkdir()
        for catalog in ("hardware.yaml", "costs.yaml"):
            shutil.copy(bundled_folder() / "data" / catalog, folder / "data" / catalog)
    except OSError as error:
        raise OutputError(f"{folder}: could not be written: {error.strerror or error}") from error
    schema = json.dumps(ScenarioSpec.model_json_schema(), indent=1)
    write_atomically(folder / "scenario.schema.json", [schema, "\n"])


def _values(
    inputs: DraftInputs, folder: Path, name: str, headline: str, sites: Sequence[Site], demands: Sequence[Demand]
) -> dict[str, str]:
    """Return what fills the template, with the widest limit of snapping."""
    west, south, east, north = _extent(sites)
    memories = any(demand.rate_plane == "stored" for demand in demands)
    header = read_table(inputs.sites)[0] if inputs.sites.suffix.lower() in (".csv", ".tsv") else []
    return {
        "headline": headline,
        "name": name,
        "title": _scalar(f"Entanglement network: {folder.resolve().name}"),
        "currency": inputs.currency,
        "price_year": "2025",
        "exchange": "" if inputs.currency == "USD" else _exchange(inputs.currency),
        "west": f"{west:g}",
        "south": f"{south:g}",
        "east": f"{east:g}",
        "north": f"{north:g}",
        "streets": _scalar(_relative(inputs.streets, folder)),
        "street_columns": _street_columns(inputs.streets),
        "sites": _scalar(_relative(inputs.sites, folder)),
        "site_values": "" if "hosts" in header else f'\n      values: {{hosts: "{HOSTS}", note: {HOSTS_NOTE}}}',
        "ducts": _ducts(inputs.ducts, folder),
        "forbidden": ", ".join(FORBIDDEN),
        "memory_technology": (TEMPLATES / "memories.yaml").read_text(encoding="utf-8") if memories else "",
        "phases": "\n".join(_phase_lines(demands, memories=memories)),
        "demands": inputs.demands.name,
        "demand_lines": "\n".join(f"  - {_flow(demand)}" for demand in demands),
        "max_snap_m": f"{MAX_SNAP_M:g}",
        "snap": "",
    }


def _exchange(currency: str) -> str:
    """Return the lines that turn the price list into another currency."""
    factor = EXCHANGE[currency]
    source = "Assumption, near the average rate of 2025; no difference in price levels between regions"
    return f"exchange:\n  - {{currency: USD, price_year: 2025, factor: {factor:.2f}, source: {_scalar(source)}}}\n"


def _extent(sites: Sequence[Site]) -> tuple[float, float, float, float]:
    """Return west, south, east and north of the sites with a margin, in degrees to four decimals."""
    lons, lats = [site.lon_deg for site in sites], [site.lat_deg for site in sites]
    m_per_lat = 111_200.0
    m_per_lon = m_per_lat * max(0.05, math.cos(math.radians(sum(lats) / len(lats))))
    longest_m = max((max(lons) - min(lons)) * m_per_lon, (max(lats) - min(lats)) * m_per_lat)
    margin_m = max(MIN_MARGIN_M, MARGIN_SHARE * longest_m)
    east_margin, north_margin = margin_m / m_per_lon, margin_m / m_per_lat
    return (
        max(-180.0, round(min(lons) - east_margin, 4)),
        max(-90.0, round(min(lats) - north_margin, 4)),
        min(180.0, round(max(lons) + east_margin, 4)),
        min(90.0, round(max(lats) + north_margin, 4)),
    )


def _street_columns(path: Path) -> str:
    """Return the mapping of the column of classes, where the file has another one than OpenStreetMap's."""
    from planner.geodata.layers import is_feature_file, read_layer
    from planner.scenario import Layer

    if not is_feature_file(path):
        return ""
    columns = read_layer(path, Layer(path=path.name), {}).columns()
    found = next((name for wanted in CLASS_COLUMNS for name in sorted(columns) if name.lower() == wanted), None)
    return "" if found in (None, "highway") else f"\n    columns: {{road_class: {_scalar(found)}}}"


def _ducts(path: Path | None, folder: Path) -> str:
    """Return the layer of ducts, or a comment that shows one."""
    if path is None:
        return "  # ducts:                      # access: pull (own cable), lease (dark fiber) or both\n" + (
            "  #   - {path: ducts.gpkg, columns: {owner: operator}, values: {access: pull}}"
        )
    return f"  ducts:\n    - path: {_scalar(_relative(path, folder))}\n      values: {{access: pull}}"


def _phase_lines(demands: Sequence[Demand], *, memories: bool) -> list[str]:
    """Return a line for every phase that the demands name: by year where all are years, else in order of mention."""
    names = list(dict.fromkeys(demand.from_phase for demand in demands))
    technologies = "[pair-source, memory-chain]" if memories else "[pair-source]"
    if all(re.fullmatch(r"20\d\d", name) for name in names):
        years = {name: int(name) for name in sorted(names)}
    else:
        years = {name: FIRST_YEAR + YEARS_BETWEEN * index for index, name in enumerate(names)}
    return [
        f"  - {{id: {_scalar(name)}, year: {year}, technologies: {technologies}}}  # budget: 3000000"
        for name, year in years.items()
    ]


def _flow(demand: Demand) -> str:
    """Return a demand as YAML on one line, without what is as by default."""
    values = demand.model_dump(mode="json", exclude_defaults=True)
    return "{" + ", ".join(f"{name}: {_scalar(value)}" for name, value in values.items()) + "}"


def _scalar(value: Any) -> str:
    """Return a value as YAML: text plain where that is safe, else in quotes."""
    is_plain = isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS
    if is_plain and not value.endswith(" "):
        return str(value)
    if isinstance(value, float):
        return f"{value:.10g}" if value < 1e9 else repr(value)
    return json.dumps(value, ensure_ascii=False)


def _relative(path: Path, folder: Path) -> str:
    """Return the way from a folder to a file, or the whole path where there is none (another drive)."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return path.resolve().as_posix()


def _write(path: Path, values: Mapping[str, str]) -> None:
    template = Template((TEMPLATES / "scenario.yaml").read_text(encoding="utf-8"))
    write_atomically(path, [template.substitute(values)])


def _farthest_m(path: Path, notes: list[str]) -> float:
    """Return the longest lateral of the drafted scenario, in metres, after building its network; add what to know."""
    from planner.geodata import build_network

    scenario: Scenario = load_scenario(path)
    network = build_network(scenario)
    notes.append(network.notes[0])
    notes += [note for note in network.notes if "without connection" in note or "not in the data" in note]
    return max(site.lateral_km for site in network.sites) * 1000.0
