"""The command line: one command for each stage, results on standard output, progress and messages on standard error.

Exit codes: 0 done, 1 the answer is no, 2 wrong input, 3 solver or source failed, 4 output could not be written,
130 interrupted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from planner.console import (
    Output,
    command,
    exit_if_interrupted,
    plan_sentence,
    stop_on_interrupt,
    tell_checks,
)
from planner.errors import InputError, OutputError
from planner.options import AsJson, Gap, NoCache, Out, RolloutName, ScenarioPath, Start, Strict, TimeLimit

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Plan metropolitan entanglement-distribution networks: streets and ducts in, a checked and phased plan out.",
)

ROLLOUT_NAMES = ("joint", "step-by-step", "end-state-first", "all-at-once")


def _folder(scenario: Path, out: Path | None) -> Path:
    return out if out is not None else Path("reports") / scenario.stem


def _options(
    output: Output, rollout: str | None, gap: float | None, time_limit_s: float | None, start: Path | None
) -> Any:
    from planner.pipeline import DesignOptions

    if rollout is not None and rollout not in ROLLOUT_NAMES:
        raise InputError.at("--rollout", f"unknown roll-out '{rollout}'; known are {', '.join(ROLLOUT_NAMES)}")
    return DesignOptions(
        rollout=rollout,  # type: ignore[arg-type]
        gap=gap,
        time_limit_s=time_limit_s,
        start=start,
        on_progress=output.progress(),
        should_stop=stop_on_interrupt(output),
    )


@app.command()
def init(
    streets: Annotated[
        Path | None, typer.Option("--streets", help="Your streets: OpenStreetMap extract or layer.")
    ] = None,
    sites: Annotated[
        Path | None, typer.Option("--sites", help="Your sites: a table with id,name,lon,lat, or layer.")
    ] = None,
    demands: Annotated[
        Path | None, typer.Option("--demands", help="A table: id,a,b,min_rate_hz,min_fidelity,routes,from_phase.")
    ] = None,
    ducts: Annotated[Path | None, typer.Option("--ducts", help="Your ducts, if there is a layer of them.")] = None,
    currency: Annotated[str, typer.Option("--currency", help="Money of the scenario.")] = "USD",
    example: Annotated[str | None, typer.Option("--example", help="Which bundled example to copy instead.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="New folder; named like the streets or example.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a scenario that runs: from your own files, a commented template (no options), or a bundled example."""
    from planner.drafting import DraftInputs, draft_scenario, draft_template
    from planner.examples import copy_example

    with command(as_json=as_json) as output:
        given = {"--streets": streets, "--sites": sites, "--demands": demands}
        if example is not None:
            path = copy_example(example, out or Path(example))
            output.result({"scenario": str(path)}, f"{path}")
            return
        if not any(given.values()):
            draft = draft_template(out or Path("my-city"))
        else:
            if missing := [name for name, path in given.items() if path is None]:
                raise InputError.at(", ".join(missing), "is missing: a draft needs streets, sites and demands")
            assert streets is not None and sites is not None and demands is not None
            inputs = DraftInputs(streets=streets, sites=sites, demands=demands, ducts=ducts, currency=currency)
            draft = draft_scenario(inputs, out or Path(streets.name.partition(".")[0]))
        for note in draft.notes:
            output.note(note)
        output.result({"scenario": str(draft.path), "notes": list(draft.notes)}, str(draft.path))


@app.command()
def fetch(
    place: Annotated[str, typer.Argument(help="A town or district, as OpenStreetMap knows it.")] = "",
    bbox: Annotated[
        tuple[float, float, float, float] | None, typer.Option("--bbox", help="West south east north, in degrees.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write: .osm.pbf or .osm.")] = None,
    overpass_url: Annotated[str | None, typer.Option(help="Another Overpass server.")] = None,
    nominatim_url: Annotated[str | None, typer.Option(help="Another server that knows places.")] = None,
    as_json: AsJson = False,
) -> None:
    """Download streets, buildings and sites of OpenStreetMap into a file; the only command that uses the network."""
    from planner.geodata.download import NOMINATIM_URL, OVERPASS_URL, Region, Servers, fetch_region

    with command(as_json=as_json) as output:
        if bool(place) == (bbox is not None):
            raise InputError.at("fetch", "name a place, or give --bbox WEST SOUTH EAST NORTH; one of the two")
        region = Region(place=place, box=bbox)
        path = out or Path(f"{region.label}.osm.pbf")
        servers = Servers(overpass_url=overpass_url or OVERPASS_URL, nominatim_url=nominatim_url or NOMINATIM_URL)
        notes = fetch_region(region, path, servers)
        for note in notes:
            output.note(note)
        output.result({"file": str(path), "notes": list(notes)}, str(path))


@app.command()
def schema(
    kind: Annotated[str, typer.Argument(help="scenario, plan or verdict.")] = "scenario",
) -> None:
    """Print the JSON Schema of a file, for editors and programs."""
    from planner.plan import Plan
    from planner.scenario import ScenarioSpec
    from planner.verdict import Verdict

    models: dict[str, type[BaseModel]] = {"scenario": ScenarioSpec, "plan": Plan, "verdict": Verdict}
    with command(as_json=False) as output:
        if kind not in models:
            raise InputError.at(kind, f"no such schema; there are {', '.join(models)}")
        text = json.dumps(models[kind].model_json_schema(), indent=1)
        output.result({}, text)


