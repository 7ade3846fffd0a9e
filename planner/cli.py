"""The command line: one command for each stage, results on standard output, progress and messages on standard error.

Exit codes: 0 done, 1 the answer is no, 2 wrong input, 3 solver or source failed, 4 output could not be written,
130 interrupted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from planner.errors import InputError, OutputError, PlannerError, VerdictError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Plan metropolitan entanglement-distribution networks: streets and ducts in, a checked and phased plan out.",
)

ScenarioPath = Annotated[Path, typer.Argument(metavar="SCENARIO", help="Scenario file (YAML).", show_default=False)]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder for results; reports/NAME-OF-SCENARIO by default.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, also for errors.")]
RolloutName = Annotated[
    str | None, typer.Option("--rollout", help="joint or step-by-step, instead of what the scenario says.")
]
Gap = Annotated[float | None, typer.Option("--gap", min=0.0, max=1.0, help="Stop at this relative gap.")]
TimeLimit = Annotated[float | None, typer.Option("--time-limit-s", min=0.1, help="Stop after this many seconds.")]
Strict = Annotated[bool, typer.Option("--strict", help="Fail (exit 1) when a check of the plan fails.")]


class Output:
    """Where a command's words go."""

    def __init__(self, *, as_json: bool) -> None:
        """Send results to standard output, as text or as one JSON document."""
        self.as_json = as_json
        self.errors = Console(stderr=True, highlight=False, soft_wrap=True)
        self.console = Console(highlight=False, soft_wrap=True)

    def result(self, contents: dict[str, Any], text: str) -> None:
        """Print a result."""
        if self.as_json:
            print(json.dumps(contents, indent=1, allow_nan=False))
        else:
            print(text)

    def note(self, text: str) -> None:
        """Print a message about what is going on, on standard error."""
        if not self.as_json:
            self.errors.print(text, markup=False)

    def progress(self) -> Callable[[Any], None] | None:
        """Return a printer of progress lines, or None where nobody watches."""
        if self.as_json or not self.errors.is_terminal:
            return None

        def show(progress: Any) -> None:
            plan = "no plan yet" if progress.incumbent is None else f"plan {progress.incumbent:,.0f}"
            bound = "no bound yet" if not progress.bound else f"bound {progress.bound:,.0f}"
            gap = ""
            if progress.incumbent and progress.bound:
                gap = f"  gap {100.0 * max(0.0, 1.0 - progress.bound / progress.incumbent):.2f} %"
            self.errors.print(f"{progress.seconds:7.1f} s  {plan}  {bound}{gap}", markup=False)

        return show

    def failure(self, error: PlannerError) -> None:
        """Print an error."""
        if self.as_json:
            problems = getattr(error, "problems", ())
            details = [{"where": p.where, "key_path": p.key_path, "problem": p.problem} for p in problems]
            document = {"error": {"kind": error.kind, "code": error.exit_code, "message": str(error)}}
            if details:
                document["error"]["problems"] = details
            print(json.dumps(document, indent=1))
        else:
            self.errors.print(str(error), markup=False)


@contextmanager
def _command(*, as_json: bool) -> Iterator[Output]:
    """Turn errors into messages and exit codes."""
    output = Output(as_json=as_json)
    try:
        yield output
    except PlannerError as error:
        output.failure(error)
        raise typer.Exit(error.exit_code) from error
    except KeyboardInterrupt:
        output.note("interrupted; files that were there are unchanged")
        raise typer.Exit(130) from None
    except MemoryError as error:
        output.failure(PlannerError("out of memory"))
        raise typer.Exit(3) from error


def _folder(scenario: Path, out: Path | None) -> Path:
    return out if out is not None else Path("reports") / scenario.stem


def _options(output: Output, rollout: str | None, gap: float | None, time_limit_s: float | None) -> Any:
    from planner.pipeline import DesignOptions

    if rollout not in (None, "joint", "step-by-step"):
        raise InputError.at("--rollout", f"unknown roll-out '{rollout}'; known are joint, step-by-step")
    return DesignOptions(
        rollout=rollout,  # type: ignore[arg-type]
        gap=gap,
        time_limit_s=time_limit_s,
        on_progress=output.progress(),
    )


