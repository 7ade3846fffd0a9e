"""The verb of this package: write the report, completely or not at all."""

from __future__ import annotations

from pathlib import Path

from planner.network import Network
from planner.outputs import write_atomically
from planner.plan import Plan
from planner.report.dossier import open_dossier
from planner.report.page import render_page
from planner.scenario import Scenario
from planner.verdict import Verdict

FILE_NAME = "report.html"


def write_report(
    network: Network, scenario: Scenario, plan: Plan, verdict: Verdict, folder: Path, *, against: Plan | None = None
) -> Path:
    """Write `report.html` into a folder, which is made when it does not exist, and return its path.

    Where another plan of the scenario is given, `against`, the page explains the difference.
    The page needs no network and no other file; equal values give equal bytes. Raises InputError when the verdict is
    about another plan, network or scenario, and OutputError when the file cannot be written; a report that was there
    before is then unchanged.
    """
    page = render_page(open_dossier(network, scenario, plan, verdict, against=against))
    return write_atomically(Path(folder) / FILE_NAME, [page])
