"""The verb of this package: write the report, completely or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from planner.errors import OutputError
from planner.network import Network
from planner.plan import Plan
from planner.report.dossier import open_dossier
from planner.report.page import render_page
from planner.scenario import Scenario
from planner.verdict import Verdict

FILE_NAME = "report.html"


def write_report(network: Network, scenario: Scenario, plan: Plan, verdict: Verdict, folder: Path) -> Path:
    """Write `report.html` into a folder, which is made when it does not exist, and return its path.

    The page needs no network and no other file; equal values give equal bytes. Raises InputError when the verdict is
    about another plan, network or scenario, and OutputError when the file cannot be written; a report that was there
    before is then unchanged.
    """
    page = render_page(open_dossier(network, scenario, plan, verdict))
    path = Path(folder) / FILE_NAME
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, page.encode("utf-8"))
    except OSError as error:
        raise OutputError(f"{path}: the report could not be written: {error.strerror or error}") from error
    return path


def _replace(path: Path, contents: bytes) -> None:
    """Put contents into a file in one step: readers see the old file or the new one, never a part."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
