import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.physics import chains
from planner.physics.cutoff import best_cutoff_slots, longest_cutoff_slots, two_links_with_cutoff
from planner.physics.service import fidelity_of_werner, hashing_ebits


@pytest.mark.parametrize(
    ("probability", "slots", "decay", "mean_slots", "factor", "kept"),
    [
        (0.1, 5, 0.01, 20.75117248, 0.97585430, 0.44058842),
        (0.1, 20, 0.01, 15.35343999, 0.93554973, 0.88482212),
        (0.01, 50, 0.002, 224.98611469, 0.95521266, 0.39803416),
    ],
)
def test_cutoff_references(probability, slots, decay, mean_slots, factor, kept):
    outcome = two_links_with_cutoff((probability, probability), 1.0, decay, slots)
    assert outcome.mean_slots == pytest.approx(mean_slots, rel=1e-9)
    assert outcome.decay == pytest.approx(factor, rel=1e-8)
    assert outcome.kept_share == pytest.approx(kept, rel=2e-8)


@settings(max_examples=40)
@given(probability=st.floats(1e-3, 0.9), swap=st.floats(0.1, 1.0), decay=st.floats(0.0, 0.1))
def test_a_very_long_cutoff_is_no_cutoff(probability, swap, decay):
    outcome = two_links_with_cutoff((probability, probability), swap, decay, 10**6)
    assert outcome.mean_slots == pytest.approx(chains.mean_slots_of_two(probability, swap), rel=1e-9)
    assert outcome.decay == pytest.approx(chains.waiting_decay((probability, probability), decay, 0.0), rel=1e-9)


def test_no_wait_at_all_needs_simultaneous_success():
    outcome = two_links_with_cutoff((0.1, 0.1), 1.0, 0.5, 0)
    assert outcome.decay == 1.0
    assert outcome.mean_slots == pytest.approx(1 / (0.1 * 1.9) / (0.1 / 1.9))


@settings(max_examples=40)
@given(probability=st.floats(1e-3, 0.9), decay=st.floats(1e-6, 0.1), slots=st.integers(0, 500))
def test_longer_cutoffs_are_faster_and_worse(probability, decay, slots):
    shorter, longer = (two_links_with_cutoff((probability, probability), 1.0, decay, slots + more) for more in (0, 1))
    assert longer.mean_slots <= shorter.mean_slots * (1 + 1e-12)
    assert longer.decay <= shorter.decay * (1 + 1e-12)


@pytest.mark.parametrize(("probability", "decay", "werner"), [(0.01, 0.002, 0.95), (0.1, 0.05, 0.9), (0.05, 1e-4, 0.9)])
def test_best_cutoff_equals_exhaustive_search(probability, decay, werner):
    def ebits(slots):
        outcome = two_links_with_cutoff((probability, probability), 1.0, decay, slots)
        return hashing_ebits(fidelity_of_werner(werner * outcome.decay)) / outcome.mean_slots

    best = best_cutoff_slots((probability, probability), 1.0, decay, werner)
    assert ebits(best) == pytest.approx(
        max(ebits(slots) for slots in range(math.ceil(28 / probability) + 1)), rel=1e-12
    )


@pytest.mark.parametrize("min_fidelity", [0.90, 0.93, 0.95])
def test_longest_cutoff_is_the_last_that_reaches_the_fidelity(min_fidelity):
    best = longest_cutoff_slots((0.01, 0.01), 1.0, 0.002, 0.95, min_fidelity)
    here, next_one = (
        fidelity_of_werner(0.95 * two_links_with_cutoff((0.01, 0.01), 1.0, 0.002, slots).decay)
        for slots in (best, best + 1)
    )
    assert here >= min_fidelity
    assert next_one < min_fidelity or best == 2800


def test_waiting_by_enumeration():
    probability, decay, slots = 0.3, 0.07, 4
    kept = factor = 0.0
    for left, right in itertools.product(range(1, 120), repeat=2):
        chance = probability**2 * (1 - probability) ** (left + right - 2)
        if abs(left - right) <= slots:
            kept += chance
            factor += chance * math.exp(-decay * abs(left - right))
    outcome = two_links_with_cutoff((probability, probability), 1.0, decay, slots)
    assert outcome.kept_share == pytest.approx(kept, rel=1e-9)
    assert outcome.decay == pytest.approx(factor / kept, rel=1e-9)


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: two_links_with_cutoff((0.0, 0.0), 1.0, 0.1, 1), "0.0"),
        (lambda: two_links_with_cutoff((0.1, 0.1), 1.1, 0.1, 1), "1.1"),
        (lambda: two_links_with_cutoff((0.1, 0.1), 1.0, -0.1, 1), "-0.1"),
        (lambda: two_links_with_cutoff((0.1, 0.1), 1.0, 0.1, -1), "-1"),
        (lambda: longest_cutoff_slots((0.1, 0.1), 1.0, 0.1, 0.8, 0.99), "0.99"),
    ],
)
def test_invalid_arguments_are_named(call, value):
    with pytest.raises(ValueError, match=value):
        call()
