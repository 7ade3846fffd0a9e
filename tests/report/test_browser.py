"""The page in a real browser: it draws, it answers, it asks nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from planner.errors import InfeasibleError, Obstacle
from planner.report.dossier import Dossier
from planner.report.page import render_page
from planner.report.refusal import render_refusal
from report.browser import Page, find_browser, open_browser
from report.dossiers import HOSTILE_SEEN, bare_dossier, city_dossier, hostile_dossier
from worlds import demand, make_world

PROGRAM = find_browser()
READY = "document.documentElement.dataset.map === 'ready'"
INK = """(() => [...document.querySelectorAll('.leaflet-pane canvas')].reduce((sum, canvas) =>
  sum + canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.reduce(
    (count, value, at) => count + (at % 4 === 3 && value > 0), 0), 0))()"""
STATUS = "document.getElementById('map-status').innerText"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason="no Chromium is installed")]


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    assert PROGRAM is not None
    with open_browser(PROGRAM, tmp_path_factory.mktemp("profile")) as page:
        yield page


def show(tab: Page, dossier: Dossier, folder: Path) -> Path:
    path = folder / "report.html"
    path.write_text(render_page(dossier), encoding="utf-8")
    tab.events.clear()
    tab.open(path, until=READY)
    return path


def choose(tab: Page, element_id: str, value: str, event: str = "change") -> str:
    tab.run(f"(() => {{ const e = document.getElementById({json.dumps(element_id)}); e.value = {json.dumps(value)};"
            f" e.dispatchEvent(new Event({json.dumps(event)})); }})()")  # fmt: skip
    return str(tab.run(STATUS))


def parts(tab: Page, layer: str) -> Any:
    return tab.run(f"document.querySelectorAll('.symbol.{layer}').length")


def test_map_draws_and_its_controls_answer(tab: Page, tmp_path: Path) -> None:
    path = show(tab, city_dossier(tmp_path), tmp_path)
    assert tab.run(INK) > 2000, "lines are drawn"
    assert parts(tab, "repeater") == 1
    assert tab.run(STATUS).startswith("Phase 2 of 2, 2030 p2.")

    assert choose(tab, "phase", "0", "input").startswith("Phase 1 of 2, 2027 p1.")
    assert parts(tab, "repeater") == 0, "what is built later is not there yet"
    assert "site B – site C: not asked for before 2030 p2." in choose(tab, "demand", "1")
    assert "Primary: " in choose(tab, "demand", "0") and "Backup: " in tab.run(STATUS)

    said = choose(tab, "failure", "0")
    assert said.startswith("Phase 2 of 2") and " fails, " in said, "failures are replayed in the last phase"
    assert tab.run("document.getElementById('phase').value") == "1"
    assert parts(tab, "failed") == 1

    before = parts(tab, "site-user")
    tab.run("document.querySelector('input[value=site-user]').click()")
    assert (before, parts(tab, "site-user")) == (5, 0)
    assert tab.complaints() == []
    assert tab.requests() == [path.resolve().as_uri()]


def test_a_click_on_a_line_tells_its_facts(tab: Page, tmp_path: Path) -> None:
    show(tab, city_dossier(tmp_path), tmp_path)
    tab.run("document.documentElement.style.scrollBehavior = 'auto'")
    tab.run("document.querySelector('.map-frame').scrollIntoView()")
    place = tab.run(
        """(() => { const site = document.querySelector('.symbol.site-user[aria-label$="site E"]');
        const box = site.getBoundingClientRect();
        return [box.left + box.width / 2 - 60, box.top + box.height / 2]; })()"""
    )
    for kind in ("mousePressed", "mouseReleased"):
        tab.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)
    assert "Leased dark fiber" in tab.run("document.querySelector('.leaflet-popup').innerText")
    assert "site B – site E (primary)" in tab.run("document.querySelector('.leaflet-popup').innerText")


def test_hostile_names_do_nothing(tab: Page, tmp_path: Path) -> None:
    path = show(tab, hostile_dossier(tmp_path), tmp_path)
    for value in ("0", "1", "2"):
        choose(tab, "demand", value)
    assert HOSTILE_SEEN.split()[0] in choose(tab, "failure", "0")
    tab.run("document.querySelector('.symbol.site-user').click()")
    assert tab.run("document.querySelector('.leaflet-popup h3').textContent").startswith(HOSTILE_SEEN)
    assert tab.run("document.querySelector('.site-label').textContent").startswith(HOSTILE_SEEN)
    assert tab.complaints() == []
    assert tab.requests() == [path.resolve().as_uri()]


def test_an_empty_plan_still_shows_a_map(tab: Page, tmp_path: Path) -> None:
    show(tab, bare_dossier(tmp_path), tmp_path)
    assert tab.run(INK) > 20, "the street is drawn"
    assert tab.complaints() == []


def test_a_map_of_obstacles_draws(tab: Page, tmp_path: Path) -> None:
    world = make_world(tmp_path, "A---+---B", [demand("A", "B", routes=2)])
    spans = tuple(world.network.spans.ids)
    error = InfeasibleError(Obstacle(reason="a bridge", demands=("A-B",), spans=spans))
    path = tmp_path / "no-plan.html"
    path.write_text(render_refusal(world.network, world.scenario, error), encoding="utf-8")
    tab.events.clear()
    tab.open(path, until=f"{INK} > 500")
    assert tab.complaints() == []
    assert tab.requests() == [path.resolve().as_uri()]


def test_policy_stops_a_script_that_is_slipped_in(tab: Page, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    text = render_page(city_dossier(tmp_path)).replace("<main>", "<main><script>window.slipped = 1</script>")
    path.write_text(text, encoding="utf-8")
    tab.events.clear()
    tab.open(path, until=READY)
    assert tab.run("window.slipped === undefined")
    assert any("Content Security Policy" in said for said in tab.complaints())
