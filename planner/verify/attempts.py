"""Sampling of single attempts: photons, detectors and dark clicks, until a heralding station announces a pair.

Nothing here knows a success probability. Every attempt draws which photons arrive, where they leave the beam splitter
and which detectors fire by themselves; what the station announces, and which error the pair then carries, follows. An
error is one of 0 (none), 1, 2, 3: the Pauli operator that separates the pair from the announced Bell state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from planner.catalog import Detector, LinkHardware, Memory
from planner.physics.arm import NOTHING_SET, Aim, ElementaryLink, Settings, arm_noise_hz
from planner.physics.links import LINK_MODELS

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

BLOCK = 200_000
"""Largest number of photon modes drawn at a time: a matter of memory only."""
FIRST_ATTEMPTS = 2
"""Half of the attempts drawn at first; their number doubles while pairs are waiting, so that few are drawn in vain."""
PHASE_FLIP = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Midpoint:
    """What decides about an attempt of one link: emitters or a source, two arms, and the detectors."""

    link_model: Literal["double_click", "single_click", "sender_receiver", "absorptive"]
    arrival: tuple[float, float]
    """Share of photons that make their detector fire, for both arms; of a photon sent all the way, the first."""
    dark: tuple[float, float]
    """Share of windows in which a detector fires by itself; on both sides, where there are two stations."""
    memory: Memory
    bright_state: float
    mean_pairs: float
    """Pairs per mode of a source in the middle."""
    pair_error: float
    """Share of its pairs in the wrong outcome."""
    duty: float
    drift: float
    """Share of pairs in the wrong outcome by polarization drift."""
    busy_s: float
    """Time for which an announced photon keeps a memory from the next mode, where there are two stations."""
    clock_s: float
    """Time from one attempt to the next."""
    herald_s: tuple[float, float]
    """Time in which each memory waits for the announcement."""
    slot_s: float | None = None
    """Mean time from one attempt to the next, where announced photons delay some of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Announced:
    """Attempts until the announcement, and the error of the announced pair, for many pairs."""

    attempts: Floats
    errors: Integers


def midpoint_of(
    link: ElementaryLink, hardware: LinkHardware, settings: Settings = NOTHING_SET, min_fidelity: float = 0.25
) -> Midpoint:
    """Return what decides about the attempts of a link; raises ValueError for a link without memories.

    The brightness of a source for absorbing memories is the planner's choice for `min_fidelity`.
    """
    memory, detector, end = hardware.memory, hardware.detector, hardware.termination
    if memory is None:
        raise ValueError(f"only links between memories can be sampled, not {hardware.link_model}")
    left_s, right_s = (arm.length_km / hardware.fiber.velocity_km_per_s for arm in (link.left, link.right))
    noise_hz = [arm_noise_hz(arm, hardware) for arm in (link.left, link.right)]
    correction = end.correction_s / end.correction_interval_s
    values: dict[str, Any] = {
        "memory": memory,
        "bright_state": settings.bright_state or memory.bright_state,
        "mean_pairs": 0.0,
        "pair_error": 0.0,
        "duty": memory.duty * (1.0 - correction),
        "drift": end.drift_error,
        "busy_s": 0.0,
    }
    shares = [_arrival(arm.loss_db, hardware, memory) for arm in (link.left, link.right)]
    if hardware.link_model == "sender_receiver":
        through = _arrival(link.left.loss_db + link.right.loss_db, hardware, memory) * memory.storage_efficiency
        seen_hz = noise_hz[0] * 10.0 ** (-0.1 * link.right.loss_db) + noise_hz[1]
        dark = _dark(seen_hz, detector, memory)
        wait_s = 2.0 * (left_s + right_s)
        clock_s = max(1.0 / memory.repetition_hz, wait_s + memory.initialization_s)
        return Midpoint(
            link_model="sender_receiver",
            arrival=(through, 0.0),
            dark=(dark, dark),
            clock_s=clock_s,
            herald_s=(wait_s, 0.0),
            **values,
        )
    if hardware.link_model == "absorptive":
        chosen = LINK_MODELS["absorptive"](link, hardware, Aim(min_fidelity=min_fidelity))
        values["mean_pairs"] = (chosen.brightness_hz or 0.0) / memory.repetition_hz
        return replace(_absorbing(link, hardware, memory, noise_hz, values), slot_s=chosen.clock_s)
    if hardware.link_model not in ("double_click", "single_click"):
        raise ValueError(f"only links between memories can be sampled, not {hardware.link_model}")
    dark = _dark(sum(noise_hz), detector, memory)
    return Midpoint(
        link_model=hardware.link_model,
        arrival=(shares[0], shares[1]),
        dark=(dark, dark),
        clock_s=max(1.0 / memory.repetition_hz, 2.0 * max(left_s, right_s) + memory.initialization_s),
        herald_s=(2.0 * left_s, 2.0 * right_s),
        **values,
    )


