import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.physics.distillation import BellDiagonal, bbpssw, dejmps, distilled_rate_hz, werner_pair


def test_bbpssw_reference():
    fidelity, probability = bbpssw(0.8)
    assert fidelity == pytest.approx(0.838150, abs=5e-7)
    assert probability == pytest.approx(0.768889, abs=5e-7)


def test_dejmps_reference():
    first, first_probability = dejmps(werner_pair(0.8))
    second, probability = dejmps(first)
    assert first.phi_plus == pytest.approx(0.838150, abs=5e-7)
    assert first_probability == pytest.approx(0.768889, abs=5e-7)
    assert second.phi_plus == pytest.approx(0.943639, abs=5e-7)
    assert probability == pytest.approx(0.744596, abs=5e-7)


@given(fidelity=st.floats(0.501, 0.999))
def test_distillation_gains_above_one_half(fidelity):
    assert bbpssw(fidelity)[0] > fidelity
    better, probability = dejmps(werner_pair(fidelity))
    assert better.phi_plus == pytest.approx(bbpssw(fidelity)[0])
    assert probability == pytest.approx(bbpssw(fidelity)[1])


def test_fixed_points():
    assert bbpssw(1.0) == (1.0, 1.0)
    assert bbpssw(0.5)[0] == pytest.approx(0.5)
    assert bbpssw(0.25)[0] == pytest.approx(0.25)


def test_distilled_rate_waits_for_two_pairs():
    assert distilled_rate_hz(150.0, 1.0) == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: bbpssw(1.1), "1.1"),
        (lambda: BellDiagonal(phi_plus=0.5, psi_minus=0.5, psi_plus=0.5, phi_minus=0.0), "1.5"),
        (lambda: BellDiagonal(phi_plus=1.5, psi_minus=-0.5, psi_plus=0.0, phi_minus=0.0), "1.5"),
        (lambda: distilled_rate_hz(-1.0, 0.5), "-1.0"),
    ],
)
def test_invalid_arguments_are_named(call, value):
    with pytest.raises(ValueError, match=value):
        call()
