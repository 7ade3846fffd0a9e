"""The models against published experiments: what they give for the published inputs, and whether it is near enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from planner.physics import chains, coexistence, heralded
from planner.physics.experiments import EXPERIMENTS, Experiment, Figure
from planner.physics.fiber import delay_s, transmittance, window_share
from planner.physics.memory import retention, swapped_werner
from planner.physics.pair_source import Coincidences, Receiver, coincidences
from planner.physics.service import fidelity_of_werner, key_share, werner_of_fidelity

Verdict = Literal["agrees", "differs", "not claimed"]

_BISECTIONS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A published figure and ours; `verdict` is `differs` where we claim the figure and miss it."""

    experiment: Experiment
    figure: Figure
    ours: float | None
    """None where there is no model for the figure."""

    @property
    def inputs(self) -> Mapping[str, float]:
        """Return everything that the model was given."""
        return {**self.experiment.inputs, **self.figure.inputs}

    @property
    def verdict(self) -> Verdict:
        """Return whether ours is accepted, or that nothing is claimed."""
        if self.figure.claim == "not claimed" or self.ours is None:
            return "not claimed"
        low, high = self.figure.accepted
        return "agrees" if low <= self.ours <= high else "differs"


def compare_experiments(experiments: tuple[Experiment, ...] = EXPERIMENTS) -> tuple[Comparison, ...]:
    """Return every figure of the experiments beside what the models give for its inputs.

    >>> {item.verdict for item in compare_experiments()} == {"agrees", "not claimed"}
    True
    """
    return tuple(
        Comparison(
            experiment=experiment,
            figure=figure,
            ours=None if figure.model is None else MODELS[figure.model](**experiment.inputs, **figure.inputs),
        )
        for experiment in experiments
        for figure in experiment.figures
    )


def _table_top(
    *,
    brightness_hz: float,
    loss_db: float,
    detector_efficiency: float,
    left_dark_hz: float,
    right_dark_hz: float,
    width_ns: float,
    dead_time_ns: float,
    detectors: int,
    polarization_error: float,
    window_ns: float,
) -> Coincidences:
    left, right = (
        Receiver(
            efficiency=detector_efficiency * transmittance(loss_db),
            noise_hz=dark_hz,
            dead_time_s=dead_time_ns * 1e-9,
            detectors=detectors,
        )
        for dark_hz in (left_dark_hz, right_dark_hz)
    )
    return coincidences(
        brightness_hz,
        left,
        right,
        window_s=window_ns * 1e-9,
        window_share=window_share(window_ns, width_ns),
        polarization_error=polarization_error,
    )


def _raw_key_hz(**inputs: float) -> float:
    """Return the pairs per second that both measured in the same basis: half of the coincidences."""
    return _table_top(**inputs).rate_hz / 2.0  # type: ignore[arg-type]


def _raw_key_error(**inputs: float) -> float:
    return _table_top(**inputs).error  # type: ignore[arg-type]


def _brightness_law(
    *,
    near_efficiency: float,
    far_efficiency: float,
    far_loss_db: float,
    given_rate_hz: float,
    given_fidelity: float,
    rate_hz: float,
) -> float:
    """Return the fidelity at a pair rate, with the window that explains the given fidelity at the given rate."""
    near = Receiver(efficiency=near_efficiency, noise_hz=0.0, dead_time_s=0.0, detectors=1)
    efficiency = far_efficiency * transmittance(far_loss_db)
    far = Receiver(efficiency=efficiency, noise_hz=0.0, dead_time_s=0.0, detectors=1)

    def fidelity(pairs_hz: float, window_s: float) -> float:
        brightness_hz = pairs_hz / (near.efficiency * far.efficiency)
        return coincidences(
            brightness_hz, near, far, window_s=window_s, window_share=1.0, polarization_error=0.0
        ).fidelity

    low_s, high_s = 1e-11, 1e-7
    for _ in range(_BISECTIONS):
        middle_s = (low_s * high_s) ** 0.5
        low_s, high_s = (middle_s, high_s) if fidelity(given_rate_hz, middle_s) > given_fidelity else (low_s, middle_s)
    return fidelity(rate_hz, low_s)


def _fidelity_beside_traffic(
    *,
    length_km: float,
    brightness_hz: float,
    efficiency: float,
    window_ns: float,
    polarization_error: float,
    quantum_db_per_km: float,
    **channel: float,
) -> float:
    """Return the fidelity of pairs of which one travels against classical light in the same fiber."""
    raman_hz = coexistence.counter_raman_hz(length_km, quantum_db_per_km=quantum_db_per_km, **channel)
    near = Receiver(efficiency=efficiency, noise_hz=0.0, dead_time_s=0.0, detectors=1)
    arrived = efficiency * transmittance(quantum_db_per_km * length_km)
    far = Receiver(efficiency=arrived, noise_hz=raman_hz * efficiency, dead_time_s=0.0, detectors=1)
    return coincidences(
        brightness_hz, near, far, window_s=window_ns * 1e-9, window_share=1.0, polarization_error=polarization_error
    ).fidelity


