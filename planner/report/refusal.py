"""The page that is written where there is no plan: what stands in the way, where that is, and what would help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import folium
from folium.utilities import JsCode
from markupsafe import Markup

from planner.errors import Change, InfeasibleError, NoPlanError
from planner.network import Network
from planner.outputs import write_atomically
from planner.report.basemap import street_basemap
from planner.report.charts import line_swatch, marker_swatch
from planner.report.colours import BLACK, CIRCLE, FAILED_LOOK, GREEN, GREY, SQUARE, LineLook, MarkerLook
from planner.report.layers import Feature
from planner.report.map import FIT_PADDING_PX, STREETS_ELEMENT, MapParts, bounds_of, empty_map, rendered, street_layer
from planner.report.outside import refuse_requests
from planner.report.page import OSM_COPYRIGHT, STYLES, asset, policy, templates
from planner.report.tables import Table, number_columns, row, text_columns
from planner.report.wording import MISSING, plain
from planner.scenario import Scenario, Site

FILE_NAME = "no-plan.html"
SCRIPTS = ("leaflet.js", "unpack.js", "streets.js")
SPANS, BLOCKED, OPEN, SITES, HELP = "spans", "blocked", "open", "sites", "help"

LINES: Mapping[str, LineLook] = {
    OPEN: LineLook(label="Demand without an obstacle of its own", colour=GREY, width_px=1.5, dash="2 5", halo=False),
    BLOCKED: LineLook(label="Demand that cannot be served", colour=FAILED_LOOK.colour, width_px=2.5, dash="7 5"),
    SPANS: LineLook(label="What all its routes must pass or meet", colour=FAILED_LOOK.colour, width_px=7.0),
}
"""Lines of the map, the lowest first: demands as straight lines, and what stands in the way."""
POINTS: Mapping[str, MarkerLook] = {
    SITES: MarkerLook(label="Site at which a demand ends", colour=BLACK, outline=CIRCLE),
    HELP: MarkerLook(label="Place of a change that would help", colour=GREEN, outline=SQUARE),
}
LABELLED = JsCode(
    "(feature, layer) => layer.bindTooltip("
    'Object.assign(document.createElement("span"), { textContent: feature.properties.label }), { sticky: true })'
)
"""Names are set as text, never as markup."""


def write_refusal(network: Network, scenario: Scenario, error: NoPlanError, folder: Path) -> Path:
    """Write `no-plan.html` into a folder and return its path; raises OutputError when it cannot be written."""
    return write_atomically(Path(folder) / FILE_NAME, [render_refusal(network, scenario, error)])


def render_refusal(network: Network, scenario: Scenario, error: NoPlanError) -> str:
    """Return the page as one HTML text that loads nothing: reasons, changes that would help, and a map of both."""
    scenario = scenario.with_sites(network.found_sites)
    chart = _draw(network, scenario, error)
    scripts = [*(asset(name) for name in SCRIPTS), chart.script]
    page = (
        templates()
        .get_template("refusal.html.j2")
        .render(
            title=scenario.spec.title,
            policy=policy(scripts),
            styles=[Markup(asset(name)) for name in STYLES],
            scripts=[Markup(script) for script in scripts],
            is_proven=isinstance(error, InfeasibleError),
            reasons=error.reasons,
            changes=_change_table(scenario, error.changes),
            map_html=Markup(chart.html),
            streets=chart.streets,
            streets_element=STREETS_ELEMENT,
            legend=[(line_swatch(look), look.label) for look in tuple(LINES.values())[::-1]]
            + [(marker_swatch(look), look.label) for look in POINTS.values()],
            attributions=network.attributions,
            osm_copyright=OSM_COPYRIGHT,
        )
    )
    refuse_requests(page)
    return page


def _change_table(scenario: Scenario, changes: tuple[Change, ...]) -> Table:
    lines = [
        row(
            change.kind,
            change.change,
            change.demand or MISSING,
            MISSING
            if change.lon_deg is None or change.lat_deg is None
            else f"{change.lon_deg:.5f}, {change.lat_deg:.5f}",
            MISSING if change.cost is None else f"{change.cost:,.0f}",
        )
        for change in changes
    ]
    columns = (
        *text_columns("Kind", "Change", "Demand", "Where (longitude, latitude)"),
        *number_columns(["Cost"], unit=scenario.spec.currency),
    )
    return Table(caption="The cheapest single changes that would help", columns=columns, rows=tuple(lines))


def _draw(network: Network, scenario: Scenario, error: NoPlanError) -> MapParts:
    lines = {name: list(features) for name, features in _lines(network, scenario, error).items()}
    points = {SITES: list(_ends(scenario)), HELP: list(_places(error.changes))}
    shown = [*(lines[BLOCKED] or lines[OPEN]), *lines[SPANS], *points[HELP]] or points[SITES]
    bounds = bounds_of([feature["geometry"]["coordinates"] for feature in shown])
    basemap = street_basemap(network)
    chart = empty_map(bounds)
    street_layer(basemap).add_to(chart)
    for name, look in LINES.items():
        style = {"color": look.colour, "weight": look.width_px, "dashArray": look.dash or None, "opacity": 1.0}
        _layer(name, lines[name], style).add_to(chart)
    for name, marker in POINTS.items():
        style = {"radius": 6, "color": "#fff", "weight": 1.5, "fillColor": marker.colour, "fillOpacity": 1.0}
        _layer(name, points[name], style).add_to(chart)
    chart.fit_bounds(bounds, padding=FIT_PADDING_PX)
    return rendered(chart, basemap)


def _layer(name: str, features: list[Feature], style: dict[str, Any]) -> folium.GeoJson:
    styled = [{**item, "properties": {**item["properties"], "style": style}} for item in features]
    return folium.GeoJson(
        {"type": "FeatureCollection", "features": styled},
        name=name,
        control=False,
        on_each_feature=LABELLED,
        point_to_layer=JsCode("(feature, at) => L.circleMarker(at, feature.properties.style)"),
    )


def _lines(network: Network, scenario: Scenario, error: NoPlanError) -> dict[str, Iterator[Feature]]:
    concerned = {demand for obstacle in error.obstacles for demand in obstacle.demands}
    sites = {site.id: site for site in scenario.sites}

    def demands(*, blocked: bool) -> Iterator[Feature]:
        for demand in scenario.demands:
            if (demand.id in concerned) == blocked:
                a, b = sites[demand.a], sites[demand.b]
                yield _feature("LineString", [_place(a), _place(b)], f"{demand.id}: {a.name} – {b.name}")

    return {OPEN: demands(blocked=False), BLOCKED: demands(blocked=True), SPANS: _spans(network, error)}


def _spans(network: Network, error: NoPlanError) -> Iterator[Feature]:
    index = network.span_index()
    for span in sorted({span for obstacle in error.obstacles for span in obstacle.spans}):
        at = index[span]
        metres = 1000.0 * float(network.spans.length_km[at])
        name = f"{network.spans.name[at]} " if network.spans.name[at] else ""
        yield _feature("LineString", network.spans.line(at).tolist(), f"{name}{span}, {metres:.0f} m")


def _ends(scenario: Scenario) -> Iterator[Feature]:
    ends = {site for demand in scenario.demands for site in (demand.a, demand.b)}
    for site in scenario.sites:
        if site.id in ends:
            yield _feature("Point", _place(site), site.name)


def _places(changes: tuple[Change, ...]) -> Iterator[Feature]:
    for change in changes:
        if change.lon_deg is not None and change.lat_deg is not None:
            yield _feature("Point", [change.lon_deg, change.lat_deg], change.change)


def _place(site: Site) -> list[float]:
    return [site.lon_deg, site.lat_deg]


def _feature(kind: str, coordinates: Any, label: str) -> Feature:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "properties": {"label": plain(label)}, "geometry": geometry}