@app.command()
def init(
    example: Annotated[str, typer.Option("--example", help="Which bundled example to copy.")] = "liege-region",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="New folder; named like the example.")] = None,
    as_json: AsJson = False,
) -> None:
    """Copy a bundled example with its data into a new folder, as a start for your own."""
    from planner.examples import copy_example

    with _command(as_json=as_json) as output:
        path = copy_example(example, out or Path(example))
        output.result({"scenario": str(path)}, f"{path}")


@app.command()
def schema(
    kind: Annotated[str, typer.Argument(help="scenario, plan or verdict.")] = "scenario",
) -> None:
    """Print the JSON Schema of a file, for editors and programs."""
    from planner.plan import Plan
    from planner.scenario import ScenarioSpec
    from planner.verdict import Verdict

    models: dict[str, type[BaseModel]] = {"scenario": ScenarioSpec, "plan": Plan, "verdict": Verdict}
    with _command(as_json=False) as output:
        if kind not in models:
            raise InputError.at(kind, f"no such schema; there are {', '.join(models)}")
        text = json.dumps(models[kind].model_json_schema(), indent=1)
        output.result({}, text)


@app.command()
def check(scenario: ScenarioPath, as_json: AsJson = False) -> None:
    """Read and cross-check a scenario; report all mistakes at once."""
    from planner.scenario import load_scenario

    with _command(as_json=as_json) as output:
        loaded = load_scenario(scenario)
        counts = {
            "sites": len(loaded.sites),
            "demands": len(loaded.demands),
            "phases": len(loaded.phases),
            "technologies": len(loaded.spec.technologies),
            "free_space": len(loaded.spec.free_space),
        }
        words = ", ".join(f"{number} {name.replace('_', '-')}" for name, number in counts.items())
        output.result({"ok": True, **counts, "digest": loaded.digest}, f"{scenario}: in order ({words})")


@app.command()
def build(scenario: ScenarioPath, out: Out = None, as_json: AsJson = False) -> None:
    """Build the annotated network from streets, ducts, sites and right-of-way rules."""
    from planner import pipeline
    from planner.scenario import load_scenario

    with _command(as_json=as_json) as output:
        folder = _folder(scenario, out)
        network = pipeline.build(load_scenario(scenario), folder)
        path = folder / pipeline.NETWORK_FILE
        for note in network.notes:
            output.note(note)
        counts = {"nodes": len(network.nodes), "spans": len(network.spans), "digest": network.digest}
        output.result({"network": str(path), **counts, "notes": list(network.notes)}, str(path))


@app.command()
def design(
    scenario: ScenarioPath,
    out: Out = None,
    rollout: RolloutName = None,
    gap: Gap = None,
    time_limit_s: TimeLimit = None,
    as_json: AsJson = False,
) -> None:
    """Design a plan for the network that `build` wrote."""
    from planner import pipeline
    from planner.scenario import load_scenario

    with _command(as_json=as_json) as output:
        folder = _folder(scenario, out)
        options = _options(output, rollout, gap, time_limit_s)
        plan = pipeline.design(load_scenario(scenario), folder, options)
        path = folder / pipeline.PLAN_FILE
        outcome = plan.outcome.model_dump(mode="json")
        output.note(_sentence(plan))
        output.result({"plan": str(path), **outcome}, str(path))


