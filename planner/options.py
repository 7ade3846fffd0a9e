"""Arguments and options that several commands of the command line have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ScenarioPath = Annotated[Path, typer.Argument(metavar="SCENARIO", help="Scenario file (YAML).", show_default=False)]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder for results; reports/NAME-OF-SCENARIO by default.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, also for errors.")]
RolloutName = Annotated[
    str | None,
    typer.Option(
        "--rollout", help="joint, step-by-step, end-state-first or all-at-once, instead of what the scenario says."
    ),
]
Gap = Annotated[float | None, typer.Option("--gap", min=0.0, max=1.0, help="Stop at this relative gap.")]
Start = Annotated[Path | None, typer.Option("--start", help="Try the routes of this plan first.")]
TimeLimit = Annotated[float | None, typer.Option("--time-limit-s", min=0.1, help="Stop after this many seconds.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Build the network anew, whatever is kept from before.")]
Strict = Annotated[bool, typer.Option("--strict", help="Fail (exit 1) when a check of the plan fails.")]
