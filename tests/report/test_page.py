"""The page: complete, the same every time, harmless, and whole even when there is nothing to say."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from planner.errors import InputError, OutputError
from planner.plan import Installation, Service, SiteOpening, SpanBuild
from planner.report import write_report
from planner.report.dossier import Dossier, open_dossier
from planner.report.outside import refuse_requests
from planner.report.page import ASSETS, SCRIPTS, render_page
from planner.verdict import Check
from plans import chain_plan, line_plan, make_plan
from report.dossiers import HOSTILE, HOSTILE_SEEN, bare_dossier, city_dossier, hostile_dossier, make_verdict, rejudged
from report.pages import Page
from worlds import demand, make_world, phases

SECTIONS = ["answer", "map-section", "phases", "service", "failures", "materials", "checks", "again"]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Dossier:
    return city_dossier(tmp_path_factory.mktemp("city"))


@pytest.fixture(scope="module")
def page(city: Dossier) -> Page:
    return Page(render_page(city))


def test_two_renders_are_equal_and_leave_folium_as_it_was(city: Dossier, tmp_path: Path) -> None:
    from branca.element import Element

    before = Element._generate_id
    assert render_page(city) == render_page(city) == render_page(city_dossier(tmp_path))
    assert Element._generate_id == before
    assert Element._generate_id() != Element._generate_id()


def test_sections_come_in_order_with_title_and_language(page: Page) -> None:
    ids = page.ids()
    assert [name for name in ids if name in SECTIONS] == SECTIONS
    assert len(ids) == len(set(ids))
    assert ("html", {"lang": "en"}) in page.elements
    assert {"main", "nav", "header", "footer", "h1", "title"} <= {tag for tag, _ in page.elements}
    assert "First part." in page.text and "Second part." in page.text


def test_every_control_is_native_and_labelled(page: Page) -> None:
    labels = {attributes.get("for") for tag, attributes in page.elements if tag == "label"}
    assert {"phase", "demand", "failure"} <= labels
    controls = {attributes.get("id"): tag for tag, attributes in page.elements}
    assert (controls["phase"], controls["demand"], controls["failure"]) == ("input", "select", "select")
    status = next(attributes for _, attributes in page.elements if attributes.get("id") == "map-status")
    assert (status["aria-live"], status["role"]) == ("polite", "status")


def test_pictures_have_titles_and_descriptions(page: Page) -> None:
    pictures = [attributes for tag, attributes in page.elements if tag == "svg" and attributes.get("role") == "img"]
    assert len(pictures) >= 2
    assert all("aria-hidden" in a or a.get("role") == "img" for tag, a in page.elements if tag == "svg")
    assert {"capex-title", "capex-desc", "worth-title", "worth-desc"} <= set(page.ids())


def test_policy_lets_exactly_the_scripts_of_the_page_run(page: Page) -> None:
    policy = next(a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    digests = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in page.running_scripts]
    assert len(digests) == len(SCRIPTS) + 1
    assert re.findall(r"'sha256-([^']+)'", policy or "") == digests
    assert (policy or "").startswith("default-src 'none'; ")
    assert "unsafe-eval" not in (policy or "") and "http" not in (policy or "")


def test_vendored_files_are_those_of_the_notices() -> None:
    notices = (Path(__file__).resolve().parents[2] / "THIRD_PARTY_NOTICES.md").read_text(encoding="utf-8")
    for name in ("leaflet.js", "leaflet.css"):
        assert hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() in notices


def test_nothing_is_loaded_from_elsewhere(page: Page) -> None:
    loading = [(tag, a) for tag, a in page.elements if tag in {"img", "link", "iframe", "object", "embed", "base"}]
    assert loading == []
    links = [a["href"] for tag, a in page.elements if tag == "a"]
    assert all(
        (link or "").startswith(("#", "https://leafletjs.com", "https://www.openstreetmap.org")) for link in links
    )


@pytest.mark.parametrize(
    "snippet",
    [
        '<script src="https://a.example/x.js"></script>',
        '<link rel="stylesheet" href="//a.example/x.css">',
        '<img src="x.png">',
        '<svg><use xlink:href="http://a.example/x.svg#a"/></svg>',
        '<p style="background: url(http://a.example/x)">',
        "<style>@import 'x.css';</style>",
        "<style>p { background: url('//a.example/x') }</style>",
        "<script>document.body.innerHTML = '<img src=\"https://a.example/x\">'</script>",
        '<form action="https://a.example/">',
    ],
)
def test_a_page_that_loads_is_refused(snippet: str) -> None:
    with pytest.raises(OutputError, match="would load from outside"):
        refuse_requests(f"<!DOCTYPE html><html><body>{snippet}</body></html>")


@pytest.mark.parametrize(
    "snippet",
    [
        '<a href="https://www.openstreetmap.org/copyright">x</a>',
        "<p>src=http://a.example url(http://a.example)</p>",
        '<script type="application/json">{"a": "src=\\"http://a.example\\""}</script>',
        '<svg><rect fill="url(#hatch)"/></svg><img src="data:image/png;base64,AAAA">',
    ],
)
def test_links_words_and_data_are_allowed(snippet: str) -> None:
    refuse_requests(f"<!DOCTYPE html><html><body>{snippet}</body></html>")


def test_hostile_names_are_words_and_nothing_else(tmp_path: Path) -> None:
    text = render_page(hostile_dossier(tmp_path))
    page = Page(text)
    (tmp_path / "plain").mkdir()
    plain = Page(render_page(city_dossier(tmp_path / "plain")))
    assert HOSTILE not in text
    assert all(letter not in text for letter in "\u2028\u202e")
    assert not any("alert(" in script for script in page.running_scripts)
    assert "alert(1)" not in text.replace("&lt;script&gt;alert(1)", "").replace("\\u003cscript\\u003ealert(1)", "")
    seen = " ".join(HOSTILE_SEEN.split())
    assert page.text.count(seen) > 30
    data = page.data("plan-data")
    assert data["sites"][0]["name"].startswith(HOSTILE_SEEN)
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in plain.elements} | {"div"}
    assert [a for _, a in page.elements if any(name.startswith("on") for name in a)] == []


def failing(dossier: Dossier) -> Dossier:
    checks = (
        Check(name="cost_is_right", subject="plan", expected="10", actual="10", unit="EUR", passed=True),
        Check(name="budget_holds", subject="p1", expected="at most 9", actual="12", unit="EUR", passed=False),
    )
    return rejudged(dossier, dossier.plan, checks=checks)


def test_failed_checks_come_first_and_loud(city: Dossier) -> None:
    text = render_page(failing(city))
    page = Page(text)
    assert page.table("Failed checks")[1:] == [["Budget holds", "p1", "at most 9", "12", "EUR"]]
    assert "1 of 2 checks failed" in page.text and "FAILED: 1" in page.text
    assert text.index("Not verified") < text.index("the plan serves")
    assert "confirmed it" not in page.text


def test_a_plan_that_passed_says_so(page: Page, city: Dossier) -> None:
    assert f"confirmed it: all {len(city.verdict.checks)} checks passed" in page.text
    assert "Not verified" not in page.text


def test_an_unchecked_plan_is_not_called_verified(tmp_path: Path) -> None:
    page = Page(render_page(bare_dossier(tmp_path)))
    assert "Not verified" in page.text and "The plan was not checked." in page.text


def test_bound_gap_and_assumptions_are_stated(page: Page) -> None:
    assert "at most 2.0 % of the cost could be saved" in page.text.replace("\u00a0", " ")
    assert "bound covers every plan that meets the scenario" in page.text
    places = page.table("Assumed places")
    assert places[1][0] == "Unchecked sightline"
    figures = [row[0] for row in page.table("Assumed figures")[1:]]
    assert {"Fiber: test fiber", "Price: memory-node", "Free-space terminal: test terminal"} <= set(figures)
    assert "Price: snspd-system" in figures, "receivers for detected pairs are in use"


def test_assumptions_not_in_use_are_left_out(tmp_path: Path) -> None:
    planned = line_plan(tmp_path)
    world = planned.world
    dossier = open_dossier(world.network, world.scenario, planned.plan, make_verdict(world, planned.plan))
    figures = {row[0] for row in Page(render_page(dossier)).table("Assumed figures")[1:]}
    assert "Pair source (pairs): test source" in figures
    assert not {"Memory (chain): test memory", "Price: memory-node", "Price: duct-rental"} & figures


def test_reproduction_names_digests_versions_and_command(page: Page, city: Dossier) -> None:
    for text in (city.scenario.digest, city.network.digest, city.verdict.plan_digest, "planner run scenario.yaml"):
        assert text in page.text
    assert str(city.scenario.folder) not in page.text


def worlds_that_lack(folder: Path) -> dict[str, Dossier]:
    """Return dossiers in which something is missing."""
    cases: dict[str, Dossier] = {}
    for name in ("bare", "line", "chain"):
        (folder / name).mkdir()
    cases["nothing built, nobody served, one phase, no budget"] = bare_dossier(folder / "bare")
    for name, plan in (("line", line_plan), ("chain", chain_plan)):
        planned = plan(folder / name)
        verdict = make_verdict(planned.world, planned.plan)
        cases[name] = open_dossier(planned.world.network, planned.world.scenario, planned.plan, verdict)
    return cases


@pytest.mark.parametrize("name", ["nothing built, nobody served, one phase, no budget", "line", "chain"])
def test_every_section_survives_being_empty(name: str, tmp_path: Path) -> None:
    page = Page(render_page(worlds_that_lack(tmp_path)[name]))
    assert [found for found in page.ids() if found in SECTIONS] == SECTIONS
    assert page.data("plan-data")["failures"] == []


def test_a_plan_without_service_entries_survives(tmp_path: Path) -> None:
    world = make_world(tmp_path, "A---B", [demand("A", "B")], phases=phases(0.0, 1.0))
    plan = make_plan(world, {})
    dossier = open_dossier(world.network, world.scenario, plan, make_verdict(world, plan))
    assert "serves none of the 1 demand" in Page(render_page(dossier)).text


def test_a_plan_that_names_unknown_things_is_shown_and_they_are_named(city: Dossier) -> None:
    first = city.plan.services[0]
    lost = first.routes[0].model_copy(update={"spans": (*first.routes[0].spans, "ghost-span")})
    plan = city.plan.model_copy(
        update={
            "builds": (*city.plan.builds, SpanBuild(span="ghost-span", phase="p1")),
            "openings": (*city.plan.openings, SiteOpening(site="ghost-site", phase="p9")),
            "installations": (*city.plan.installations, Installation(site="A", item="ghost", phase="p1", count=1)),
            "services": (
                Service(demand="A-D", phase="p1", routes=(lost,)),
                Service(demand="ghost", phase="p1", routes=()),
                *city.plan.services[1:],
            ),
        }
    )
    page = Page(render_page(rejudged(city, plan)))
    assert "does not know" not in page.text
    assert "The plan names what the network and the scenario do not know: ghost-span." in page.text


@pytest.mark.parametrize("field", ["scenario_digest", "network_digest", "plan_digest"])
def test_a_verdict_about_something_else_is_refused(field: str, city: Dossier) -> None:
    verdict = city.verdict.model_copy(update={field: "0" * 64})
    with pytest.raises(InputError, match="is about another"):
        open_dossier(city.network, city.scenario, city.plan, verdict)


def test_report_is_written_whole_or_not_at_all(city: Dossier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values: tuple[Any, ...] = (city.network, city.scenario, city.plan, city.verdict)
    path = write_report(*values, tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "report.html"
    old = path.read_bytes()
    assert old == render_page(city).encode()

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OutputError, match="No space left"):
        write_report(*values, path.parent)
    assert path.read_bytes() == old
    assert [entry.name for entry in path.parent.iterdir()] == ["report.html"]


def test_a_world_needs_no_attribution(tmp_path: Path) -> None:
    dossier = bare_dossier(tmp_path)
    object.__setattr__(dossier.network, "attributions", ())
    assert "None" not in Page(render_page(dossier)).text


def test_open_street_map_is_linked(city: Dossier) -> None:
    name = "© OpenStreetMap contributors, ODbL"
    object.__setattr__(city.network, "attributions", (name,))
    page = Page(render_page(city))
    object.__setattr__(city.network, "attributions", ("drawn for tests",))
    assert ("a", {"href": "https://www.openstreetmap.org/copyright"}) in page.elements
    assert page.text.count(name) == 2, "on the map and at the foot of the page"
