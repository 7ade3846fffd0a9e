from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.physics.fiber import window_share
from planner.physics.pair_source import (
    Coincidences,
    Receiver,
    awake_share,
    best_brightness_hz,
    coincidences,
    pair_law,
    shared_coincidences,
)
from planner.physics.service import key_share

USER = Receiver(efficiency=10**-0.8, noise_hz=100.0, dead_time_s=0.0, detectors=1)
REFERENCE = {"window_s": 300e-12, "window_share": window_share(300.0, 100.0), "polarization_error": 0.01}
LAW = pair_law(USER, USER, *REFERENCE.values())


def reference(brightness_hz):
    return coincidences(brightness_hz, USER, USER, **REFERENCE)


def secret_bits_hz(pairs, correction_efficiency=1.1):
    return pairs.rate_hz * key_share(pairs.error, pairs.error, 0.5, correction_efficiency)


def test_reference_source():
    pairs = reference(1e7)
    assert pairs.rate_hz == pytest.approx(251_838.8, abs=0.05)
    assert pairs.error == pytest.approx(0.011466, abs=5e-7)
    assert 1 - 2 * pairs.error == pytest.approx(0.977067, abs=5e-7)
    assert pairs.fidelity == pytest.approx(0.98280, abs=5e-6)
    assert secret_bits_hz(pairs) == pytest.approx(102_024.0, rel=2e-6)


def test_reference_source_has_the_published_optimum():
    brightness_hz = np.linspace(3.4e8, 3.8e8, 401)
    bits_hz = [secret_bits_hz(reference(value)) for value in brightness_hz]
    assert brightness_hz[int(np.argmax(bits_hz))] == pytest.approx(3.59e8, rel=2e-3)
    assert max(bits_hz) == pytest.approx(1.658e6, rel=5e-4)


def test_sampled_photons_agree_with_the_formula():
    # Photon by photon: pairs at random times, each photon kept with its efficiency, noise clicks, jitter, one window.
    rng = np.random.default_rng(7)
    brightness_hz, duration_s, window_s, jitter_s = 2e6, 2.0, 2e-8, 4e-9
    left = Receiver(efficiency=0.2, noise_hz=2e4, dead_time_s=0.0, detectors=1)
    right = Receiver(efficiency=0.1, noise_hz=5e4, dead_time_s=0.0, detectors=1)
    born = rng.uniform(0.0, duration_s, rng.poisson(brightness_hz * duration_s))

    def clicks(user):
        seen = born[rng.random(born.size) < user.efficiency]
        seen = seen + rng.normal(0.0, jitter_s, seen.size)
        noise = rng.uniform(0.0, duration_s, rng.poisson(user.noise_hz * duration_s))
        return np.sort(np.concatenate([seen, noise]))

    left_clicks, right_clicks = clicks(left), clicks(right)
    first = np.searchsorted(right_clicks, left_clicks - window_s / 2)
    last = np.searchsorted(right_clicks, left_clicks + window_s / 2)
    counted = int((last - first).sum())
    width = 2.0 * np.sqrt(2.0 * np.log(2.0)) * jitter_s * np.sqrt(2.0)
    expected = coincidences(
        brightness_hz,
        left,
        right,
        window_s=window_s,
        window_share=window_share(window_s * 1e12, width * 1e12),
        polarization_error=0.0,
    ).rate_hz
    # Both jitters move the difference of the two clicks.
    assert abs(counted / duration_s - expected) < 4.0 * np.sqrt(counted) / duration_s


def test_position_of_the_source_changes_no_true_pairs_without_noise():
    quiet = {"window_s": 1e-15, "window_share": 1.0, "polarization_error": 0.0}
    near, far = (Receiver(efficiency=value, noise_hz=0.0, dead_time_s=0.0, detectors=1) for value in (0.5, 0.02))
    middle = Receiver(efficiency=0.1, noise_hz=0.0, dead_time_s=0.0, detectors=1)
    assert coincidences(1e6, near, far, **quiet).rate_hz == pytest.approx(
        coincidences(1e6, middle, middle, **quiet).rate_hz
    )


