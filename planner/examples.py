"""The examples that come with the program, in a checkout and in an installed wheel alike."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from planner.errors import InputError, OutputError


def bundled_folder() -> Path:
    """Return the folder that holds `data/` and `scenarios/`: inside the installed package, or the checkout's root."""
    package = Path(__file__).resolve().parent
    installed = package / "bundled"
    return installed if installed.is_dir() else package.parent


def example_names() -> list[str]:
    """Return the names of the bundled scenarios."""
    return sorted(path.stem for path in (bundled_folder() / "scenarios").glob("*.yaml"))


def copy_example(name: str, folder: Path) -> Path:
    """Copy a bundled scenario with its catalogs and geodata into a new folder; return the path of the scenario.

    Raises InputError for an unknown name and OutputError when the folder exists or cannot be written.
    """
    if name not in example_names():
        raise InputError.at(name, f"no such example; there are {', '.join(example_names())}")
    source = bundled_folder()
    try:
        folder.mkdir(parents=True)
        (folder / "scenarios").mkdir()
        shutil.copy(source / "scenarios" / f"{name}.yaml", folder / "scenarios")
        (folder / "data").mkdir()
        for catalog in ("hardware.yaml", "costs.yaml"):
            shutil.copy(source / "data" / catalog, folder / "data")
        for layers in _data_folders(folder / "scenarios" / f"{name}.yaml"):
            shutil.copytree(source / "data" / layers, folder / "data" / layers)
    except FileExistsError as error:
        raise OutputError(f"{folder}: exists already; nothing was copied") from error
    except OSError as error:
        raise OutputError(f"{folder}: could not be written: {error.strerror or error}") from error
    return folder / "scenarios" / f"{name}.yaml"


def _data_folders(scenario: Path) -> list[str]:
    """Return the folders of layers that a bundled scenario names."""
    return sorted(set(re.findall(r"\.\./data/([a-z0-9-]+)/", scenario.read_text(encoding="utf-8"))))
