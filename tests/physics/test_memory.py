import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.physics.memory import gate_swap_fidelity, linear_optics_swap_probability, retention, swapped_werner
from planner.physics.service import fidelity_of_werner, werner_of_fidelity


def test_retention_shapes_meet_at_the_coherence_time():
    assert retention(2.0, 2.0, "exponential") == pytest.approx(math.exp(-1.0))
    assert retention(2.0, 2.0, "gaussian") == pytest.approx(math.exp(-1.0))
    assert retention(0.0, 2.0, "gaussian") == 1.0


@given(first=st.floats(0.0, 5.0), second=st.floats(0.0, 5.0))
def test_gaussian_memory_minds_one_long_wait_more_than_two_short(first, second):
    whole = retention(first + second, 1.0, "gaussian")
    assert whole <= retention(first, 1.0, "gaussian") * retention(second, 1.0, "gaussian") + 1e-15


@given(left=st.floats(0.25, 1.0), right=st.floats(0.25, 1.0))
def test_werner_swap_is_the_known_fidelity_formula(left, right):
    swapped = fidelity_of_werner(swapped_werner(werner_of_fidelity(left), werner_of_fidelity(right), 1.0))
    assert swapped == pytest.approx(left * right + (1 - left) * (1 - right) / 3.0)


def test_swap_limits():
    assert gate_swap_fidelity(1.0, 1.0) == 1.0
    assert gate_swap_fidelity(0.0, 1.0) == 0.25
    assert linear_optics_swap_probability(1.0, 1.0) == 0.5


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: retention(-1.0, 1.0, "exponential"), "-1.0"),
        (lambda: retention(1.0, 0.0, "exponential"), "0.0"),
        (lambda: retention(1.0, 1.0, "linear"), "linear"),
        (lambda: swapped_werner(1.1, 1.0, 1.0), "1.1"),
        (lambda: gate_swap_fidelity(1.2, 1.0), "1.2"),
    ],
)
def test_invalid_arguments_are_named(call, value):
    with pytest.raises(ValueError, match=value):
        call()