def test_brightness_visibility_trade_off_does_not_depend_on_loss():
    def excess(efficiency):
        user = Receiver(efficiency=efficiency, noise_hz=0.0, dead_time_s=0.0, detectors=1)
        error = coincidences(1e8, user, user, window_s=3e-10, window_share=1.0, polarization_error=0.0).error
        return 1.0 / (1.0 - 2.0 * error) - 1.0

    assert excess(1e-3) == pytest.approx(excess(0.3))
    assert excess(0.3) == pytest.approx(1e8 * 3e-10)


def test_dead_time_saturates_a_receiver():
    slow = replace(USER, dead_time_s=1e-6, detectors=2)
    assert awake_share(2e6, slow) == pytest.approx(0.5)
    assert awake_share(2e6, USER) == 1.0
    pairs = coincidences(1e8, slow, slow, **REFERENCE)
    assert pairs.rate_hz < reference(1e8).rate_hz / 10


def test_best_brightness_stops_at_the_cap():
    assert best_brightness_hz(LAW, max_brightness_hz=1e7, min_fidelity=0.25) == 1e7


def test_best_brightness_is_the_peak_of_ebits():
    best_hz = best_brightness_hz(LAW, max_brightness_hz=1e10, min_fidelity=0.25)
    grid = best_hz * np.linspace(0.9, 1.1, 21)

    def ebits_hz(brightness_hz):
        from planner.physics.service import hashing_ebits

        pairs = reference(float(brightness_hz))
        return pairs.rate_hz * hashing_ebits(pairs.fidelity)

    assert ebits_hz(best_hz) >= max(ebits_hz(value) for value in grid) * (1 - 1e-9)


def test_source_is_dimmed_for_fidelity():
    bright_hz = best_brightness_hz(LAW, max_brightness_hz=1e8, min_fidelity=0.25)
    dim_hz = best_brightness_hz(LAW, max_brightness_hz=1e8, min_fidelity=0.975)
    assert dim_hz < bright_hz
    assert reference(dim_hz).fidelity == pytest.approx(0.975, abs=1e-7)


def test_unreachable_fidelity_gives_the_best_there_is():
    dim_hz = best_brightness_hz(LAW, max_brightness_hz=1e8, min_fidelity=0.999)
    assert reference(dim_hz).fidelity >= max(reference(value).fidelity for value in np.geomspace(1e4, 1e8, 200)) - 1e-9


def test_dark_source_gives_noise_only():
    assert shared_coincidences(0.0, 0.0, 0.0, window_s=1e-9, window_share=1.0, polarization_error=0.0) == Coincidences(
        rate_hz=0.0, error=0.5, fidelity=0.25
    )


@given(
    left=st.floats(1e-6, 1.0), right=st.floats(1e-6, 1.0), factor=st.floats(0.01, 1.0), dead_time_s=st.floats(0.0, 1e-6)
)
def test_more_loss_never_more_pairs(left, right, factor, dead_time_s):
    near = Receiver(efficiency=left, noise_hz=500.0, dead_time_s=dead_time_s, detectors=2)
    far = replace(near, efficiency=left * factor)
    other = replace(near, efficiency=right)
    bright = {"window_s": 3e-10, "window_share": 0.9, "polarization_error": 0.01}
    assert coincidences(1e7, far, other, **bright).rate_hz <= coincidences(1e7, near, other, **bright).rate_hz * (
        1 + 1e-12
    )


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: Receiver(efficiency=1.5, noise_hz=0.0, dead_time_s=0.0, detectors=1), "1.5"),
        (lambda: Receiver(efficiency=0.5, noise_hz=-1.0, dead_time_s=0.0, detectors=1), "-1.0"),
        (lambda: reference(0.0), "0.0"),
        (lambda: coincidences(1.0, USER, USER, **REFERENCE | {"window_s": 0.0}), "0.0"),
        (lambda: coincidences(1.0, USER, USER, **REFERENCE | {"polarization_error": 0.7}), "0.7"),
        (lambda: best_brightness_hz(LAW, max_brightness_hz=-5.0, min_fidelity=0.5), "-5.0"),
    ],
)
def test_invalid_arguments_are_named(call, value):
    with pytest.raises(ValueError, match=value):
        call()
