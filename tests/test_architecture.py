"""The rules of the house, checked on the sources: import order, one home per library, sizes, names and docstrings."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "planner"
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if "bundled" not in path.relative_to(PACKAGE).parts[:-1])

LAYERS = (
    {"errors", "units"},
    {"yamlio", "outputs", "examples"},
    {"entries"},
    {"reliability"},
    {"catalog"},
    {"scenario"},
    {"network", "plan", "verdict"},
    {"costs", "differences", "fixed", "physics"},
    {"geodata", "design", "verify", "report"},
    {"pipeline", "comparison", "linkreport", "linkcurve", "sequence_export", "drafting"},
    {"console", "options"},
    {"cli"},
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
ENGINES = {"geodata", "design", "verify", "report"}

HOMES = {
    "osmnx": {"geodata"},
    "osmium": {"geodata", "verify/rawfiles.py"},
    "psycopg": {"geodata/postgis.py"},
    "pyogrio": {"geodata"},
    "geopandas": {"geodata", "verify/rawfiles.py"},
    "shapely": {"geodata", "verify/geometry.py", "verify/rawfiles.py"},
    "pyproj": {"geodata", "verify/geometry.py"},
    "pulp": {
        "design/solvers.py",
        "design/solver_process.py",
        "design/selection.py",
        "design/shortfalls.py",
        "design/station_program.py",
        "design/variables.py",
        "design/constraints.py",
        "design/line_program.py",
        "design/objective.py",
    },
    "highspy": {"design/solver_process.py"},
    "folium": {"report"},
    "branca": {"report"},
    "jinja2": {"report"},
    "yaml": {"yamlio.py"},
    "networkx": {"network.py", "design", "verify/ceilings.py", "verify/unavoidable.py"},
    "typer": {"cli.py", "console.py", "options.py"},
    "rich": {"cli.py", "console.py"},
    "numba": {"design", "geodata", "physics"},
    "scipy": {"design", "geodata", "physics"},
}
LATE = {("scenario/sitefiles.py", "planner.geodata.places")}
"""Imports against the order, inside a function: sites that need a GIS must be known when a scenario is checked."""
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
MAX_KERNEL_LINES = 70
MAX_MEDIAN_FUNCTION_LINES = 15
MAX_POSITIONAL = 6

QUANTITIES_WITHOUT_UNIT = (
    "length", "distance", "loss", "rate", "wavelength", "frequency", "coherence_time", "latency", "lateral", "delay",
)  # fmt: skip


def module_of(path: Path) -> str:
    """Return the name of the noun or engine that a file belongs to."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.Module) -> list[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
            if node.module == "planner":
                names += [f"planner.{alias.name}" for alias in node.names]
    return names


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def length_without_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None
    lines = node.end_lineno - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        assert first.end_lineno is not None
        lines -= first.end_lineno - first.lineno + 1
    return lines


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_file_keeps_the_rules(path: Path) -> None:
    tree = parse(path)
    home = module_of(path)
    relative = path.relative_to(PACKAGE).as_posix()
    faults: list[str] = []
    for name in imports(tree):
        top = name.split(".")[0]
        if top == "planner" and name.count(".") >= 1 and home != "__init__":
            other = name.split(".")[1]
            allowed = other == home or RANK[other] < RANK[home] or (RANK[other] == RANK[home] and home not in ENGINES)
            if not allowed and (relative, name) not in LATE:
                faults.append(f"imports {name}, which stands to its right")
        homes = HOMES.get(top)
        if homes is not None and not any(relative == place or relative.startswith(f"{place}/") for place in homes):
            faults.append(f"imports {top}, whose home is {sorted(homes)}")
    if len(path.read_text(encoding="utf-8").splitlines()) > MAX_FILE_LINES:
        faults.append(f"has more than {MAX_FILE_LINES} lines")
    for node in functions(tree):
        longest = MAX_KERNEL_LINES if _is_compiled(node) else MAX_FUNCTION_LINES
        if length_without_docstring(node) > longest:
            faults.append(f"{node.name} has more than {longest} lines")
        positional = [argument.arg for argument in node.args.args if argument.arg not in ("self", "cls")]
        if len(positional) > MAX_POSITIONAL and relative not in ("cli.py",) and not _is_compiled(node):
            faults.append(f"{node.name} has more than {MAX_POSITIONAL} positional arguments")
    calls = [node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    if "print" in calls and relative not in ("cli.py", "console.py"):
        faults.append("prints, which only the command line does")
    assert not faults, "\n".join(faults)


def _is_compiled(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether numba compiles the function: kernels take plain arrays, many of them."""
    return any("jit" in ast.unparse(decorator) for decorator in node.decorator_list)


def test_every_module_has_a_place_in_the_order() -> None:
    names = {module_of(path) for path in SOURCES} - {"__init__"}
    assert names <= set(RANK), f"without a place: {sorted(names - set(RANK))}"


def test_no_drawer_modules() -> None:
    forbidden = {"utils", "util", "common", "misc", "base", "manager", "helpers"}
    assert not [path for path in SOURCES if path.stem in forbidden or forbidden & set(path.parts)]


def test_functions_are_short_in_the_middle() -> None:
    lengths = sorted(length_without_docstring(node) for path in SOURCES for node in functions(parse(path)))
    assert lengths[len(lengths) // 2] <= MAX_MEDIAN_FUNCTION_LINES


def test_quantities_carry_their_unit() -> None:
    faults: list[str] = []
    for path in SOURCES:
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                annotation = ast.unparse(node.annotation)
                if node.target.id in QUANTITIES_WITHOUT_UNIT and "float" in annotation.lower():
                    faults.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.target.id} names no unit")
            if isinstance(node, ast.FunctionDef):
                for argument in [*node.args.args, *node.args.kwonlyargs]:
                    annotation = ast.unparse(argument.annotation) if argument.annotation else ""
                    if argument.arg in QUANTITIES_WITHOUT_UNIT and annotation == "float":
                        faults.append(f"{path.relative_to(ROOT)}:{node.lineno}: {argument.arg} names no unit")
    assert not faults, "\n".join(faults)


def test_command_line_imports_no_engine_at_the_top() -> None:
    """`planner --help` and `planner check` answer at once: engines are imported by the command that needs them."""
    tree = parse(PACKAGE / "cli.py")
    top = [name for node in tree.body for name in imports(ast.Module(body=[node], type_ignores=[]))
           if isinstance(node, ast.Import | ast.ImportFrom)]  # fmt: skip
    assert not [
        name
        for name in top
        if name.startswith("planner.") and name.split(".")[1] not in ("errors", "console", "options")
    ]