def _absorbing(
    link: ElementaryLink, hardware: LinkHardware, memory: Memory, noise_hz: list[float], values: dict[str, Any]
) -> Midpoint:
    """Return a source in the middle and two memories that absorb; its brightness is the planner's choice."""
    source, detector = hardware.pair_source, hardware.detector
    if source is None:
        raise ValueError("an absorptive link has no pair source")
    mode_s = 1.0 / memory.repetition_hz
    left_s, right_s = (arm.length_km / hardware.fiber.velocity_km_per_s for arm in (link.left, link.right))
    stored = source.coupling_efficiency * memory.storage_efficiency / memory.emission_efficiency
    dark_hz = detector.dark_count_hz * detector.detectors
    window_s = min(mode_s, memory.detection_window_ns * 1e-9)
    seen = memory.storage_efficiency * detector.efficiency
    values |= {
        "pair_error": source.polarization_error + hardware.termination.drift_error,
        "drift": 0.0,
        "busy_s": left_s + right_s + memory.initialization_s,
    }
    return Midpoint(
        link_model="absorptive",
        arrival=(
            _arrival(link.left.loss_db, hardware, memory) * stored,
            _arrival(link.right.loss_db, hardware, memory) * stored,
        ),
        dark=(
            float(1.0 - np.exp(-(dark_hz + noise_hz[0] * seen) * window_s)),
            float(1.0 - np.exp(-(dark_hz + noise_hz[1] * seen) * window_s)),
        ),
        clock_s=mode_s,
        herald_s=(2.0 * right_s, 2.0 * left_s),
        **values,
    )


def _dark(noise_hz: float, detector: Detector, memory: Memory) -> float:
    clicks_hz = detector.dark_count_hz + noise_hz * detector.efficiency / detector.detectors
    return float(1.0 - np.exp(-clicks_hz * memory.detection_window_ns * 1e-9))


