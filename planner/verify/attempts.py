"""Sampling of single attempts: photons, detectors and dark clicks, until a heralding station announces a pair.

Nothing here knows a success probability. Every attempt draws which photons arrive, where they leave the beam splitter
and which detectors fire by themselves; what the station announces, and which error the pair then carries, follows. An
error is one of 0 (none), 1, 2, 3: the Pauli operator that separates the pair from the announced Bell state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from planner.catalog import Detector, LinkHardware, Memory, Termination
from planner.physics.performance import Arm, ElementaryLink

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
    """What decides about an attempt of one link: two emitters, two arms, and the detectors between them."""

    link_model: Literal["double_click", "single_click"]
    arrival: tuple[float, float]
    """Share of emitted photons that make their detector fire, for both arms."""
    dark: float
    """Share of windows in which a detector fires by itself."""
    memory: Memory
    clock_s: float
    """Time from one attempt to the next."""
    herald_s: tuple[float, float]
    """Time in which each memory waits for the announcement."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Announced:
    """Attempts until the announcement, and the error of the announced pair, for many pairs."""

    attempts: Integers
    errors: Integers


def midpoint_of(link: ElementaryLink, hardware: LinkHardware) -> Midpoint:
    """Return what decides about the attempts of a link; raises ValueError for a link without memories."""
    memory, detector = hardware.memory, hardware.detector
    if memory is None or hardware.link_model == "pair_source":
        raise ValueError(f"only links between memories can be sampled, not {hardware.link_model}")
    delays_s = [arm.length_km / hardware.fiber.velocity_km_per_s for arm in (link.left, link.right)]
    noise_hz = (link.left.noise_hz + link.right.noise_hz) * detector.efficiency / detector.detectors
    clicks_hz = detector.dark_count_hz + noise_hz
    return Midpoint(
        link_model=hardware.link_model,
        arrival=(
            _arrival(link.left, hardware.termination, detector, memory),
            _arrival(link.right, hardware.termination, detector, memory),
        ),
        dark=float(1.0 - np.exp(-clicks_hz * memory.detection_window_ns * 1e-9)),
        memory=memory,
        clock_s=max(1.0 / memory.repetition_hz, 2.0 * max(delays_s) + memory.initialization_s),
        herald_s=(2.0 * delays_s[0], 2.0 * delays_s[1]),
    )


