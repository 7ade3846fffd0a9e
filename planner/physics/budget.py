"""The budget of a link or chain, step by step, so that an engineer can follow it by hand.

Nothing is computed here in a way of its own: every step is asked of the function that `evaluate_route` uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planner.catalog import Fiber, LinkHardware
from planner.physics import fiber
from planner.physics.arguments import at_least
from planner.physics.arm import Aim, Arm, ElementaryLink, LinkState
from planner.physics.budget_rows import (
    Row,
    arm_rows,
    chain_rows,
    delivered_rows,
    distilled_rows,
    memory_rows,
    source_rows,
)
from planner.physics.distilled_links import distilled_state
from planner.physics.links import LINK_MODELS
from planner.physics.performance import RoutePerformance, evaluate_route


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One line of a budget: what it is, its value and unit (empty for a share), and how it follows from the others."""

    part: str
    name: str
    value: float
    unit: str
    how: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """All steps of a route, and what they come to."""

    steps: tuple[Step, ...]
    performance: RoutePerformance


@dataclass(frozen=True, kw_only=True, slots=True)
class CurvePoint:
    """What one lane delivers over a route of `length_km`."""

    length_km: float
    performance: RoutePerformance


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteExtras:
    """What stands in the way of a route besides its fiber: joints, patches, and noise photons.

    `joints` and `patches` are those of the whole route, spread evenly over its length; `noise_hz` are photons per
    second at the detectors of each arm.
    """

    joints: int = 0
    patches: int = 0
    noise_hz: float = 0.0

    def loss_db(self, glass: Fiber) -> float:
        """Return the loss of all joints and patches in dB."""
        return self.joints * glass.joint_loss_db + self.patches * glass.patch_loss_db


NO_EXTRAS = RouteExtras()


def links_over(
    arms_km: Sequence[float], glass: Fiber, *, loss_db: float | None = None, extras: RouteExtras = NO_EXTRAS
) -> tuple[ElementaryLink, ...]:
    """Return the links of a route whose arms are `arms_km` long, two for each link, in order.

    The loss is that of fiber, with the joints and patches of `extras` in proportion to length, or `loss_db`, measured
    over the whole route. Raises ValueError for an odd number of arms, none, or negative arguments.

    >>> glass = Fiber(label="x", source="example", wavelength_nm=1550, attenuation_db_per_km=0.4, splice_loss_db=0.0,
    ...     reel_length_km=2.0, slack=1.0, joint_loss_db=0.05, patch_loss_db=0.0, velocity_km_per_s=2e5,
    ...     dispersion_ps_per_nm_km=17.0)
    >>> links_over((5.0, 15.0), glass, extras=RouteExtras(joints=4))[0].left
    Arm(length_km=5.0, loss_db=2.05, noise_hz=0.0)
    """
    if not arms_km or len(arms_km) % 2:
        raise ValueError(f"a link has two arms: give an even number of lengths, got {len(arms_km)}")
    for arm_km in arms_km:
        at_least("length_km", arm_km, 0.0)
    total_km = sum(arms_km)
    shares = [arm_km / total_km if total_km > 0.0 else 1.0 / len(arms_km) for arm_km in arms_km]
    if loss_db is not None:
        at_least("loss_db", loss_db, 0.0)
    arms = [
        Arm(
            length_km=fiber.optical_length_km(arm_km, glass),
            loss_db=fiber.span_loss_db(arm_km, glass) + share * extras.loss_db(glass)
            if loss_db is None
            else share * loss_db,
            noise_hz=extras.noise_hz,
        )
        for arm_km, share in zip(arms_km, shares, strict=True)
    ]
    return tuple(ElementaryLink(left=arms[i], right=arms[i + 1]) for i in range(0, len(arms), 2))


def equal_links(
    length_km: float, count: int, glass: Fiber, *, loss_db: float | None = None, extras: RouteExtras = NO_EXTRAS
) -> tuple[ElementaryLink, ...]:
    """Return `count` equal links, each with its station in the middle, along a route of `length_km`.

    As `links_over`. Raises ValueError for a negative length or loss, or less than one link.

    >>> glass = Fiber(label="x", source="example", wavelength_nm=1550, attenuation_db_per_km=0.4, splice_loss_db=0.0,
    ...     reel_length_km=2.0, slack=1.0, joint_loss_db=0.0, patch_loss_db=0.0, velocity_km_per_s=2e5,
    ...     dispersion_ps_per_nm_km=17.0)
    >>> equal_links(40.0, 2, glass)[0].left
    Arm(length_km=10.0, loss_db=4.0, noise_hz=0.0)
    """
    arms = 2 * int(at_least("count", count, 1))
    return links_over([at_least("length_km", length_km, 0.0) / arms] * arms, glass, loss_db=loss_db, extras=extras)