def announce(midpoint: Midpoint, count: int, rng: np.random.Generator) -> Announced:
    """Return the attempts that `count` pairs took, one after the other, and the error that each pair has.

    In an attempt all modes of the memory try at once, in the share `duty` of the time in which the link is up; the
    first mode that is announced is kept. Errors are spread evenly over the three Pauli operators (twirled), as the
    planner's fidelities assume. Modes that keep memories busy count as so many attempts as they take time, spread over
    all modes.
    """
    attempts, errors = np.zeros(count), np.zeros(count, dtype=np.int64)
    waiting, modes, rows = np.arange(count), midpoint.memory.modes, FIRST_ATTEMPTS
    while len(waiting):
        rows = max(1, min(2 * rows, BLOCK // (len(waiting) * modes)))
        heard, found, busy = _try(midpoint, (len(waiting), rows, modes), rng)
        heard &= (rng.random((len(waiting), rows)) < midpoint.duty)[:, :, np.newaxis]
        flat = heard.reshape(len(waiting), rows * modes)
        first, is_heard = flat.argmax(axis=1), flat.any(axis=1)
        tried = np.where(is_heard, first // modes + 1, rows)
        attempts[waiting] += tried
        if midpoint.busy_s > 0.0:
            upto = np.cumsum(busy.sum(axis=2), axis=1)[np.arange(len(waiting)), tried - 1]
            attempts[waiting] += upto / modes * midpoint.busy_s / midpoint.clock_s
        errors[waiting] = found.reshape(len(waiting), rows * modes)[np.arange(len(waiting)), first]
        waiting = waiting[~is_heard]
    for _ in range(2):  # the two pairs of a memory and its photon
        errors = disturbed(errors, midpoint.memory.emission_fidelity, rng)
    if midpoint.drift > 0.0:
        errors = disturbed(errors, 1.0 - 1.5 * midpoint.drift, rng)
    return Announced(attempts=attempts, errors=twirled(errors, rng))


def disturbed(errors: Integers, fidelity: float | Floats, rng: np.random.Generator) -> Integers:
    """Return errors after an operation that is right with probability `fidelity`, else adds an error of its own."""
    is_wrong = rng.random(len(errors)) >= fidelity
    added: Integers = np.where(is_wrong, rng.integers(1, 4, len(errors)), 0)
    return errors ^ added


def twirled(errors: Integers, rng: np.random.Generator) -> Integers:
    """Return errors with each one that is there replaced by any of the three."""
    return np.where(errors > 0, rng.integers(1, 4, len(errors)), 0)


def _arrival(loss_db: float, hardware: LinkHardware, memory: Memory) -> float:
    """Return the share of attempts in which a photon is emitted, converted, comes through an arm and is detected."""
    end, channel = hardware.termination, hardware.channel
    mux_db = 2.0 * channel.mux_loss_db if channel is not None and channel.medium == "wavelength" else 0.0
    total_db = loss_db + 2.0 * end.connector_loss_db + end.device_loss_db + end.margin_db + mux_db
    converted = 1.0 if hardware.converter is None else hardware.converter.efficiency
    return float(memory.emission_efficiency * converted * hardware.detector.efficiency * 10.0 ** (-0.1 * total_db))


Tries = tuple[Flags, Integers, Flags]
"""For each photon mode: whether a pair is announced, which error it would have, whether a memory was kept busy."""


def _try(midpoint: Midpoint, shape: tuple[int, ...], rng: np.random.Generator) -> Tries:
    ways = {
        "double_click": _two_clicks,
        "single_click": _one_click,
        "sender_receiver": _photon_sent,
        "absorptive": _photons_absorbed,
    }
    return ways[midpoint.link_model](midpoint, shape, rng)


def _photon_sent(midpoint: Midpoint, shape: tuple[int, ...], rng: np.random.Generator) -> Tries:
    """Sample a photon that travels into the other memory, which announces it by exactly one of two detectors."""
    arrived = rng.random(shape) < midpoint.arrival[0]
    clicks = rng.random((2, *shape)) < midpoint.dark[0]
    clicks[0] |= arrived
    return clicks[0] ^ clicks[1], np.where(arrived, 0, rng.integers(0, 4, shape)), np.zeros(shape, dtype=np.bool_)


def _photons_absorbed(midpoint: Midpoint, shape: tuple[int, ...], rng: np.random.Generator) -> Tries:
    """Sample a mode of a source in the middle: photons of the same pair belong together, others do not."""
    pairs = rng.poisson(midpoint.mean_pairs, shape)
    left, right = midpoint.arrival
    both, left_only, right_only = left * right, left * (1.0 - right), right * (1.0 - left)
    stored = rng.binomial(pairs, both)
    lone_left = rng.binomial(pairs - stored, left_only / (1.0 - both) if both < 1.0 else 0.0)
    rest = 1.0 - both - left_only
    lone_right = rng.binomial(pairs - stored - lone_left, min(1.0, right_only / rest) if rest > 0.0 else 0.0)
    together = stored > 0
    alone = [lone_left > 0, lone_right > 0]
    clicks = [together | one | (rng.random(shape) < dark) for one, dark in zip(alone, midpoint.dark, strict=True)]
    wrong = rng.random(shape) < 1.5 * midpoint.pair_error
    of_pair = np.where(wrong, rng.integers(1, 4, shape), 0)
    return clicks[0] & clicks[1], np.where(together, of_pair, rng.integers(0, 4, shape)), clicks[0] | clicks[1]


def _two_clicks(midpoint: Midpoint, shape: tuple[int, ...], rng: np.random.Generator) -> Tries:
    """Sample the two-photon herald: one click in each of two polarizations, behind a beam splitter with two outputs."""
    left, right = (rng.random(shape) < share for share in midpoint.arrival)
    vertical = rng.integers(0, 2, (2, *shape)).astype(np.bool_)
    output = rng.integers(0, 2, (2, *shape)).astype(np.bool_)
    is_alike = left & right & (vertical[0] == vertical[1])
    output[1] = np.where(is_alike, output[0] ^ ~_leave_together(midpoint, shape, rng), output[1])
    clicks = rng.random((2, 2, *shape)) < midpoint.dark[0]  # polarization, output
    for photon, arrived in enumerate((left, right)):
        for polarization, side in np.ndindex(2, 2):
            clicks[polarization, side] |= (
                arrived & (vertical[photon] == bool(polarization)) & (output[photon] == bool(side))
            )
    heard = (clicks[0, 0] ^ clicks[0, 1]) & (clicks[1, 0] ^ clicks[1, 1])
    dephased = PHASE_FLIP * (rng.random(shape) >= 0.5 * (1.0 + midpoint.memory.visibility))
    wrong_parity = rng.integers(1, 3, shape)
    unknown = rng.integers(0, 4, shape)
    found = np.where(left & right, np.where(is_alike, wrong_parity, dephased), unknown)
    return heard, found, np.zeros(shape, dtype=np.bool_)


def _one_click(midpoint: Midpoint, shape: tuple[int, ...], rng: np.random.Generator) -> Tries:
    """Sample the one-photon herald: emitters that are bright now and then, and exactly one click in two outputs."""
    memory, (eta_left, eta_right) = midpoint.memory, midpoint.arrival
    # Both arms send as often: the one with more loss is bright more often.
    shares = [2.0 * midpoint.bright_state * eta / (eta_left + eta_right) for eta in (eta_right, eta_left)]
    bright = [rng.random(shape) < share for share in shares]
    left, right = (lit & (rng.random(shape) < eta) for lit, eta in zip(bright, midpoint.arrival, strict=True))
    output = rng.integers(0, 2, (2, *shape)).astype(np.bool_)
    output[1] = np.where(left & right, output[0] ^ ~_leave_together(midpoint, shape, rng), output[1])
    clicks = rng.random((2, *shape)) < midpoint.dark[0]
    for photon, arrived in enumerate((left, right)):
        for side in range(2):
            clicks[side] |= arrived & (output[photon] == bool(side))
    ways = [shares[0] * (1.0 - shares[1]) * eta_left, shares[1] * (1.0 - shares[0]) * eta_right]
    balance = 2.0 * np.sqrt(ways[0] * ways[1]) / sum(ways)
    phase = np.cos(rng.normal(0.0, memory.phase_error_rad, shape))
    contrast = np.where(left | right, balance * np.sqrt(memory.visibility) * phase, 0.0)
    dephased = PHASE_FLIP * (rng.random(shape) >= 0.5 * (1.0 + contrast))
    found = np.where(bright[0] ^ bright[1], dephased, rng.integers(1, 3, shape))
    return clicks[0] ^ clicks[1], found, np.zeros(shape, dtype=np.bool_)


def _leave_together(midpoint: Midpoint, shape: tuple[int, ...], rng: np.random.Generator) -> Flags:
    """Return whether two like photons take the same output: always if they interfere, half of the time if not."""
    return rng.random(shape) < 0.5 * (1.0 + midpoint.memory.visibility)
