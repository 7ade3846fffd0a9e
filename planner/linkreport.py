"""What `planner physics` says: the budget of a link or chain, and the models beside published experiments, as text."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar, get_args

from planner.catalog import (
    NEEDED_DEVICES,
    Distillation,
    Entry,
    HardwareCatalog,
    LinkHardware,
    LinkModel,
    load_hardware,
    wavelengths_fit,
)
from planner.errors import InputError
from planner.examples import bundled_folder
from planner.linkcurve import curve_svg
from planner.outputs import write_atomically
from planner.physics.budget import Budget, RouteExtras, arms_budget, rate_curve
from planner.physics.validation import Comparison, compare_experiments

__all__ = [
    "LinkQuestion",
    "budget_json",
    "budget_text",
    "compare_experiments",
    "experiments_json",
    "experiments_text",
]

AnyEntry = TypeVar("AnyEntry", bound=Entry)

CURVE_POINTS = 41


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkQuestion:
    """A route in the words of the hardware catalog: equal links, or arms of lengths of their own.

    `arms_km` replace `length_km` and `links`; `joints`, `patches` and `noise_hz` are as in `RouteExtras`.
    """

    catalog: Path | None
    memory: str | None
    source: str | None
    link_model: str | None
    fiber: str | None
    detector: str
    termination: str | None
    length_km: float
    links: int
    loss_db: float | None
    min_fidelity: float
    converter: str | None = None
    channel: str | None = None
    hub_users: int = 2
    distillation: tuple[str, ...] = ()
    cutoff: bool = False
    arms_km: tuple[float, ...] = ()
    joints: int = 0
    patches: int = 0
    noise_hz: float = 0.0

    def hardware(self) -> LinkHardware:
        """Return the catalog entries that the question names; raises InputError for one that is not there."""
        model = self._link_model()
        path = self.catalog or bundled_folder() / "data" / "hardware.yaml"
        catalog = load_hardware(path)
        kind = "pair-source" if self.memory is None else "memory"
        fiber = self.fiber or self._fitting_fiber(catalog)
        end = self.termination or f"{kind}-arm" + ("-all-in" if fiber.endswith("-all-in") else "")
        known = [name for name in get_args(Distillation) if name in self.distillation]
        if len(known) < len(set(self.distillation)):
            raise InputError.at("--distillation", f"known are {', '.join(get_args(Distillation))}")
        try:
            return LinkHardware(
                link_model=model,
                fiber=_entry(path, "--fiber", catalog.fibers, fiber),
                termination=_entry(path, "--termination", catalog.terminations, end),
                detector=_entry(path, "--detector", catalog.detectors, self.detector),
                pair_source=_entry(path, "--source", catalog.pair_sources, self.source) if self.source else None,
                memory=_entry(path, "--memory", catalog.memories, self.memory) if self.memory else None,
                converter=_entry(path, "--converter", catalog.converters, self.converter) if self.converter else None,
                channel=_entry(path, "--channel", catalog.channels, self.channel) if self.channel else None,
                hub_users=self.hub_users,
                distillations=tuple(known),
                cutoff=self.cutoff,
            )
        except ValueError as error:
            raise _refused(error) from error

    def _fitting_fiber(self, catalog: HardwareCatalog) -> str:
        """Return the fiber of the bundled catalog that carries the photons of the device, at 1550 nm where both do."""
        device = catalog.memories.get(self.memory or "") or catalog.pair_sources.get(self.source or "")
        converter = catalog.converters.get(self.converter or "")
        photon_nm = converter.to_nm if converter else device.photon_nm if device else None
        is_short = photon_nm is not None and wavelengths_fit(photon_nm, 1310.0)
        return "metro-1310-all-in" if is_short else "metro-1550-all-in"

    def _link_model(self) -> LinkModel:
        """Return the kind of link that is named, or the first that the devices can make."""
        given = (self.source is not None, self.memory is not None)
        fitting = [model for model, needed in NEEDED_DEVICES.items() if needed == given]
        if not fitting:
            raise InputError.at("planner physics", "name a --memory or a --source of the catalog")
        for model in fitting:
            if self.link_model in (model, None):
                return model
        raise InputError.at("--link-model", f"'{self.link_model}' does not fit these devices: {', '.join(fitting)}")

    def extras(self) -> RouteExtras:
        """Return what stands in the way besides fiber."""
        return RouteExtras(joints=self.joints, patches=self.patches, noise_hz=self.noise_hz)

    def budget(self) -> Budget:
        """Return the answer, step by step; raises InputError for what the physics refuses."""
        try:
            arms_km = self.arms_km or [self.length_km / (2 * self.links)] * (2 * self.links)
            return arms_budget(
                arms_km, self.hardware(), loss_db=self.loss_db, min_fidelity=self.min_fidelity, extras=self.extras()
            )
        except ValueError as error:
            raise _refused(error) from error

    def write_curve(self, path: Path) -> Path:
        """Write rate and fidelity against length, up to twice the length of the question, as an SVG; return its path.

        A measured loss is spread evenly over the length. Raises InputError for a length of zero or what the physics
        refuses, OutputError if the file cannot be written.
        """
        if self.arms_km:
            raise InputError.at("--curve", "a curve is of equal links: give --length-km and --links")
        if self.length_km <= 0.0:
            raise InputError.at("--curve", "a curve needs a --length-km above zero")
        lengths_km = [2.0 * self.length_km * index / (CURVE_POINTS - 1) for index in range(CURVE_POINTS)]
        per_km = None if self.loss_db is None else self.loss_db / self.length_km
        try:
            points = rate_curve(
                lengths_km,
                self.links,
                self.hardware(),
                loss_db_per_km=per_km,
                min_fidelity=self.min_fidelity,
                extras=self.extras(),
            )
        except ValueError as error:
            raise _refused(error) from error
        return write_atomically(path, [curve_svg(points, title=self.title(), marked_km=self.length_km)])

    def title(self) -> str:
        """Return what is asked, in a line."""
        device = " and ".join(name for name in (self.source, self.memory) if name)
        links, length_km = (len(self.arms_km) // 2, sum(self.arms_km)) if self.arms_km else (self.links, self.length_km)
        chain = f"{links} link{'s' * (links > 1)} over {length_km:g} km"
        on = f" on {self.fiber}" if self.fiber else ""
        return f"{device}{on}, {chain}"


def lengths_km(text: str) -> tuple[float, ...]:
    """Return the lengths in a list with commas; raises InputError where one is no number.

    >>> lengths_km("3,5.5")
    (3.0, 5.5)
    """
    try:
        return tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError as error:
        raise InputError.at("--arms-km", f"'{text}' is no list of lengths such as 3,5,4,4") from error


def budget_text(question: LinkQuestion, budget: Budget) -> str:
    """Return the budget for a reader: one line a step, then what is outside a valid range, then what is assumed."""
    lines = [f"{question.title()}, one lane"]
    part = ""
    for step in budget.steps:
        if step.part != part:
            part = step.part
            lines += ["", _HEADINGS.get(part, part)]
        lines.append(f"  {step.name:<28}{_number(step.value):>12} {step.unit:<6} {step.how}".rstrip())
    lines += ["", *(f"limit: {limit}" for limit in budget.performance.limits)]
    lines += [f"assumed in the catalog: {text}" for text in _assumptions(question.hardware())]
    return "\n".join(lines).rstrip()


def budget_json(question: LinkQuestion, budget: Budget) -> dict[str, object]:
    """Return question and budget as plain values for JSON; an infinite ceiling becomes null."""
    asked = asdict(question) | {"catalog": None if question.catalog is None else str(question.catalog)}
    steps = [asdict(step) | {"value": _finite(step.value)} for step in budget.steps]
    performance = asdict(budget.performance)
    performance["ceiling_hz"] = _finite(budget.performance.ceiling_hz)
    return {"question": asked, "steps": steps, "performance": performance}


def experiments_text(comparisons: Sequence[Comparison]) -> str:
    """Return the experiments for a reader: published, ours and verdict, with inputs and remarks below."""
    lines: list[str] = []
    for experiment in dict.fromkeys(item.experiment.name for item in comparisons):
        rows = [item for item in comparisons if item.experiment.name == experiment]
        source, inputs = rows[0].experiment.source, rows[0].experiment.inputs
        lines += [*_wrapped(f"{experiment} ({source})", 0), *_wrapped(_inputs(inputs), 2)]
        for item in rows:
            lines += [_figure_line(item), *_wrapped(_inputs(item.figure.inputs), 14), *_wrapped(_remark(item), 14)]
        lines.append("")
    claimed = [item for item in comparisons if item.verdict != "not claimed"]
    agreed = [item for item in claimed if item.verdict == "agrees"]
    rest = len(comparisons) - len(claimed)
    return "\n".join([*lines, f"{len(agreed)} of {len(claimed)} claimed figures agree; {rest} are not claimed"])


def experiments_json(comparisons: Sequence[Comparison]) -> list[dict[str, object]]:
    """Return the experiments as plain values for JSON; an open bound becomes null."""
    return [
        {
            "experiment": item.experiment.name,
            "source": item.experiment.source,
            "quantity": item.figure.quantity,
            "unit": item.figure.unit,
            "inputs": dict(item.inputs),
            "published": item.figure.published,
            "ours": item.ours,
            "accepted": [_finite(bound) for bound in item.figure.accepted],
            "claim": item.figure.claim,
            "verdict": item.verdict,
            "note": item.figure.note,
        }
        for item in comparisons
    ]


_HEADINGS = {
    "arm": "one arm, from a station to the middle of its link (all arms are equal)",
    "link": "one link",
    "chain": "chain",
    "delivered": "delivered from end to end",
}


def _entry(path: Path, option: str, entries: Mapping[str, AnyEntry], name: str) -> AnyEntry:
    if name not in entries:
        raise InputError.at(option, f"no '{name}' in {path}; there are {', '.join(sorted(entries))}")
    return entries[name]


def _refused(error: ValueError) -> InputError:
    return error if isinstance(error, InputError) else InputError.at("planner physics", str(error))


def _assumptions(hardware: LinkHardware) -> list[str]:
    devices = (hardware.pair_source, hardware.memory, hardware.converter, hardware.channel)
    entries = (*devices, hardware.detector, hardware.termination, hardware.fiber)
    return [
        f"{entry.label}: " + (", ".join(entry.assumed) if isinstance(entry.assumed, tuple) else "all figures")
        for entry in entries
        if entry is not None and entry.assumed
    ]


def _figure_line(item: Comparison) -> str:
    figure = item.figure
    low, high = figure.accepted
    accepted = f"accepted {_interval(low, high)}" if item.verdict != "not claimed" else ""
    ours = "-" if item.ours is None else _number(item.ours)
    return (
        f"  {item.verdict:<12}{figure.quantity:<32}{figure.unit:<6}published {_number(figure.published):>9}"
        f"  ours {ours:>9}  {accepted}"
    ).rstrip()


def _interval(low: float, high: float) -> str:
    if math.isinf(low):
        return f"up to {_number(high)}"
    return f"from {_number(low)}" if math.isinf(high) else f"{_number(low)} to {_number(high)}"


def _inputs(inputs: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in inputs.items())


def _wrapped(words: str, indent: int) -> list[str]:
    return textwrap.wrap(words, width=118, initial_indent=" " * indent, subsequent_indent=" " * indent)


def _remark(item: Comparison) -> str:
    given = f"{item.figure.claim}: " if item.figure.claim == "one point given" else ""
    return f"{given}{item.figure.note}"


def _number(value: float) -> str:
    return f"{value:.5g}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
