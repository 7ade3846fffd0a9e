"""The interactive map, drawn with folium and made to work without any request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import folium
import numpy as np
from branca.element import Element, Figure, MacroElement
from folium.map import CustomPane, Layer
from folium.template import Template
from folium.utilities import JsCode

from planner.report.basemap import STEPS_PER_DEG, Basemap, street_basemap
from planner.report.colours import LINE_LOOKS, STREET_LOOKS
from planner.report.dossier import Dossier
from planner.report.layers import Feature, is_line

PANES: Mapping[str, int] = {"under": 380, "halo": 385, "band": 390, "lines": 400, "core": 410, "alarm": 420}
"""Canvases of the map from the lowest to the highest, with their z-index."""
PANE_OF: Mapping[str, str] = {
    "existing": "under",
    "existing-assumed": "under",
    "hop-unused": "under",
    "closed": "under",
    "roadworks": "under",
    "override": "under",
    "primary": "band",
    "backup": "band",
}
"""Pane of each line layer; those not named here lie in `lines`."""
STREETS_ELEMENT = "streets-data"
FIT_PADDING_PX = (28, 28)


@dataclass(frozen=True, kw_only=True, slots=True)
class MapParts:
    """What the page needs to show the map: its element, its script, and the packed streets."""

    html: str
    script: str
    streets: str


class StreetLayer(Layer):
    """The street basemap as a folium layer; the data stands in an inert element of the page."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = plannerReport.streets(
            {{ this.element_id|tojson }}, {{ this.looks|tojson }}, {{ this.steps_per_deg|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, element_id: str, looks: list[dict[str, Any]]) -> None:
        super().__init__(name="streets", overlay=True, control=False)
        self._name = "StreetLayer"
        self.element_id = element_id
        self.looks = looks
        self.steps_per_deg = STEPS_PER_DEG


class Explorer(MacroElement):
    """The start of the page's own script, which ties slider, lists and clicks to the map and its layers."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        plannerReport.explore({{ this._parent.get_name() }}, {
            {%- for name, layer in this.layers.items() %}
            {{ name|tojson }}: {{ layer.get_name() }},
            {%- endfor %}
        }, {{ this.bounds|tojson }}, {{ this.padding|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, layers: dict[str, Layer], bounds: list[list[float]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Explorer"
        self.layers = layers
        self.bounds = bounds
        self.padding = FIT_PADDING_PX


def draw_map(dossier: Dossier, features: Mapping[str, list[Feature]]) -> MapParts:
    """Return the map of a plan with these layers, the lowest first."""
    basemap = street_basemap(dossier.network)
    bounds = _bounds(dossier, features)
    chart = empty_map(bounds)
    for pane, z_index in PANES.items():
        CustomPane(pane, z_index=z_index, pointer_events=False).add_to(chart)
    layers: dict[str, Layer] = {"streets": street_layer(basemap)}
    layers |= {name: _geojson(name, members) for name, members in features.items()}
    for layer in layers.values():
        layer.add_to(chart)
    Explorer(layers, bounds).add_to(chart)
    return rendered(chart, basemap)


def street_layer(basemap: Basemap) -> StreetLayer:
    """Return the layer that draws a street basemap."""
    looks = [
        {"colour": look.colour, "width": look.width_px, "lines": number}
        for look, number in zip(STREET_LOOKS, basemap.line_counts, strict=True)
    ]
    return StreetLayer(STREETS_ELEMENT, looks)


def rendered(chart: folium.Map, basemap: Basemap) -> MapParts:
    """Return a finished map in the parts that a page is made of."""
    figure = cast(Figure, chart.get_root())
    _number_elements(figure)
    figure.render()
    return MapParts(html=figure.html.render(), script=figure.script.render(), streets=basemap.packed)


def empty_map(bounds: list[list[float]]) -> folium.Map:
    """Return a folium map without tiles, styles and scripts from elsewhere."""
    (south, west), (north, east) = bounds
    chart = folium.Map(
        location=[(south + north) / 2.0, (west + east) / 2.0],
        tiles=None,
        prefer_canvas=True,
        attributionControl=False,
        scrollWheelZoom=False,
        fadeAnimation=False,
        minZoom=5,
        maxZoom=18,
        zoomSnap=0.25,
    )
    chart.default_js, chart.default_css = [], []
    return chart


def _geojson(name: str, features: list[Feature]) -> folium.GeoJson:
    """Return a layer of lines with their style, or of points that the page's script draws."""
    if not is_line(name):
        data = {"type": "FeatureCollection", "features": features}
        marker = JsCode(f"plannerReport.marker({name!r})")
        return folium.GeoJson(data, name=name, control=False, point_to_layer=marker)
    look = LINE_LOOKS[name]
    style = {"color": look.colour, "weight": look.width_px, "opacity": 1.0, "lineCap": "butt", "lineJoin": "round"}
    if look.dash:
        style["dashArray"] = look.dash
    styled = [{**feature, "properties": {**feature["properties"], "style": style}} for feature in features]
    return folium.GeoJson(
        {"type": "FeatureCollection", "features": styled},
        name=name,
        control=False,
        pane=PANE_OF.get(name, "lines"),
        interactive=False,
        smooth_factor=0.6,
    )


def _bounds(dossier: Dossier, features: Mapping[str, list[Feature]]) -> list[list[float]]:
    """Return south-west and north-east of what the plan uses, or of all sites and streets when it uses nothing."""
    used = [name for name in features if PANE_OF.get(name) != "under" and not name.endswith("unused")]
    shapes = [feature["geometry"]["coordinates"] for name in used for feature in features[name]]
    shapes = shapes or [[site.lon_deg, site.lat_deg] for site in dossier.scenario.sites]
    nodes = dossier.network.nodes
    return bounds_of(shapes or np.column_stack([nodes.lon_deg, nodes.lat_deg]).tolist())


def bounds_of(shapes: Sequence[Any]) -> list[list[float]]:
    """Return south-west and north-east of the coordinates of some geometries, each as latitude and longitude."""
    lons, lats = zip(*(point for shape in shapes for point in _points(shape)), strict=True)
    return [[float(min(lats)), float(min(lons))], [float(max(lats)), float(max(lons))]]


def _points(coordinates: Any) -> Iterator[tuple[float, float]]:
    """Yield the points in the coordinates of any geometry."""
    if isinstance(coordinates[0], float):
        yield coordinates[0], coordinates[1]
        return
    for part in coordinates:
        yield from _points(part)


def _number_elements(figure: Element) -> None:
    """Give every element of a figure a counted id in place of a random one, so that equal plans give equal pages."""
    for number, element in enumerate(_elements(figure)):
        element._id = str(number)


def _elements(element: Element) -> Iterator[Element]:
    yield element
    for child in element._children.values():
        yield from _elements(child)
