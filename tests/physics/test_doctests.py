import doctest
import importlib
import pkgutil

import pytest

import planner.physics

MODULES = [f"planner.physics.{module.name}" for module in pkgutil.iter_modules(planner.physics.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_worked_numbers_of_docstrings_hold(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
    assert result.attempted > 0 or name.endswith(("links", "arguments"))