def announce(midpoint: Midpoint, count: int, rng: np.random.Generator) -> Announced:
    """Return the attempts that `count` pairs took, one after the other, and the error that each pair has.

    In an attempt all modes of the memory try at once, in the share `duty` of the time in which the link is up; the
    first mode that is announced is kept. Errors are spread evenly over the three Pauli operators (twirled), as the
    planner's fidelities assume.
    """
    attempts, errors = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    waiting, modes, rows = np.arange(count), midpoint.memory.modes, FIRST_ATTEMPTS
    while len(waiting):
        rows = max(1, min(2 * rows, BLOCK // (len(waiting) * modes)))
        heard, found = _try(midpoint, (len(waiting), rows, modes), rng)
        heard &= (rng.random((len(waiting), rows)) < midpoint.memory.duty)[:, :, np.newaxis]
        flat = heard.reshape(len(waiting), rows * modes)
        first, is_heard = flat.argmax(axis=1), flat.any(axis=1)
        attempts[waiting] += np.where(is_heard, first // modes + 1, rows)
        errors[waiting] = found.reshape(len(waiting), rows * modes)[np.arange(len(waiting)), first]
        waiting = waiting[~is_heard]
    for _ in range(2):  # the two pairs of a memory and its photon
        errors = disturbed(errors, midpoint.memory.emission_fidelity, rng)
    return Announced(attempts=attempts, errors=twirled(errors, rng))


def disturbed(errors: Integers, fidelity: float | Floats, rng: np.random.Generator) -> Integers:
    """Return errors after an operation that is right with probability `fidelity`, else adds an error of its own."""
    is_wrong = rng.random(len(errors)) >= fidelity
    added: Integers = np.where(is_wrong, rng.integers(1, 4, len(errors)), 0)
    return errors ^ added


def twirled(errors: Integers, rng: np.random.Generator) -> Integers:
    """Return errors with each one that is there replaced by any of the three."""
    return np.where(errors > 0, rng.integers(1, 4, len(errors)), 0)


def _arrival(arm: Arm, termination: Termination, detector: Detector, memory: Memory) -> float:
    loss_db = arm.loss_db + 2.0 * termination.connector_loss_db + termination.device_loss_db + termination.margin_db
    return float(memory.emission_efficiency * detector.efficiency * 10.0 ** (-0.1 * loss_db))


def _try(midpoint: Midpoint, shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Flags, Integers]:
    """Return for each photon mode whether the station announces a pair, and the error that it would have."""
    return (_two_clicks if midpoint.link_model == "double_click" else _one_click)(midpoint, shape, rng)


def _two_clicks(midpoint: Midpoint, shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Flags, Integers]:
    """Sample the two-photon herald: one click in each of two polarizations, behind a beam splitter with two outputs."""
    left, right = (rng.random(shape) < share for share in midpoint.arrival)
    vertical = rng.integers(0, 2, (2, *shape)).astype(np.bool_)
    output = rng.integers(0, 2, (2, *shape)).astype(np.bool_)
    is_alike = left & right & (vertical[0] == vertical[1])
    output[1] = np.where(is_alike, output[0] ^ ~_leave_together(midpoint, shape, rng), output[1])
    clicks = rng.random((2, 2, *shape)) < midpoint.dark  # polarization, output
    for photon, arrived in enumerate((left, right)):
        for polarization, side in np.ndindex(2, 2):
            clicks[polarization, side] |= (
                arrived & (vertical[photon] == bool(polarization)) & (output[photon] == bool(side))
            )
    heard = (clicks[0, 0] ^ clicks[0, 1]) & (clicks[1, 0] ^ clicks[1, 1])
    dephased = PHASE_FLIP * (rng.random(shape) >= 0.5 * (1.0 + midpoint.memory.visibility))
    wrong_parity = rng.integers(1, 3, shape)
    unknown = rng.integers(0, 4, shape)
    return heard, np.where(left & right, np.where(is_alike, wrong_parity, dephased), unknown)


def _one_click(midpoint: Midpoint, shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Flags, Integers]:
    """Sample the one-photon herald: emitters that are bright now and then, and exactly one click in two outputs."""
    memory, (eta_left, eta_right) = midpoint.memory, midpoint.arrival
    # Both arms send as often: the one with more loss is bright more often.
    shares = [2.0 * memory.bright_state * eta / (eta_left + eta_right) for eta in (eta_right, eta_left)]
    bright = [rng.random(shape) < share for share in shares]
    left, right = (lit & (rng.random(shape) < eta) for lit, eta in zip(bright, midpoint.arrival, strict=True))
    output = rng.integers(0, 2, (2, *shape)).astype(np.bool_)
    output[1] = np.where(left & right, output[0] ^ ~_leave_together(midpoint, shape, rng), output[1])
    clicks = rng.random((2, *shape)) < midpoint.dark
    for photon, arrived in enumerate((left, right)):
        for side in range(2):
            clicks[side] |= arrived & (output[photon] == bool(side))
    ways = [shares[0] * (1.0 - shares[1]) * eta_left, shares[1] * (1.0 - shares[0]) * eta_right]
    balance = 2.0 * np.sqrt(ways[0] * ways[1]) / sum(ways)
    phase = np.cos(rng.normal(0.0, memory.phase_error_rad, shape))
    contrast = np.where(left | right, balance * np.sqrt(memory.visibility) * phase, 0.0)
    dephased = PHASE_FLIP * (rng.random(shape) >= 0.5 * (1.0 + contrast))
    return clicks[0] ^ clicks[1], np.where(bright[0] ^ bright[1], dephased, rng.integers(1, 3, shape))


def _leave_together(midpoint: Midpoint, shape: tuple[int, ...], rng: np.random.Generator) -> Flags:
    """Return whether two like photons take the same output: always if they interfere, half of the time if not."""
    return rng.random(shape) < 0.5 * (1.0 + midpoint.memory.visibility)
