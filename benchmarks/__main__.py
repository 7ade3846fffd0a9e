"""Command line: `python -m benchmarks NAME [--json] [--folder F] [--seed S] [--only P] [--out FILE] [--fresh]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.registry import MODULES, benchmark
from benchmarks.rows import Request, SkippedError
from benchmarks.runner import CHILD_FLAG, run_all, run_child
from benchmarks.table import table_lines


def main(arguments: list[str] | None = None) -> int:
    """Run a benchmark and print its rows; return the exit code: 0 all ran, 1 an instance failed, 2 wrong arguments."""
    asked = _parser().parse_args(arguments)
    request = Request(folder=asked.folder, seed=asked.seed, settings=_settings(asked.set))
    if asked.child is not None:
        print(run_child(asked.name, request, asked.child).to_json())
        return 0
    try:
        chosen = benchmark(asked.name)
        rows = []
        for row in run_all(asked.name, chosen, request, only=asked.only, fresh=asked.fresh):
            rows.append(row)
            if asked.json:
                print(row.to_json(), flush=True)
            if asked.out is not None:
                with asked.out.open("w" if len(rows) == 1 else "a", encoding="utf-8") as file:
                    file.write(row.to_json() + "\n")
    except SkippedError as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        return 0
    if not asked.json:
        print("\n".join(table_lines(rows)))
    return 1 if any("error" in row.more for row in rows) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Runs a benchmark, one row an instance.")
    parser.add_argument("name", choices=sorted(MODULES))
    parser.add_argument("--json", action="store_true", help="one line of JSON an instance, as each ends")
    parser.add_argument("--folder", type=Path, help="instances to run instead of the usual ones")
    parser.add_argument("--seed", type=int, help="seed of random instances")
    parser.add_argument("--only", help="run the instances whose name contains this, or matches it as a pattern (*, ?)")
    parser.add_argument("--out", type=Path, help="write the lines of JSON into this file too")
    parser.add_argument("--fresh", action="store_true", help="run again what this commit has run already")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting that only some benchmarks know"
    )
    parser.add_argument(CHILD_FLAG, dest="child", help=argparse.SUPPRESS)
    return parser


def _settings(pairs: list[str]) -> dict[str, str]:
    settings = dict(pair.partition("=")[::2] for pair in pairs)
    if not all(name and value for name, value in settings.items()):
        print(f"--set wants KEY=VALUE, not {pairs}", file=sys.stderr)
        raise SystemExit(2)
    return settings


if __name__ == "__main__":
    sys.exit(main())
