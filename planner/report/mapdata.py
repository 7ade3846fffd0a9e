"""The inert data block of the page: everything that the map's script shows, as text and numbers."""

from __future__ import annotations

from typing import Any

from planner.report.answer import phase_sentence
from planner.report.basemap import STEPS_PER_DEG, pack_lines
from planner.report.bill import site_details
from planner.report.colours import BROKEN_LOOK, FAILED_LOOK, LINE_LOOKS, MARKER_LOOKS, LineLook
from planner.report.dossier import Dossier, phase_names
from planner.report.proof import failure_effects
from planner.report.service import demand_name, rank_label, service_sentence
from planner.report.work import SPAN_FACTS, span_details


def map_data(dossier: Dossier) -> dict[str, Any]:
    """Return all that the map's script needs besides the layers themselves; numbers refer to positions in lists."""
    shown = _shown_spans(dossier)
    position = {at: number for number, at in enumerate(shown)}
    return {
        "stepsPerDeg": STEPS_PER_DEG,
        "phases": [
            {"name": name, "sentence": phase_sentence(dossier, phase)}
            for phase, name in enumerate(phase_names(dossier))
        ],
        "spans": _spans(dossier, shown),
        "kinds": list(site_kinds(dossier)),
        "sites": [
            {
                "kind": site.kind,
                "name": site.name,
                "at": [site.lat_deg, site.lon_deg],
                "facts": [list(fact) for fact in site_details(dossier, site.id)],
            }
            for site in dossier.scenario.sites
        ],
        "demands": _demands(dossier),
        "routes": _routes(dossier, position),
        "failures": _failures(dossier, position),
        "markers": {
            name: {"path": look.outline, "colour": look.colour, "filled": look.filled, "offset": list(look.offset_px)}
            | {"label": look.label}
            for name, look in MARKER_LOOKS.items()
        },
        "lines": {name: {"halo": look.halo, "hollow": look.hollow} for name, look in LINE_LOOKS.items()},
        "alarm": {"failed": _style(FAILED_LOOK), "broken": _style(BROKEN_LOOK)},
    }


def site_kinds(dossier: Dossier) -> tuple[str, ...]:
    """Return the kinds of the sites, in the order of their boxes in the legend."""
    return tuple(sorted({site.kind for site in dossier.scenario.sites}))


def _shown_spans(dossier: Dossier) -> list[int]:
    """Return the spans that can be clicked: those of the plan, and what exists or could be built besides streets."""
    media = dossier.network.spans.medium
    used = {at for drawn in dossier.routes() for at, _ in drawn.steps}
    return sorted({*dossier.built, *used, *(at for at, medium in enumerate(media) if medium != "trench")})


def _spans(dossier: Dossier, shown: list[int]) -> dict[str, Any]:
    return {
        "packed": pack_lines([dossier.network.spans.line(at) for at in shown]),
        "facts": list(SPAN_FACTS),
        "rows": [list(span_details(dossier, at)) for at in shown],
        "before": [_layer_before(dossier, at) for at in shown],
        "layers": [_layer_built(dossier, at) for at in shown],
        "from": [dossier.built.get(at) for at in shown],
    }


def _layer_before(dossier: Dossier, at: int) -> str:
    """Return the layer that shows a span while the plan does not use it."""
    medium, assumed = dossier.network.spans.medium[at], dossier.network.spans.assumed[at]
    if medium == "trench":
        return ""
    return "hop-unused" if medium == "free_space" else "existing-assumed" if assumed else "existing"


def _layer_built(dossier: Dossier, at: int) -> str:
    """Return the layer that shows a span once the plan uses it."""
    medium, assumed = dossier.network.spans.medium[at], dossier.network.spans.assumed[at]
    names = {
        "trench": ("trench", "trench"),
        "duct": ("cable", "cable-assumed"),
        "dark_fiber": ("lease", "lease-assumed"),
        "free_space": ("hop", "hop-unchecked"),
    }
    return names[medium][int(assumed)]


def _demands(dossier: Dossier) -> list[dict[str, Any]]:
    numbers = {site.id: number for number, site in enumerate(dossier.scenario.sites)}
    phases = range(len(dossier.scenario.phases))
    return [
        {
            "name": demand_name(dossier, demand),
            "sites": [numbers[demand.a], numbers[demand.b]],
            "sentences": [service_sentence(dossier, demand, phase) for phase in phases],
        }
        for demand in dossier.scenario.demands
    ]


def _routes(dossier: Dossier, position: dict[int, int]) -> list[dict[str, Any]]:
    return [
        {
            "demand": drawn.demand,
            "rank": rank_label(drawn.rank).lower(),
            "phases": list(drawn.phases),
            "spans": [[position[at], forward] for at, forward in drawn.steps],
        }
        for drawn in dossier.routes()
    ]


def _failures(dossier: Dossier, position: dict[int, int]) -> list[dict[str, Any]]:
    numbers = {site.id: number for number, site in enumerate(dossier.scenario.sites)}
    return [
        {
            "sentence": effect.sentence,
            "spans": [position[at] for at in effect.spans],
            "site": numbers.get(effect.site),
            "broken": list(effect.broken),
            "surviving": list(effect.surviving),
        }
        for effect in failure_effects(dossier, dossier.routes())
    ]


def _style(look: LineLook) -> dict[str, Any]:
    dash = {"dashArray": look.dash} if look.dash else {}
    return {"color": look.colour, "weight": look.width_px, "lineCap": "butt", **dash}