def _key_from_visibility_hz(*, rate_hz: float, visibility: float, correction_efficiency: float) -> float:
    error = (1.0 - visibility) / 2.0
    return rate_hz * key_share(error, error, 0.5, correction_efficiency)


def _fidelity_after_storage(*, fidelity_nearby: float, coherence_time_s: float, wait_s: float) -> float:
    """Return what two memories leave of a pair that waits for its herald."""
    kept = retention(wait_s, coherence_time_s, "exponential") ** 2
    return fidelity_of_werner(werner_of_fidelity(fidelity_nearby) * kept)


def _single_click_fidelity(*, efficiency: float, bright_state: float) -> float:
    return heralded.single_click(
        efficiency,
        efficiency,
        bright_state=bright_state,
        dark_probability=0.0,
        visibility=1.0,
        phase_error_rad=0.0,
        emission_fidelity=1.0,
    ).fidelity


def _link_rate_hz(*, probability: float, attempts_hz: float) -> float:
    return attempts_hz / chains.mean_slots((probability,))


def _fidelity_of_stored_atoms(
    *,
    length_km: float,
    given_length_km: float,
    given_fidelity: float,
    coherence_time_s: float,
    velocity_km_per_s: float,
) -> float:
    """Return the fidelity over a distance, from that over another one: both atoms wait until the herald is back."""

    def kept(distance_km: float) -> float:
        return retention(delay_s(distance_km, velocity_km_per_s), coherence_time_s, "gaussian") ** 2

    return fidelity_of_werner(werner_of_fidelity(given_fidelity) * kept(length_km) / kept(given_length_km))


def _repeater_fidelity(
    *, probability: float, slot_s: float, coherence_time_s: float, link_fidelity: float, swap_fidelity: float
) -> float:
    """Return the fidelity of two links after a swap; the ends are measured at once."""
    link = werner_of_fidelity(link_fidelity)
    swapped = swapped_werner(link, link, werner_of_fidelity(swap_fidelity))
    return fidelity_of_werner(
        swapped * chains.waiting_decay((probability, probability), slot_s / coherence_time_s, 0.0)
    )


def _two_link_rate_hz(*, probability: float, slot_s: float) -> float:
    return 1.0 / (chains.mean_slots_of_two(probability, 1.0) * slot_s)


def _handshake_rate_hz(
    *,
    emission_efficiency: float,
    detector_efficiency: float,
    db_per_km: float,
    velocity_km_per_s: float,
    length_km: float,
    links: int,
    swap_probability: float,
) -> float:
    """Return the pairs per second of equal links whose attempts take four times the light time of a link."""
    efficiency = emission_efficiency * detector_efficiency * transmittance(db_per_km * length_km / 2.0)
    herald = heralded.double_click(efficiency, efficiency, dark_probability=0.0, visibility=1.0, emission_fidelity=1.0)
    slots = chains.mean_slots((herald.probability,) * links) / swap_probability ** (links - 1)
    return 1.0 / (slots * 4.0 * delay_s(length_km, velocity_km_per_s))


def _swapped_fidelity(*, link_fidelity: float, links: int) -> float:
    link = werner_of_fidelity(link_fidelity)
    werner = link
    for _ in range(links - 1):
        werner = swapped_werner(werner, link, 1.0)
    return fidelity_of_werner(werner)


MODELS: Mapping[str, Callable[..., float]] = MappingProxyType(
    {
        "raw_key_hz": _raw_key_hz,
        "raw_key_error": _raw_key_error,
        "brightness_law": _brightness_law,
        "fidelity_beside_traffic": _fidelity_beside_traffic,
        "key_from_visibility_hz": _key_from_visibility_hz,
        "fidelity_after_storage": _fidelity_after_storage,
        "single_click_fidelity": _single_click_fidelity,
        "link_rate_hz": _link_rate_hz,
        "fidelity_of_stored_atoms": _fidelity_of_stored_atoms,
        "repeater_fidelity": _repeater_fidelity,
        "two_link_rate_hz": _two_link_rate_hz,
        "handshake_rate_hz": _handshake_rate_hz,
        "swapped_fidelity": _swapped_fidelity,
    }
)
"""What answers for a figure, by the name that the experiments use."""
