import itertools
import math

import numpy as np
import pytest

from planner.physics import chains
from planner.physics.gaussian import _kept, decay_bound, waiting_decay


def brute_force(probabilities, slot_share, inner_idle, end_idle=None, slots=60):
    """Follow every qubit through every outcome."""
    total = 0.0
    for times in itertools.product(range(1, slots), repeat=len(probabilities)):
        chance = math.prod(p * (1 - p) ** (time - 1) for p, time in zip(probabilities, times, strict=True))
        squares = 0.0
        for station, (left_idle, right_idle) in enumerate(inner_idle):
            wait = slot_share * (times[station + 1] - times[station])
            squares += (max(0.0, wait) + left_idle) ** 2 + (max(0.0, -wait) + right_idle) ** 2
        if end_idle:
            squares += (slot_share * (max(times) - times[0]) + end_idle[0]) ** 2
            squares += (slot_share * (max(times) - times[-1]) + end_idle[1]) ** 2
        total += chance * math.exp(-squares)
    return total


def test_two_links():
    idle = ((0.1, 0.3),)
    expected = brute_force((0.3, 0.5), 0.2, idle)
    assert waiting_decay((0.3, 0.5), 0.2, inner_idle=idle) == pytest.approx(expected, rel=1e-8)


def test_two_links_with_stored_ends():
    idle, ends = ((0.1, 0.3),), (0.2, 0.05)
    expected = brute_force((0.3, 0.5), 0.2, idle, ends)
    assert waiting_decay((0.3, 0.5), 0.2, inner_idle=idle, end_idle=ends) == pytest.approx(expected, rel=1e-8)


def test_three_links():
    idle = ((0.1, 0.2), (0.0, 0.15))
    expected = brute_force((0.6, 0.7, 0.8), 0.3, idle, slots=26)
    assert waiting_decay((0.6, 0.7, 0.8), 0.3, inner_idle=idle) == pytest.approx(expected, rel=1e-8)


def test_rare_links_within_short_reach_of_the_memory():
    # Two links meet within reach only if they succeed at nearly the same time: p * sqrt(pi) * T / slot.
    probability, slot_share = 1e-6, 0.02
    assert waiting_decay((probability,) * 2, slot_share, inner_idle=((0.0, 0.0),)) == pytest.approx(
        probability * math.sqrt(math.pi) / slot_share / 2.0, rel=1e-3
    )


def test_long_coherence_keeps_everything():
    assert waiting_decay((0.1,) * 4, 1e-9, inner_idle=((0.0, 0.0),) * 3) == pytest.approx(1.0, abs=1e-9)
    assert decay_bound(
        (0.1,) * 4, 1e-9, mean_total_slots=20.0, inner_idle=((0.0, 0.0),) * 3, end_idle=(0.0, 0.0)
    ) == pytest.approx(1.0, abs=1e-9)


def test_reversed_chain_is_the_same_chain():
    forward = waiting_decay((0.1, 0.05, 0.02), 0.01, inner_idle=((0.1, 0.2), (0.3, 0.4)))
    backward = waiting_decay((0.02, 0.05, 0.1), 0.01, inner_idle=((0.4, 0.3), (0.2, 0.1)))
    assert forward == pytest.approx(backward, rel=1e-9)


@pytest.mark.parametrize("slot_share", [0.002, 0.02, 0.1])
@pytest.mark.parametrize("probabilities", [(0.1, 0.1), (0.05, 0.2, 0.1), (0.1,) * 4])
def test_the_bound_is_below_the_exact_value(probabilities, slot_share):
    idle = ((0.05, 0.02),) * (len(probabilities) - 1)
    bound = decay_bound(probabilities, slot_share, mean_total_slots=chains.mean_slots(probabilities), inner_idle=idle)
    assert bound <= waiting_decay(probabilities, slot_share, inner_idle=idle)


def test_the_bound_holds_for_failing_swaps_and_stored_ends():
    # Swap as soon as possible on three links, failed swaps empty the joined run; follow every surviving qubit.
    rng = np.random.default_rng(3)
    probability, swap, slot_share = 0.3, 0.6, 0.05
    factors, lengths = [], []
    for _ in range(3000):
        born: list[int | None] = [None] * 3
        met: dict[int, int] = {}
        slot = 0
        while None in born or len(met) < 2:
            slot += 1
            for index in range(3):
                if born[index] is None and rng.random() < probability:
                    born[index] = slot
            up = [time is not None for time in born]
            runs = [list(group) for key, group in itertools.groupby(range(3), up.__getitem__) if key]
            for run in runs:
                new = [joint for joint in run[:-1] if joint not in met]
                if any(rng.random() >= swap for _ in new):
                    for index in run:
                        born[index] = None
                        met.pop(index, None)
                        met.pop(index - 1, None)
                else:
                    met.update(dict.fromkeys(new, slot))
        waits = [max(met[j] - born[j], met[j] - born[j + 1]) for j in range(2)] + [slot - born[0], slot - born[2]]
        factors.append(math.exp(-sum((slot_share * wait) ** 2 for wait in waits)))
        lengths.append(slot)
    bound = decay_bound(
        (probability,) * 3,
        slot_share,
        mean_total_slots=float(np.mean(lengths)),
        inner_idle=((0.0, 0.0),) * 2,
        end_idle=(0.0, 0.0),
    )
    assert bound < np.mean(factors)


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: waiting_decay((0.1,), 0.1, inner_idle=()), r"\(\)"),
        (lambda: waiting_decay((0.1, 0.1), 0.0, inner_idle=((0.0, 0.0),)), "0.0"),
        (lambda: waiting_decay((0.1,) * 3, 0.1, inner_idle=((0.0, 0.0),) * 2, end_idle=(0.0, 0.0)), "3 links"),
        (lambda: waiting_decay((0.1, 0.0), 0.1, inner_idle=((0.0, 0.0),)), "0.0"),
        (lambda: decay_bound((0.1, 0.1), 0.1, mean_total_slots=0.5, inner_idle=((0.0, 0.0),)), "0.5"),
    ],
)
def test_invalid_arguments_are_named(call, value):
    with pytest.raises(ValueError, match=value):
        call()


@pytest.mark.parametrize("probabilities", [(2e-4, 3e-4), (1e-3, 2e-4, 5e-4), (0.01, 0.02, 0.015, 0.01)])
def test_fine_slots_are_extrapolated_from_coarse_ones(probabilities):
    idle = ((0.02, 0.1),) * (len(probabilities) - 1)
    ends = (0.1, 0.05) if len(probabilities) == 2 else None
    slot_by_slot = _kept([math.log1p(-p) for p in probabilities], 1e-3, idle, ends)
    assert waiting_decay(probabilities, 1e-3, inner_idle=idle, end_idle=ends) == pytest.approx(slot_by_slot, rel=1e-9)
