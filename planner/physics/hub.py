"""One pair source for many users: wavelength broadcast to all at once, or switching from pair to pair.

Detectors do not tell wavelengths apart. In a broadcast every user therefore sees the photons of all channels, and
accidental coincidences grow with the number of users; a switch avoids that and costs time and loss instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from planner.physics.arguments import at_least, within
from planner.physics.fiber import transmittance
from planner.physics.pair_source import Coincidences, Receiver, awake_share, coincidences, shared_coincidences


def broadcast_coincidences(
    channel_hz: Mapping[tuple[int, int], float],
    receivers: Sequence[Receiver],
    *,
    window_s: float,
    window_share: float,
    polarization_error: float,
) -> dict[tuple[int, int], Coincidences]:
    """Return rate, error and fidelity of every pair of users that a broadcasting hub serves at the same time.

    `channel_hz` gives, for each pair of users (indices into `receivers`, the smaller first), the pairs per second
    whose photons are sent to exactly these two, after all splitters. S_u = g_u (eta_u sum_v B_uv + D_u) counts the
    light of all channels; true = g_u g_v B_uv eta_u eta_v share; the rest as in `pair_source.coincidences`. A passive
    splitter with shares s makes B s_u s_v arrive at both users, and adds lone photons B s_u (1 - s_v): add those to the
    receiver's noise. Raises ValueError for unknown users or negative brightness.
    Source: Wengerowsky et al., Nature 564, 225 (2018); Joshi et al., Sci. Adv. 6, eaba0959 (2020).

    >>> users = [Receiver(efficiency=10 ** (-loss_db / 10), noise_hz=500.0, dead_time_s=0.0, detectors=1)
    ...     for loss_db in (10, 12, 14, 16)]
    >>> mesh = {(left, right): 2e6 for left in range(4) for right in range(left + 1, 4)}
    >>> pairs = broadcast_coincidences(mesh, users, window_s=500e-12, window_share=0.99677, polarization_error=0.015)
    >>> round(pairs[0, 1].rate_hz), round(pairs[0, 1].error, 4)
    (12692, 0.0193)
    """
    incident_hz = [receiver.noise_hz for receiver in receivers]
    for (left, right), brightness_hz in channel_hz.items():
        if not 0 <= left < right < len(receivers):
            raise ValueError(f"a channel joins two of {len(receivers)} users in ascending order, got {(left, right)!r}")
        at_least("channel_hz", brightness_hz, 0.0)
        incident_hz[left] += brightness_hz * receivers[left].efficiency
        incident_hz[right] += brightness_hz * receivers[right].efficiency
    awake = [awake_share(rate_hz, receiver) for rate_hz, receiver in zip(incident_hz, receivers, strict=True)]
    clicks_hz = [rate_hz * share for rate_hz, share in zip(incident_hz, awake, strict=True)]
    return {
        (left, right): shared_coincidences(
            brightness_hz * receivers[left].efficiency * receivers[right].efficiency * awake[left] * awake[right],
            clicks_hz[left],
            clicks_hz[right],
            window_s=window_s,
            window_share=window_share,
            polarization_error=polarization_error,
        )
        for (left, right), brightness_hz in channel_hz.items()
    }


def switched_coincidences(
    brightness_hz: float,
    left: Receiver,
    right: Receiver,
    *,
    time_share: float,
    switch_loss_db: float,
    window_s: float,
    window_share: float,
    polarization_error: float,
) -> Coincidences:
    """Return rate, error and fidelity of two users to whom an optical switch at the hub gives a share of the time.

    time_share * `pair_source.coincidences` with the loss of one switch pass in each arm. No accidentals from other
    users. The shares of all pairs that a source serves add up to at most one. Raises ValueError for a share outside
    [0, 1] or a negative loss. Source: definition; entanglement switching as in Herbauts et al., Opt. Express 21,
    29013 (2013).

    >>> user = Receiver(efficiency=0.1, noise_hz=100.0, dead_time_s=0.0, detectors=1)
    >>> pairs = switched_coincidences(1e7, user, user, time_share=0.25, switch_loss_db=0.8, window_s=300e-12,
    ...     window_share=0.999, polarization_error=0.01)
    >>> round(pairs.rate_hz)
    17330
    """
    within("time_share", time_share, 0.0, 1.0)
    passed = transmittance(switch_loss_db)
    pairs = coincidences(
        brightness_hz,
        replace(left, efficiency=left.efficiency * passed),
        replace(right, efficiency=right.efficiency * passed),
        window_s=window_s,
        window_share=window_share,
        polarization_error=polarization_error,
    )
    return replace(pairs, rate_hz=pairs.rate_hz * time_share)
