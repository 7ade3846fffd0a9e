"""The examples in docstrings hold."""

import doctest

import pytest

from planner.geodata import noding, streets, wording


@pytest.mark.parametrize("module", [noding, streets, wording], ids=lambda module: module.__name__)
def test_examples_of_docstrings_hold(module):
    result = doctest.testmod(module)
    assert result.failed == 0
    assert result.attempted > 0