@app.command()
def check(scenario: ScenarioPath, as_json: AsJson = False) -> None:
    """Read and cross-check a scenario; report all mistakes at once."""
    from planner.scenario import load_scenario

    with command(as_json=as_json) as output:
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
def build(scenario: ScenarioPath, out: Out = None, no_cache: NoCache = False, as_json: AsJson = False) -> None:
    """Build the annotated network from streets, ducts, sites and right-of-way rules."""
    from planner import pipeline
    from planner.scenario import load_scenario

    with command(as_json=as_json) as output:
        folder = _folder(scenario, out)
        network = pipeline.build(load_scenario(scenario), folder, use_cache=not no_cache)
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
    start: Start = None,
    as_json: AsJson = False,
) -> None:
    """Design a plan for the network that `build` wrote."""
    from planner import pipeline
    from planner.scenario import load_scenario

    with command(as_json=as_json) as output:
        folder = _folder(scenario, out)
        options = _options(output, rollout, gap, time_limit_s, start)
        plan = pipeline.design(load_scenario(scenario), folder, options)
        path = folder / pipeline.PLAN_FILE
        outcome = plan.outcome.model_dump(mode="json")
        output.note(plan_sentence(plan))
        output.result({"plan": str(path), **outcome}, str(path))
        exit_if_interrupted(plan)


