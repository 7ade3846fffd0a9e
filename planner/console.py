"""Where the words of a command go, how errors become exit codes, and what Ctrl-C means."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from planner.errors import InfeasibleError, NoPlanError, PlannerError, VerdictError


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

    def table(self, titles: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
        """Print a table with one column per title; on a terminal, as wide as that."""
        shown = Table(*titles, show_edge=False)
        for line in lines:
            shown.add_row(*line)
        width = None if sys.stdout.isatty() else max(80, 30 * len(titles))
        Console(highlight=False, width=width).print(shown)

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
            document: dict[str, Any] = {"error": {"kind": error.kind, "code": error.exit_code, "message": str(error)}}
            if details:
                document["error"]["problems"] = details
            if isinstance(error, NoPlanError):
                document["error"]["proven"] = isinstance(error, InfeasibleError)
                document["error"]["reasons"] = list(error.reasons)
                document["error"]["page"] = None if error.page is None else str(error.page)
                document["error"]["obstacles"] = [asdict(obstacle) for obstacle in error.obstacles]
                document["error"]["changes"] = [asdict(change) for change in error.changes]
            print(json.dumps(document, indent=1))
        else:
            self.errors.print(str(error), markup=False)
            if isinstance(error, NoPlanError) and error.page is not None:
                self.errors.print(f"on a map: {error.page}", markup=False)


@contextmanager
def command(*, as_json: bool) -> Iterator[Output]:
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


def stop_on_interrupt(output: Output) -> Callable[[], bool]:
    """Let the first Ctrl-C end the search and keep its best plan; a second one ends the program."""
    asked: list[int] = []

    def note(number: int, frame: Any) -> None:
        del frame
        asked.append(number)
        output.note("stopping; the best plan so far is kept (again: stop at once)")
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, note)
    return lambda: bool(asked)


def exit_if_interrupted(plan: Any) -> None:
    """End with 130 when Ctrl-C cut the search short; its results are written."""
    if plan.outcome.stopped_by == "interrupt":
        raise typer.Exit(130)


def plan_sentence(plan: Any) -> str:
    """Return what the plan costs, how good it is known to be, and why the search stopped."""
    outcome = plan.outcome
    words = f"plan: {outcome.cost:,.0f} {plan.currency} of {plan.price_year}"
    if outcome.objective == "service":
        words += f", serves {outcome.served_weight:g} of {outcome.total_weight:g} weight (at most "
        words += f"{outcome.weight_bound:g} with the routes considered)"
    if outcome.bound_scope == "none":
        return f"{words}; given, not searched: no lower bound"
    scope = {"whole_problem": "the whole problem", "roll_out": "all plans of this roll-out"}
    end = outcome.stopped_by.replace("_", " ")
    return (
        f"{words}, lower bound {outcome.lower_bound:,.0f} over "
        f"{scope.get(outcome.bound_scope, 'the candidate routes only')}, gap {100.0 * outcome.gap:.2f} %, "
        f"{'given, not searched' if end == 'evaluated' else f'stopped by {end}'}"
    )


def tell_checks(output: Output, verdict: Any, *, strict: bool) -> None:
    """Say how the checks went; raise VerdictError when one failed and strict was asked."""
    failed = verdict.failed_checks
    output.note(f"verified: {len(verdict.checks) - len(failed)} of {len(verdict.checks)} checks passed")
    lines = [f"{c.name}: {c.subject}: expected {c.expected}, got {c.actual} {c.unit}".rstrip() for c in failed]
    if failed and strict:
        raise VerdictError("\n".join(["the plan failed its checks", *lines]))
    for line in lines:
        output.note(line)
