"""What to build, where and when: the optimizer designs a plan, or evaluates a given one."""

from planner.design.evaluation import evaluate_given
from planner.design.planning import design_plan

__all__ = ["design_plan", "evaluate_given"]
