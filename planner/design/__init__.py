"""What to build, where and when: the optimizer. `design_plan` is its one verb."""

from planner.design.planning import design_plan

__all__ = ["design_plan"]