@app.command()
def verify(
    scenario: ScenarioPath,
    out: Out = None,
    plan: Annotated[Path | None, typer.Option("--plan", help="A plan made elsewhere.")] = None,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Check the plan independently of the code that made it."""
    from planner import pipeline
    from planner.scenario import load_scenario

    with _command(as_json=as_json) as output:
        folder = _folder(scenario, out)
        verdict = pipeline.verify(load_scenario(scenario), folder, plan)
        _judge(output, verdict, strict=strict)
        path = folder / pipeline.VERDICT_FILE
        failed = [item.model_dump(mode="json") for item in verdict.failed_checks]
        output.result({"verdict": str(path), "passed": verdict.passed, "failed_checks": failed}, str(path))


@app.command()
def report(scenario: ScenarioPath, out: Out = None, as_json: AsJson = False) -> None:
    """Render the plan and its verdict as one self-contained HTML file."""
    from planner import pipeline
    from planner.scenario import load_scenario

    with _command(as_json=as_json) as output:
        path = pipeline.report(load_scenario(scenario), _folder(scenario, out))
        output.result({"report": str(path)}, str(path))


@app.command()
def run(
    scenario: ScenarioPath,
    out: Out = None,
    rollout: RolloutName = None,
    gap: Gap = None,
    time_limit_s: TimeLimit = None,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Build, design, verify and report; the last line is the path of the report."""
    from planner import pipeline
    from planner.scenario import load_scenario

    with _command(as_json=as_json) as output:
        folder = _folder(scenario, out)
        options = _options(output, rollout, gap, time_limit_s)
        results = pipeline.run(load_scenario(scenario), folder, options)
        output.note(_sentence(results.plan))
        _judge(output, results.verdict, strict=strict)
        contents = {"report": str(results.report), "passed": results.verdict.passed}
        output.result({**contents, **results.plan.outcome.model_dump(mode="json")}, str(results.report))


@app.command()
def compare(
    results: Annotated[list[Path], typer.Argument(metavar="RESULT...", help="Folders of results, or plan files.")],
    as_json: AsJson = False,
) -> None:
    """Put results side by side: cost, service and bound, in total and by phase."""
    from planner.comparison import as_json as figures_as_json
    from planner.comparison import figures, table
    from planner.pipeline import PLAN_FILE, VERDICT_FILE
    from planner.plan import load_plan
    from planner.verdict import load_verdict

    with _command(as_json=as_json) as output:
        rows = []
        for path in results:
            folder = path if path.is_dir() else path.parent
            verdict = folder / VERDICT_FILE
            plan = load_plan(path / PLAN_FILE if path.is_dir() else path)
            verified = load_verdict(verdict).passed if verdict.exists() else None
            rows.append(figures(path, plan, verified=verified))
        titles, lines = table(rows)
        if as_json:
            output.result(dict(figures_as_json(rows)), "")
            return
        shown = Table(*titles, show_edge=False)
        for line in lines:
            shown.add_row(*line)
        Console(highlight=False, width=max(80, 28 + 30 * len(rows)) if not sys.stdout.isatty() else None).print(shown)


def _sentence(plan: Any) -> str:
    """Return what the plan costs, how good it is known to be, and why the search stopped."""
    outcome = plan.outcome
    scope = "the whole problem" if outcome.bound_scope == "whole_problem" else "the candidate routes only"
    return (
        f"plan: {outcome.cost:,.0f} {plan.currency} of {plan.price_year}, lower bound {outcome.lower_bound:,.0f} over "
        f"{scope}, gap {100.0 * outcome.gap:.2f} %, stopped by {outcome.stopped_by.replace('_', ' ')}"
    )


def _judge(output: Output, verdict: Any, *, strict: bool) -> None:
    """Say how the checks went; raise VerdictError when one failed and strict was asked."""
    failed = verdict.failed_checks
    output.note(f"verified: {len(verdict.checks) - len(failed)} of {len(verdict.checks)} checks passed")
    lines = [f"{c.name}: {c.subject}: expected {c.expected}, got {c.actual} {c.unit}".rstrip() for c in failed]
    if failed and strict:
        raise VerdictError("\n".join(["the plan failed its checks", *lines]))
    for line in lines:
        output.note(line)


def main() -> None:
    """Run the command line."""
    try:
        app()
    except BrokenPipeError as error:
        raise SystemExit(OutputError.exit_code) from error


if __name__ == "__main__":
    main()
