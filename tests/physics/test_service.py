import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.physics import service


@pytest.mark.parametrize(
    ("fidelity", "werner", "error", "ebits", "key", "practical_key"),
    [
        (0.85, 0.800000, 0.100000, 0.152415, 0.062009, 0.0),
        (0.90, 0.866667, 0.066667, 0.372508, 0.293281, 0.118372),
        (0.95, 0.933333, 0.033333, 0.634355, 0.578315, 0.272290),
        (0.99, 0.986667, 0.006667, 0.903357, 0.884444, 0.437600),
    ],
)
def test_usable_quantities_of_werner_pairs(fidelity, werner, error, ebits, key, practical_key):
    assert service.werner_of_fidelity(fidelity) == pytest.approx(werner, abs=5e-7)
    assert service.qubit_error(fidelity) == pytest.approx(error, abs=5e-7)
    assert service.hashing_ebits(fidelity) == pytest.approx(ebits, abs=5e-7)
    bit_error = service.qubit_error(fidelity)
    assert service.key_share(bit_error, bit_error, 1.0, 1.0) == pytest.approx(key, abs=5e-7)
    assert service.key_share(bit_error, bit_error, 0.5, 1.16) == pytest.approx(practical_key, abs=5e-7)


@pytest.mark.parametrize(
    ("correction_efficiency", "threshold"), [(1.0, 0.11003), (1.1, 0.10228), (1.16, 0.09811), (1.22, 0.09424)]
)
def test_key_ends_at_the_published_error(correction_efficiency, threshold):
    assert service.key_share(threshold - 1e-5, threshold - 1e-5, 1.0, correction_efficiency) > 0.0
    assert service.key_share(threshold + 1e-5, threshold + 1e-5, 1.0, correction_efficiency) == 0.0


@pytest.mark.parametrize(("threshold", "correction_efficiency"), [(0.83496, 1.0), (0.85284, 1.16)])
def test_key_ends_at_the_published_fidelity(threshold, correction_efficiency):
    for fidelity, expected in ((threshold + 1e-5, True), (threshold - 1e-5, False)):
        error = service.qubit_error(fidelity)
        assert (service.key_share(error, error, 1.0, correction_efficiency) > 0.0) is expected


def test_hashing_ends_at_the_published_fidelity():
    assert service.hashing_ebits(0.810709) == 0.0
    assert service.hashing_ebits(0.810711) > 0.0
    assert service.werner_of_fidelity(0.810710) == pytest.approx(0.747614, abs=1e-6)


def test_separable_pairs_hold_no_ebits():
    # The bare formula would give 1 + log2(1/3) at F = 0, and more than 0 just below for other Bell states.
    assert service.hashing_ebits(0.0) == 0.0
    assert service.hashing_ebits(0.25) == 0.0
    assert service.hashing_ebits(1.0) == 1.0


@pytest.mark.parametrize(("transmittance", "ebits"), [(0.1, 0.152003), (0.01, 0.0144996), (0.0, 0.0), (0.5, 1.0)])
def test_plob_bound(transmittance, ebits):
    assert service.plob_ebits(transmittance) == pytest.approx(ebits, rel=4e-6)


def test_plob_bound_of_a_channel_without_loss_is_infinite():
    assert service.plob_ebits(1.0) == math.inf


def test_single_click_may_beat_the_end_to_end_bound_but_not_that_of_an_arm():
    arm = 10 ** (-1.5)
    per_use = 2 * 0.1 * arm
    assert per_use == pytest.approx(0.0063, abs=5e-5)
    assert service.plob_ebits(arm**2) == pytest.approx(0.0014, abs=5e-5)
    assert service.plob_ebits(arm) > per_use


@given(fidelity=st.floats(0.0, 1.0))
def test_werner_and_fidelity_are_inverse(fidelity):
    assert service.fidelity_of_werner(service.werner_of_fidelity(fidelity)) == pytest.approx(fidelity, abs=1e-12)


def test_bell_and_teleportation_thresholds():
    assert service.chsh_value(0.7803) == pytest.approx(2.0, abs=1e-3)
    assert service.teleportation_fidelity(0.5) == pytest.approx(2.0 / 3.0)


@given(first=st.floats(0.25, 1.0), second=st.floats(0.25, 1.0))
def test_better_pairs_are_worth_more(first, second):
    low, high = sorted((first, second))
    assert service.hashing_ebits(low) <= service.hashing_ebits(high) + 1e-12
    low_key, high_key = (service.key_share(*[service.qubit_error(f)] * 2, 0.5, 1.16) for f in (low, high))
    assert low_key <= high_key + 1e-12


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: service.werner_of_fidelity(1.01), "1.01"),
        (lambda: service.fidelity_of_werner(-0.5), "-0.5"),
        (lambda: service.hashing_ebits(-0.1), "-0.1"),
        (lambda: service.key_share(0.6, 0.1, 0.5, 1.1), "0.6"),
        (lambda: service.key_share(0.1, 0.1, 0.5, 0.9), "0.9"),
        (lambda: service.plob_ebits(1.5), "1.5"),
        (lambda: service.binary_entropy(math.nan), "nan"),
    ],
)
def test_invalid_arguments_are_named(call, value):
    with pytest.raises(ValueError, match=value):
        call()
