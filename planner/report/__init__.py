"""Report: one self-contained HTML file with an interactive map, for those who decide and those who check."""

from planner.report.refusal import write_refusal
from planner.report.writing import write_report

__all__ = ["write_refusal", "write_report"]
