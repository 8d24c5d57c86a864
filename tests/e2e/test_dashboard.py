"""The dashboard as people see it: a real Chromium on a real dashboard on a real API."""

import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, expect, sync_playwright

from interfaces.api.app import create_app
from tests.e2e.browser import FLAGS, PATIENCE_MS, Screen, chromium, dashboard, free_port
from tests.recorded_store import CAUSE, HOSTILE, QUOTE, TITLE
from tests.recorded_system import RecordedSystem

pytestmark = pytest.mark.browser

VISIBLE_HOSTILE = HOSTILE.replace("\x1b", "\\x1b")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordedSystem]:
    running = RecordedSystem(tmp_path_factory.mktemp("store"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def api_url(system: RecordedSystem) -> Iterator[str]:
    """The API's address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(system), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(30)
    listening.close()


@pytest.fixture(scope="module")
def address(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The dashboard's address; it runs as it does for users."""
    with dashboard(api_url, tmp_path_factory.mktemp("log") / "dashboard.log") as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = chromium()
    assert executable, "no Chromium on this machine: apt-get install chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def screen(browser: Browser, address: str) -> Iterator[Screen]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield Screen(context.new_page(), address)
    context.close()


def test_the_overview_shows_first_what_needs_me(screen: Screen) -> None:
    """The worst open incident stands on top with its cause; sources, patterns, agents follow."""
    screen.open()
    screen.shows("Needs you now (2)")
    screen.shows(CAUSE)
    page = screen.page.get_by_test_id("stApp").inner_text()
    assert page.index(TITLE) < page.index("unknown coupon")
    for heading in ("Sources", "Top patterns", "New patterns", "Agents", "Errors per minute"):
        assert heading in page
    screen.is_sound()


def test_a_card_leads_to_its_incident(screen: Screen, system: RecordedSystem) -> None:
    """The link carries the incident's id, so that it can be sent to somebody."""
    screen.open()
    screen.page.get_by_role("link", name=TITLE).click()
    screen.shows("Root cause")
    assert f"id={system.story.diagnosed}" in screen.page.url
    screen.is_sound()


def test_an_incident_shows_the_root_cause_and_the_line_that_proves_it(
    screen: Screen, system: RecordedSystem
) -> None:
    """Cause, quoted span inside its line, what to do now with a command to copy."""
    screen.open("incident", id=str(system.story.diagnosed))
    card = screen.page.locator(".card.cause")
    expect(card).to_contain_text(CAUSE)
    expect(card.locator("mark").first).to_have_text(QUOTE)
    expect(card.locator(".ln.hit").first).to_contain_text('could not write to file "pg_wal/')
    expect(screen.page.get_by_test_id("stCode").first).to_contain_text("du -xsh")
    screen.is_sound()


def test_the_first_screen_says_what_it_is_and_what_to_do(
    screen: Screen, system: RecordedSystem
) -> None:
    """On 900 pixels, without scrolling; the accused service is among those named."""
    screen.open("incident", id=str(system.story.diagnosed))
    for card in (".card.cause", ".card.do"):
        box = screen.page.locator(card).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 900, card
    services = screen.page.locator(".facts > div", has_text=re.compile("^services"))
    expect(services).to_contain_text("postgres")


@pytest.mark.parametrize(
    ("view", "told"),
    [
        ("Fix", "max_slot_wal_keep_size = 20GB"),
        ("Evidence", "checkpoints are occurring too frequently"),
        ("Hypotheses", "postgres was running until it aborted"),
        ("Timeline", "connection to server at db:5432 refused"),
        ("Similar", "postgres: disk full in March"),
        ("How we got here", "accepted as <1@aiops.example>"),
    ],
)
def test_every_view_of_an_incident_has_an_address(
    screen: Screen, system: RecordedSystem, view: str, told: str
) -> None:
    """`?view=` opens it with its content and without a complaint."""
    screen.open("incident", id=str(system.story.diagnosed), view=view)
    screen.shows(told)
    screen.is_sound()


def test_choosing_a_view_changes_the_address(screen: Screen, system: RecordedSystem) -> None:
    """What is on the screen can be shared."""
    screen.open("incident", id=str(system.story.diagnosed))
    screen.page.get_by_text("Hypotheses", exact=True).click()
    screen.shows("postgres was running until it aborted")
    expect(screen.page).to_have_url(re.compile("view=Hypotheses"), timeout=PATIENCE_MS)


def test_the_audit_names_the_hash_of_the_bytes(screen: Screen, system: RecordedSystem) -> None:
    """The chain ends at the chunk whose hash the evidence names."""
    screen.open("incident", id=str(system.story.diagnosed), view="How we got here")
    screen.shows("Records Appended")
    screen.shows(system.story.chunks["postgres"].chunk_hash.hex())
    screen.shows("begun from outside")


@pytest.mark.parametrize(
    ("place", "params"),
    [
        ("", {}),
        ("incidents", {}),
        ("search", {"q": "unknown coupon"}),
        ("search", {"source": "orders", "sequence": "76"}),
    ],
)
def test_hostile_text_stays_text(screen: Screen, place: str, params: dict[str, str]) -> None:
    """Markup, Markdown and escape sequences of a log line are shown, never obeyed."""
    screen.open(place, **params)
    screen.shows(VISIBLE_HOSTILE)
    _nothing_of_it_lives(screen)


@pytest.mark.parametrize("view", ["Evidence", "Timeline", "How we got here"])
def test_hostile_text_stays_text_on_an_incident(
    screen: Screen, system: RecordedSystem, view: str
) -> None:
    """The same on the page of the incident that it opened."""
    screen.open("incident", id=str(system.story.fresh), view=view)
    screen.shows(VISIBLE_HOSTILE)
    _nothing_of_it_lives(screen)


def _nothing_of_it_lives(screen: Screen) -> None:
    assert screen.page.title() != "owned"
    expect(screen.page.locator("a[href*='evil.example']")).to_have_count(0)
    expect(screen.page.get_by_test_id("stApp").locator("script")).to_have_count(0)
    screen.is_sound()


def test_an_incident_without_diagnosis_says_so(screen: Screen, system: RecordedSystem) -> None:
    """No empty frames: what is known is there, what is not is named."""
    screen.open("incident", id=str(system.story.fresh))
    screen.shows("The cause is being looked for")
    screen.is_sound()


def test_facets_narrow_the_list_and_stand_in_the_address(screen: Screen) -> None:
    """A filtered list can be sent as a link; a filter that leaves nothing says what to do."""
    screen.open("incidents", criticality="critical")
    screen.shows(TITLE)
    expect(screen.page.get_by_text("unknown coupon")).to_have_count(0)
    screen.open("incidents", criticality="low")
    screen.shows("No incident fits")
    screen.is_sound()


def test_search_finds_incidents_and_records(screen: Screen) -> None:
    """Typing asks both searches and puts the question into the address."""
    screen.open("search")
    screen.shows("Type what you look for")
    box = screen.page.get_by_role("textbox").first
    box.fill("no space left")
    box.press("Enter")
    screen.shows("Records, newest first (2)")
    screen.shows(TITLE)
    expect(screen.page).to_have_url(re.compile("q=no"), timeout=PATIENCE_MS)
    screen.page.locator("summary", has_text="postgres ·").first.click()
    screen.page.get_by_role("link", name="postgres#42").first.click()
    screen.shows("checkpoints are occurring too frequently")
    screen.is_sound()


def test_a_search_may_find_nothing(screen: Screen) -> None:
    """And says so on both sides."""
    screen.open("search", q="zzyzzx")
    screen.shows("Nothing found. Try fewer or other words.")
    screen.shows("Nothing found. No record holds these words.")
    screen.is_sound()


def test_a_wrong_link_is_explained(screen: Screen) -> None:
    """An id nobody knows gives words, not a stack trace."""
    screen.open("incident", id="ffffffff")
    screen.shows("There is no such incident")
    screen.open("incident")
    screen.shows("No incident chosen")
    screen.is_sound()


def test_an_incident_is_acknowledged_resolved_and_judged_from_its_page(
    screen: Screen, system: RecordedSystem
) -> None:
    """What a person does is recorded with the name, and the page shows it at once."""
    incident = str(system.story.diagnosed)
    screen.open("incident", id=incident)
    name = screen.page.get_by_label("Your name")
    name.fill("ada")
    name.press("Enter")
    screen.settle()
    screen.page.get_by_role("button", name="Acknowledge").click()
    expect(screen.page.locator(".chip", has_text="acknowledged")).to_be_visible(timeout=PATIENCE_MS)
    found = system.history.incident(incident)
    assert found is not None
    assert found.state == "acknowledged"
    assert any("ada" in row.text for row in found.timeline)
    screen.page.get_by_role("button", name="Was the diagnosis right?").click()
    screen.page.get_by_role("button", name="Send").click()
    screen.shows("ada says the diagnosis is right")
    screen.page.get_by_role("button", name="Resolve").click()
    screen.page.get_by_role("button", name="Resolve now").click()
    expect(screen.page.locator(".chip", has_text="resolved")).to_be_visible(timeout=PATIENCE_MS)
    screen.page.get_by_role("button", name="Reopen").click()
    expect(screen.page.locator(".chip", has_text="open")).to_be_visible(timeout=PATIENCE_MS)
    screen.is_sound()


def test_the_api_describes_itself_without_the_network(browser: Browser, api_url: str) -> None:
    """Swagger UI comes up from our own files, under the policy that we send with it."""
    context = browser.new_context()
    screen = Screen(context.new_page(), api_url)
    screen.page.goto(f"{api_url}/docs")
    expect(screen.page.get_by_text("/api/v1/incidents", exact=True).first).to_be_visible(
        timeout=PATIENCE_MS
    )
    assert screen.complaints == []
    context.close()


def test_without_an_api_the_page_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    """The dashboard outlives the API and explains itself."""
    with dashboard(f"http://127.0.0.1:{free_port()}", tmp_path / "log") as url:
        context = browser.new_context()
        screen = Screen(context.new_page(), url)
        screen.open("incidents")
        screen.shows("The API does not answer")
        screen.shows("aiops up")
        screen.is_sound()
        context.close()
