import pytest

from planner.physics.fiber import window_share
from planner.physics.hub import broadcast_coincidences, switched_coincidences
from planner.physics.pair_source import Receiver, coincidences
from planner.physics.service import key_share

USERS = [
    Receiver(efficiency=10 ** (-loss_db / 10), noise_hz=500.0, dead_time_s=0.0, detectors=1)
    for loss_db in (10, 12, 14, 16)
]
WINDOW = {"window_s": 500e-12, "window_share": window_share(500.0, 200.0), "polarization_error": 0.015}


def mesh(users, brightness_hz=2e6):
    return {(left, right): brightness_hz for left in range(users) for right in range(left + 1, users)}


@pytest.mark.parametrize(
    ("channel", "rate_hz", "error", "bits_hz"),
    [((0, 1), 12_692.0, 0.0193493, 4510.0), ((2, 3), 2011.61, 0.0193633, 714.6)],
)
def test_four_users_at_once(channel, rate_hz, error, bits_hz):
    pairs = broadcast_coincidences(mesh(4), USERS, **WINDOW)[channel]
    assert pairs.rate_hz == pytest.approx(rate_hz, rel=2e-6 if rate_hz < 1e4 else 4e-5)
    assert pairs.error == pytest.approx(error, abs=5e-7 if channel == (2, 3) else 1.5e-6)
    assert pairs.rate_hz * key_share(pairs.error, pairs.error, 0.5, 1.1) == pytest.approx(bits_hz, rel=2e-4)


def test_two_users_alone_have_fewer_errors():
    alone = broadcast_coincidences({(0, 1): 2e6}, USERS, **WINDOW)[0, 1]
    assert alone.error == pytest.approx(0.0154892, abs=5e-7)
    assert alone == coincidences(2e6, USERS[0], USERS[1], **WINDOW)


def test_error_grows_with_the_number_of_users():
    equal = [USERS[0]] * 8
    errors = [broadcast_coincidences(mesh(users), equal, **WINDOW)[0, 1].error for users in range(2, 9)]
    assert errors == sorted(errors)
    assert errors[-1] > 1.5 * errors[0]


def test_switching_costs_time_and_loss():
    whole = switched_coincidences(1e7, USERS[0], USERS[1], time_share=1.0, switch_loss_db=0.0, **WINDOW)
    assert whole == coincidences(1e7, USERS[0], USERS[1], **WINDOW)
    third = switched_coincidences(1e7, USERS[0], USERS[1], time_share=1 / 3, switch_loss_db=0.0, **WINDOW)
    assert third.rate_hz == pytest.approx(whole.rate_hz / 3)
    lossy = switched_coincidences(1e7, USERS[0], USERS[1], time_share=1.0, switch_loss_db=1.0, **WINDOW)
    assert lossy.rate_hz == pytest.approx(whole.rate_hz * 10**-0.2, rel=1e-3)


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: broadcast_coincidences({(1, 0): 1.0}, USERS, **WINDOW), r"\(1, 0\)"),
        (lambda: broadcast_coincidences({(0, 4): 1.0}, USERS, **WINDOW), r"\(0, 4\)"),
        (lambda: broadcast_coincidences({(0, 1): -1.0}, USERS, **WINDOW), "-1.0"),
        (
            lambda: switched_coincidences(1e7, USERS[0], USERS[1], time_share=1.5, switch_loss_db=0.0, **WINDOW),
            "1.5",
        ),
    ],
)
def test_invalid_arguments_are_named(call, value):
    with pytest.raises(ValueError, match=value):
        call()
