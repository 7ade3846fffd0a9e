"""The page: all parts put into one HTML text that needs nothing from outside."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from planner.differences import differences, explain
from planner.report.answer import describe_answer
from planner.report.assumptions import describe_assumptions
from planner.report.bill import price_table, site_table
from planner.report.charts import line_swatch, street_swatch, swatch
from planner.report.colours import BROKEN_LOOK, FAILED_LOOK, LINE_LOOKS, MARKER_LOOKS, LineLook, MarkerLook
from planner.report.dossier import Dossier, phase_names
from planner.report.layers import LAYERS, LEGEND_GROUPS, Feature, layer_features
from planner.report.limits import binding_table
from planner.report.map import STREETS_ELEMENT, draw_map
from planner.report.mapdata import map_data, site_kinds
from planner.report.outside import refuse_requests
from planner.report.permits import override_table, permit_table
from planner.report.proof import check_groups, failed_table, failure_effects, failure_table, failure_words, reproduction
from planner.report.service import demand_name, route_table, service_table
from planner.report.spending import describe_spending
from planner.report.wording import counted, plain, spaced
from planner.report.work import settled_table, span_table, work_table

ASSETS = Path(__file__).with_name("assets")
SCRIPTS = ("leaflet.js", "unpack.js", "streets.js", "picking.js", "explorer.js")
"""Scripts of the page in the order in which they run, before the one that folium writes."""
STYLES = ("leaflet.css", "report.css")
OSM_COPYRIGHT = "https://www.openstreetmap.org/copyright"


def render_page(dossier: Dossier) -> str:
    """Return the report as one HTML text; raises OutputError when it would load anything from elsewhere."""
    features = layer_features(dossier)
    chart = draw_map(dossier, features)
    scripts = [*(asset(name) for name in SCRIPTS), chart.script]
    page = (
        templates()
        .get_template("page.html.j2")
        .render(
            title=dossier.plan.title,
            policy=policy(scripts),
            styles=[Markup(asset(name)) for name in STYLES],
            scripts=[Markup(script) for script in scripts],
            map_html=Markup(chart.html),
            streets=chart.streets,
            streets_element=STREETS_ELEMENT,
            data=_inert(map_data(dossier)),
            **_map_contents(dossier, features),
            **_contents(dossier),
        )
    )
    refuse_requests(page)
    return page


def _contents(dossier: Dossier) -> dict[str, Any]:
    """Return what the sections of the page show, apart from the map."""
    return {
        "description": [part for part in dossier.scenario.spec.description.split("\n\n") if part.strip()],
        "answer": describe_answer(dossier),
        "failed": failed_table(dossier),
        "assumptions": describe_assumptions(dossier),
        "spending": describe_spending(dossier),
        "has_budget": any(phase.budget is not None for phase in dossier.scenario.phases),
        "against": dossier.against.rollout if dossier.against else "",
        "rollout": dossier.plan.rollout,
        "differences": explain(differences(dossier.plan, dossier.against), dossier.plan.currency)
        if dossier.against
        else (),
        "work": work_table(dossier),
        "settled": settled_table(dossier),
        "permits": permit_table(dossier),
        "overrides": override_table(dossier),
        "spans": span_table(dossier),
        "served": service_table(dossier),
        "routes": route_table(dossier),
        "binding": binding_table(dossier),
        "failures": failure_table(dossier),
        "failure_words": failure_words(dossier),
        "prices": price_table(dossier),
        "sites": site_table(dossier),
        "checks": check_groups(dossier),
        "reproduction": reproduction(dossier),
        "counted": counted,
        "spaced": spaced,
    }


def _map_contents(dossier: Dossier, features: dict[str, list[Feature]]) -> dict[str, Any]:
    """Return what the map's controls and its legend show."""
    looks: dict[str, LineLook | MarkerLook] = {**LINE_LOOKS, **MARKER_LOOKS}
    return {
        "phases": phase_names(dossier),
        "legend": [
            (
                group,
                [
                    (layer, looks[layer.name].label, swatch(layer.name))
                    for layer in reversed(LAYERS)
                    if layer.group == group and layer.name in features
                ],
            )
            for group in LEGEND_GROUPS
        ],
        "kinds": site_kinds(dossier),
        "alarm_legend": [(line_swatch(look), look.label) for look in (FAILED_LOOK, BROKEN_LOOK)],
        "street_swatch": street_swatch(),
        "demands": [demand_name(dossier, demand) for demand in dossier.scenario.demands],
        "failure_labels": [effect.label for effect in failure_effects(dossier, dossier.routes())],
        "attributions": dossier.network.attributions,
        "osm_copyright": OSM_COPYRIGHT,
    }


@cache
def templates() -> Environment:
    """Return the environment of the page's templates: everything is escaped and freed of invisible characters."""
    return Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        finalize=lambda value: value if isinstance(value, Markup) or not isinstance(value, str) else plain(value),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def asset(name: str) -> str:
    """Return a script or style of the page, without what a browser would look for beside the file."""
    text = (ASSETS / name).read_text(encoding="utf-8").replace("\r\n", "\n")
    text = re.sub(r"url\(images/[^)]*\)", "none", text)
    return re.sub(r"\n//# sourceMappingURL=\S*\s*$", "\n", text)


def _inert(value: Any) -> Markup:
    """Return a value as JSON that cannot end its element or be read as markup."""
    text = json.dumps(_plain(value), allow_nan=False, separators=(",", ":"))
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)


def _plain(value: Any) -> Any:
    """Return a value with every text in it freed of invisible characters."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return plain(value) if isinstance(value, str) else value


def policy(scripts: list[str]) -> str:
    """Return the content security policy that lets exactly these scripts run, and nothing load."""
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
