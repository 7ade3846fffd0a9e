"""Runs instances one after the other, each in a process of its own, and remembers what this commit has run already."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from benchmarks.registry import benchmark
from benchmarks.rows import CACHE, COLUMNS, ROOT, Benchmark, Instance, Request, Row

CHILD_FLAG = "--child-instance"
WARM_UP = "(warm-up)"
"""Name of the instance that only compiles and caches code."""


def peak_mb() -> float:
    """Return the largest memory that this process has had so far, plus that of its largest finished child."""
    kilobytes = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return round(kilobytes / 1024.0, 1)


def run_child(name: str, request: Request, instance: str) -> Row:
    """Return the row of one instance, run here; raises KeyError when the benchmark has none of that name."""
    if instance == WARM_UP:
        from benchmarks.planned import warm_up

        warm_up()
        return Row(instance=WARM_UP)
    for item in benchmark(name).instances(request):
        if item.name == instance:
            return item.run()
    raise KeyError(instance)


def run_all(
    name: str, chosen: Benchmark, request: Request, *, only: str | None = None, fresh: bool = False
) -> Iterator[Row]:
    """Yield the row of every instance as it ends; rows of the same commit, request and instance are not run again.

    A row of an instance that failed has a column `error`.
    """
    instances = [item for item in chosen.instances(request) if only is None or _is_meant(item.name, only)]
    done = {} if fresh else _done(name, request)
    todo = [item for item in instances if item.name not in done]
    _announce(name, instances, todo)
    if todo and chosen.needs_warm_up:
        _run(name, request, WARM_UP)
    for item in instances:
        if item.name in done:
            yield done[item.name]
            continue
        row = _run(name, request, item.name)
        row = row.with_more(commit=commit(), machine=machine())
        _remember(name, request, row)
        yield row


def commit() -> str:
    """Return the commit that runs, with a plus sign where files differ from it."""
    head = _git("rev-parse", "--short", "HEAD")
    return head + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")


def machine() -> str:
    """Return the processor and the number of cores that may be used."""
    cpu = ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = models[0] if models else ""
    return f"{cpu or platform.processor() or platform.machine()}, {len(os.sched_getaffinity(0))} cores"


def _git(*arguments: str) -> str:
    result = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else "unknown"


def _is_meant(name: str, only: str) -> bool:
    return only in name or fnmatchcase(name, only)


def _announce(name: str, instances: list[Instance], todo: list[Instance]) -> None:
    minutes = sum(item.estimate_s for item in todo) / 60.0
    kept = len(instances) - len(todo)
    again = f", {kept} known from before" if kept else ""
    print(f"{name}: {len(todo)} instances to run, about {minutes:.1f} min{again}", file=sys.stderr, flush=True)


def _run(name: str, request: Request, instance: str) -> Row:
    """Return the row of an instance from a child process."""
    command = [sys.executable, "-m", "benchmarks", name, f"{CHILD_FLAG}={instance}"]
    command += [] if request.folder is None else ["--folder", str(request.folder.resolve())]
    command += [] if request.seed is None else ["--seed", str(request.seed)]
    for key, value in sorted(request.settings.items()):
        command += ["--set", f"{key}={value}"]
    started = time.monotonic()
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    print(f"{name}: {instance} took {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
    if ended.returncode != 0:
        return Row(instance=instance, more={"error": f"the process ended with {ended.returncode}"})
    return row_from(json.loads(ended.stdout.strip().splitlines()[-1]))


def row_from(columns: dict[str, Any]) -> Row:
    """Return the row whose columns these are."""
    standard = {name: columns[name] for name in COLUMNS}
    return Row(**standard, more={name: value for name, value in columns.items() if name not in COLUMNS})


def _results_file() -> Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    return CACHE / "results.jsonl"


def _key(name: str, request: Request) -> dict[str, Any]:
    return {
        "benchmark": name,
        "folder": None if request.folder is None else str(request.folder.resolve()),
        "seed": request.seed,
        "settings": dict(sorted(request.settings.items())),
    }


def _done(name: str, request: Request) -> dict[str, Row]:
    """Return the rows of earlier runs of this very commit, by instance; none where files differ from the commit."""
    now = commit()
    if now.endswith("+") or now == "unknown" or not _results_file().exists():
        return {}
    key, rows = _key(name, request), {}
    for line in _results_file().read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        row = row_from(entry["row"])
        if entry["key"] == key and row.more.get("commit") == now and "error" not in row.more:
            rows[row.instance] = row
    return rows


def _remember(name: str, request: Request, row: Row) -> None:
    with _results_file().open("a", encoding="utf-8") as file:
        file.write(json.dumps({"key": _key(name, request), "row": row.to_dict()}) + "\n")