@app.command()
def evaluate(
    scenario: ScenarioPath,
    plan: Annotated[
        Path,
        typer.Option(
            "--plan", help="A plan.json, or routes drawn by hand (YAML, or GeoJSON lines).", show_default=False
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder; reports/NAME-OF-SCENARIO-NAME-OF-PLAN by default.")
    ] = None,
    bound: Annotated[bool, typer.Option("--bound", help="Also compute the lower bound on every plan.")] = False,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Price and check a given plan, or routes drawn by hand, without optimizing."""
    from planner import pipeline
    from planner.scenario import load_scenario

    with command(as_json=as_json) as output:
        folder = out or Path("reports") / f"{scenario.stem}-{plan.stem}"
        found = pipeline.evaluate(load_scenario(scenario), plan, folder, with_bound=bound)
        output.note(plan_sentence(found.plan))
        tell_checks(output, found.verdict, strict=strict)
        path = folder / pipeline.PLAN_FILE
        failed = [item.model_dump(mode="json") for item in found.verdict.failed_checks]
        contents = {"plan": str(path), "passed": found.verdict.passed, "failed_checks": failed}
        output.result({**contents, **found.plan.outcome.model_dump(mode="json")}, str(path))


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

    with command(as_json=as_json) as output:
        folder = _folder(scenario, out)
        verdict = pipeline.verify(load_scenario(scenario), folder, plan)
        tell_checks(output, verdict, strict=strict)
        path = folder / pipeline.VERDICT_FILE
        failed = [item.model_dump(mode="json") for item in verdict.failed_checks]
        output.result({"verdict": str(path), "passed": verdict.passed, "failed_checks": failed}, str(path))


@app.command()
def report(
    scenario: ScenarioPath,
    out: Out = None,
    against: Annotated[
        Path | None, typer.Option("--against", help="Folder or plan of the same scenario: explain the difference.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Render the plan and its verdict as one self-contained HTML file."""
    from planner import pipeline
    from planner.scenario import load_scenario

    with command(as_json=as_json) as output:
        path = pipeline.report(load_scenario(scenario), _folder(scenario, out), against)
        output.result({"report": str(path)}, str(path))


@app.command()
def run(
    scenario: ScenarioPath,
    out: Out = None,
    rollout: RolloutName = None,
    gap: Gap = None,
    time_limit_s: TimeLimit = None,
    start: Start = None,
    strict: Strict = False,
    no_cache: NoCache = False,
    as_json: AsJson = False,
) -> None:
    """Build, design, verify and report; the last line is the path of the report."""
    from planner import pipeline
    from planner.scenario import load_scenario

    with command(as_json=as_json) as output:
        folder = _folder(scenario, out)
        options = _options(output, rollout, gap, time_limit_s, start)
        results = pipeline.run(load_scenario(scenario), folder, options, use_cache=not no_cache)
        output.note(plan_sentence(results.plan))
        tell_checks(output, results.verdict, strict=strict)
        contents = {"report": str(results.report), "passed": results.verdict.passed}
        output.result({**contents, **results.plan.outcome.model_dump(mode="json")}, str(results.report))
        exit_if_interrupted(results.plan)


@app.command()
def compare(
    results: Annotated[list[Path], typer.Argument(metavar="RESULT...", help="Folders of results, or plan files.")],
    as_json: AsJson = False,
) -> None:
    """Put results side by side: cost, service and bound, in total and by phase."""
    from planner.comparison import as_json as figures_as_json
    from planner.comparison import results_in, table

    with command(as_json=as_json) as output:
        rows = results_in(results)
        titles, lines = table(rows)
        if as_json:
            output.result(dict(figures_as_json(rows)), "")
            return
        output.table(titles, lines)
        for item in rows:
            if item.differences:
                output.result({}, "\n".join([f"\n{item.name} against the joint plan:", *item.differences]))


@app.command()
def physics(
    memory: Annotated[str | None, typer.Option(help="Memory node of the catalog: heralded link or chain.")] = None,
    source: Annotated[str | None, typer.Option(help="Pair source of the catalog: one link without memory.")] = None,
    length_km: Annotated[float, typer.Option(min=0.0, help="Length of the whole route.")] = 20.0,
    links: Annotated[int, typer.Option(min=1, max=12, help="Equal links of a chain of memories.")] = 1,
    loss_db: Annotated[float | None, typer.Option(min=0.0, help="Measured loss of the route's fiber.")] = None,
    min_fidelity: Annotated[float, typer.Option(min=0.25, max=1.0, help="Dim a pair source to reach it.")] = 0.25,
    link_model: Annotated[str | None, typer.Option(help="Kind of link, where the devices can make several.")] = None,
    arms_km: Annotated[str, typer.Option(help="Lengths of all arms, such as 3,5,4,4: two for each link.")] = "",
    joints: Annotated[int, typer.Option(min=0, help="Joints in handholes on the whole route.")] = 0,
    patches: Annotated[int, typer.Option(min=0, help="Patch panels on the whole route.")] = 0,
    noise_hz: Annotated[float, typer.Option(min=0.0, help="Background photons at the detectors of each arm.")] = 0.0,
    converter: Annotated[str | None, typer.Option(help="Frequency converter of the catalog.")] = None,
    channel: Annotated[str | None, typer.Option(help="Classical and timing channel of the catalog.")] = None,
    hub_users: Annotated[int, typer.Option(min=2, help="Users of a shared source at full load.")] = 2,
    distillation: Annotated[list[str] | None, typer.Option(help="bbpssw or dejmps, before swapping.")] = None,
    cutoff: Annotated[bool, typer.Option("--cutoff", help="Let two links have a longest wait.")] = False,
    fiber: Annotated[str | None, typer.Option(help="Fiber of the catalog; all-in fiber that fits, if none.")] = None,
    detector: Annotated[str, typer.Option(help="Detector of the catalog.")] = "snspd",
    termination: Annotated[str | None, typer.Option(help="Ends of an arm; those that fit the fiber, if none.")] = None,
    hardware: Annotated[Path | None, typer.Option(help="Hardware catalog; the bundled one by default.")] = None,
    curve: Annotated[Path | None, typer.Option(help="Also draw rate and fidelity against length (SVG).")] = None,
    validate: Annotated[bool, typer.Option("--validate", help="Compare the models with experiments instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the budget of one link or chain step by step, or the models beside published experiments."""
    from planner import linkreport

    with command(as_json=as_json) as output:
        if validate:
            rows = linkreport.compare_experiments()
            output.result({"experiments": linkreport.experiments_json(rows)}, linkreport.experiments_text(rows))
            raise typer.Exit(int(any(row.verdict == "differs" for row in rows)))
        question = linkreport.LinkQuestion(
            catalog=hardware, memory=memory, source=source, link_model=link_model, fiber=fiber, detector=detector,
            termination=termination, length_km=length_km, links=links, loss_db=loss_db, min_fidelity=min_fidelity,
            arms_km=linkreport.lengths_km(arms_km), joints=joints, patches=patches, noise_hz=noise_hz,
            converter=converter, channel=channel, hub_users=hub_users, distillation=tuple(distillation or ()),
            cutoff=cutoff,
        )  # fmt: skip
        answer = question.budget()
        if curve is not None:
            output.note(f"curve: {question.write_curve(curve)}")
        output.result(linkreport.budget_json(question, answer), linkreport.budget_text(question, answer))


@app.command()
def export(
    scenario: ScenarioPath,
    to: Annotated[str, typer.Option("--to", help="Format: sequence (memory routes, for SeQUeNCe 0.8.5).")],
    out: Out = None,
    stop_time_s: Annotated[float, typer.Option(min=1e-3, help="Time to be simulated.")] = 3.0,
    as_json: AsJson = False,
) -> None:
    """Write the results in a folder for another program."""
    from planner import sequence_export
    from planner.scenario import load_scenario

    with command(as_json=as_json) as output:
        if to != "sequence":
            raise InputError.at("--to", f"unknown format '{to}'; known is sequence")
        loaded = load_scenario(scenario)
        path, notes = sequence_export.write_sequence(loaded, _folder(scenario, out), stop_time_s=stop_time_s)
        for text in notes:
            output.note(text)
        output.result({"sequence": str(path), "notes": list(notes)}, str(path))


def main() -> None:
    """Run the command line."""
    try:
        app()
    except BrokenPipeError as error:
        raise SystemExit(OutputError.exit_code) from error


if __name__ == "__main__":
    main()
