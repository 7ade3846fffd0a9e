from dataclasses import replace

import pytest

from planner.physics.experiments import EXPERIMENTS, Experiment, Figure
from planner.physics.validation import MODELS, compare_experiments

COMPARISONS = compare_experiments()


@pytest.mark.parametrize("item", COMPARISONS, ids=lambda item: f"{item.experiment.name}: {item.figure.quantity}")
def test_claimed_figures_agree(item):
    assert item.verdict in ("agrees", "not claimed"), item


def test_every_model_is_used_and_every_claim_has_a_model():
    figures = [figure for experiment in EXPERIMENTS for figure in experiment.figures]
    assert {figure.model for figure in figures} - {None} == set(MODELS)
    assert all(figure.model for figure in figures if figure.claim != "not claimed")


def test_what_is_not_claimed_says_why():
    assert all(item.figure.note for item in COMPARISONS if item.verdict == "not claimed")


def test_a_missed_figure_differs_unless_it_is_not_claimed():
    hefei = next(experiment for experiment in EXPERIMENTS if experiment.name.startswith("Hefei"))
    wrong = replace(hefei.figures[0], published=3.0)
    (missed,) = compare_experiments((replace(hefei, figures=(wrong,)),))
    assert missed.verdict == "differs"
    (shown,) = compare_experiments((replace(hefei, figures=(replace(wrong, claim="not claimed"),)),))
    assert shown.verdict == "not claimed"


@pytest.mark.parametrize(
    ("rule", "tolerance", "accepted"),
    [
        ("share", 0.1, (1.8, 2.2)),
        ("margin", 0.5, (1.5, 2.5)),
        ("factor", 2.0, (1.0, 4.0)),
        ("at_most", 0.0, (-float("inf"), 2.0)),
        ("at_least", 0.0, (2.0, float("inf"))),
    ],
)
def test_rules_of_acceptance(rule, tolerance, accepted):
    figure = Figure(quantity="x", published=2.0, rule=rule, tolerance=tolerance)
    assert figure.accepted == pytest.approx(accepted)


def test_no_verdict_without_a_model():
    experiment = Experiment(name="x", source="y", figures=(Figure(quantity="z", published=1.0, claim="not claimed"),))
    (item,) = compare_experiments((experiment,))
    assert item.ours is None
    assert item.verdict == "not claimed"