def route_budget(
    length_km: float,
    count: int,
    hardware: LinkHardware,
    *,
    loss_db: float | None = None,
    min_fidelity: float = 0.25,
    extras: RouteExtras = NO_EXTRAS,
) -> Budget:
    """Return the budget of a route of `count` equal links over `length_km` of fiber, for one lane.

    `loss_db`, if given, was measured over the whole route and replaces the loss model of the fiber. Raises ValueError
    for what `evaluate_route` refuses.
    """
    arms = 2 * int(at_least("count", count, 1))
    arms_km = [at_least("length_km", length_km, 0.0) / arms] * arms
    return arms_budget(arms_km, hardware, loss_db=loss_db, min_fidelity=min_fidelity, extras=extras)


def arms_budget(
    arms_km: Sequence[float],
    hardware: LinkHardware,
    *,
    loss_db: float | None = None,
    min_fidelity: float = 0.25,
    extras: RouteExtras = NO_EXTRAS,
) -> Budget:
    """Return the budget of a route with these lengths of arms, two for each link, for one lane.

    Equal arms and links are shown once. Otherwise as `route_budget`, with the ways of `links_over`.
    """
    route = links_over(arms_km, hardware.fiber, loss_db=loss_db, extras=extras)
    result = evaluate_route(route, hardware, min_fidelity=min_fidelity)
    aim = Aim(min_fidelity=min_fidelity, settings=result.settings, is_fixed=True)
    states = [LINK_MODELS[hardware.link_model](link, hardware, aim) for link in route]
    parts: dict[str, Iterator[Row]] = {}
    is_equal = len({arm for link in route for arm in (link.left, link.right)}) == 1
    for number, (link, state) in enumerate(zip(route, states, strict=True), 1):
        if link in route[: number - 1]:
            continue
        of_link = "" if is_equal else f" {number}"
        arms = [("left arm of link", link.left), ("right arm of link", link.right)]
        for at, (name, arm) in enumerate([("arm", link.left)] if is_equal else arms):
            arm_km = arms_km[2 * number - 2 + at]
            parts[f"{name}{of_link}"] = arm_rows(arm_km, arm, hardware, is_measured=loss_db is not None)
        parts[f"link{of_link}"] = _link_rows(link, hardware, aim, state)
    parts |= _chain_parts(route, states, hardware, result)
    parts["delivered"] = delivered_rows(result)
    steps = (
        Step(part=part, name=name, value=value, unit=unit, how=how)
        for part, lines in parts.items()
        for name, value, unit, how in lines
    )
    return Budget(steps=tuple(steps), performance=result)


def _chain_parts(
    route: tuple[ElementaryLink, ...], states: Sequence[LinkState], hardware: LinkHardware, result: RoutePerformance
) -> dict[str, Iterator[Row]]:
    """Return the parts that only memories have: distillation of each different link, and the chain."""
    if hardware.memory is None:
        return {}
    parts: dict[str, Iterator[Row]] = {}
    made = tuple(states)
    distillation = result.settings.distillation
    if distillation is not None:
        ways = zip(states, route, strict=True)
        made = tuple(distilled_state(state, link, hardware, distillation) for state, link in ways)
        for number, state in enumerate(made, 1):
            if state not in made[: number - 1]:
                parts[f"distillation of link {number}"] = distilled_rows(state, distillation)
    parts["chain"] = chain_rows(route, made, hardware, hardware.memory, result)
    return parts


def rate_curve(
    lengths_km: Sequence[float],
    count: int,
    hardware: LinkHardware,
    *,
    loss_db_per_km: float | None = None,
    min_fidelity: float = 0.25,
    extras: RouteExtras = NO_EXTRAS,
) -> tuple[CurvePoint, ...]:
    """Return what routes of these lengths deliver, each of `count` equal links.

    `loss_db_per_km`, if given, replaces the loss model of the fiber. Raises ValueError as `route_budget` does.
    """
    points = []
    for length_km in lengths_km:
        loss_db = None if loss_db_per_km is None else loss_db_per_km * length_km
        route = equal_links(length_km, count, hardware.fiber, loss_db=loss_db, extras=extras)
        result = evaluate_route(route, hardware, min_fidelity=min_fidelity)
        points.append(CurvePoint(length_km=length_km, performance=result))
    return tuple(points)


def _link_rows(link: ElementaryLink, hardware: LinkHardware, aim: Aim, state: LinkState) -> Iterator[Row]:
    if hardware.memory is None and hardware.pair_source is not None:
        return source_rows(link, hardware, hardware.pair_source, state)
    return memory_rows(link, hardware, aim, state)
