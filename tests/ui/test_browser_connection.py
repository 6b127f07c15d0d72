"""What stays when the connection, the server or the order of things fails the page, in a real Chromium."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import Open, close, new_context
from .page_fakes import FakeChain, FakeKnowledgeBase
from .page_server import Line, PageServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, Route

pytestmark = pytest.mark.browser

# The page waits seconds before it gives up; its clock runs ten times as fast here.
FAST = "const began = Date.now(), real = Date.now; Date.now = () => began + 10 * (real() - began);"
FILE: Any = {"name": "garden.md", "mimeType": "text/markdown", "buffer": b"# Garden"}


@pytest.fixture
def server(chromium: str, tmp_path: Path) -> Iterator[PageServer]:
    server = PageServer(FakeKnowledgeBase(tmp_path), FakeChain(), title="Handbook", without=["freshness"])
    yield server
    server.stop()


@pytest.fixture
def line(server: PageServer) -> Iterator[Line]:
    line = Line(server)
    yield line
    line.close()


@pytest.fixture
def page(browser: Browser, line: Line) -> Iterator[Page]:
    """The chat behind a line; what a browser says about broken connections is no error here."""
    context = new_context(browser)
    page = context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(line.url)
    page.wait_for_selector("body.rw-ready")
    yield page
    close(context)
    assert troubles == []


def _box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Question")


def _begin(page: Page, question: str, becomes: str = "answering") -> Locator:
    number = page.locator(".rw-turn").count() + 1
    _box(page).fill(question)
    _box(page).press("Enter")
    turn = page.locator(f".rw-turn:nth-child({number}).rw-{becomes}")
    turn.wait_for()
    return turn


def _restarted(server: PageServer, line: Line) -> PageServer:
    """Another server over the same base in the place of this one; somebody answers at any moment.

    The streams end in due form: the browser, and so Gradio, sees no error.
    """
    after = PageServer(server.kb, FakeChain(), title="Handbook", without=["freshness"])
    line.server = after
    server.stop()
    return after


def _waits(server: PageServer) -> threading.Event:
    """Ingestion waits for this."""
    go, ingest = threading.Event(), server.kb.ingest

    def slowly(*given: Any, **more: Any) -> Any:
        go.wait(60)
        return ingest(*given, **more)

    server.kb.ingest = slowly
    return go


def test_a_lost_connection_loses_no_words(page: Page, server: PageServer, line: Line) -> None:
    from playwright.sync_api import expect

    _begin(page, "leave?", "answered")
    server.chain.step = lambda: time.sleep(0.2)
    _begin(page, "a long one").locator(".rw-answer").wait_for()
    _box(page).fill("half a quest")

    with page.expect_navigation():  # Gradio loads the page anew when the line is back
        line.cut()

    expect(page.locator(".rw-ask")).to_have_text(["leave?", "a long one"])
    expect(page.locator(".rw-stopped .rw-answer")).to_contain_text("Annual")
    expect(_box(page)).to_have_value("half a quest")


def test_a_question_that_found_no_server_is_there_when_it_is_back(
    page: Page, server: PageServer, line: Line
) -> None:
    from playwright.sync_api import expect

    line.server = None
    line.cut()
    _box(page).fill("and travel?")
    _box(page).press("Enter")
    page.get_by_text("Connection to the server was lost.").first.wait_for()

    with page.expect_navigation():
        line.server = server

    expect(_box(page)).to_have_value("and travel?")
    expect(page.locator(".rw-turn")).to_have_count(0)


def test_an_answer_that_a_new_server_does_not_know_ends(page: Page, server: PageServer, line: Line) -> None:
    from playwright.sync_api import expect

    page.add_init_script(FAST)
    page.reload()
    page.wait_for_selector("body.rw-ready")
    server.chain.step = lambda: time.sleep(0.2)
    _begin(page, "a long one")

    after = _restarted(server, line)

    turn = page.locator(".rw-failed")
    with page.expect_navigation():  # else Gradio would wait for the old stream, with the next question too
        expect(turn.locator(".rw-failure")).to_contain_text("The connection was lost. Try again.")
    expect(_box(page)).to_have_value("a long one")
    turn.get_by_role("button", name="Try again").click()
    page.wait_for_selector(".rw-answering")
    after.chain.step = lambda: None
    page.wait_for_selector(".rw-answered")
    after.stop()


def test_an_upload_whose_connection_was_lost_gets_its_receipt(
    page: Page, server: PageServer, line: Line
) -> None:
    from playwright.sync_api import expect

    go = _waits(server)
    page.locator("#rw-composer input[type=file]").set_input_files(FILE)
    page.get_by_text("Storing the files").wait_for()

    with page.expect_navigation():
        line.cut()

    expect(page.locator("#rw-receipt-box")).to_contain_text("The connection was lost. The library says")
    go.set()


def test_an_upload_that_a_new_server_does_not_know_ends(page: Page, server: PageServer, line: Line) -> None:
    from playwright.sync_api import expect

    page.add_init_script(FAST)
    page.reload()
    page.wait_for_selector("body.rw-ready")
    go = _waits(server)
    page.locator("#rw-composer input[type=file]").set_input_files(FILE)
    page.get_by_text("Storing the files").wait_for()

    after = _restarted(server, line)

    expect(page.locator("#rw-receipt-box")).to_contain_text("The upload was cut off")
    go.set()
    after.stop()


def test_a_base_that_cannot_be_read_is_asked_for_again(page: Page) -> None:
    from playwright.sync_api import expect

    page.route(
        "**/api/knowledge", lambda route: route.fulfill(status=503, json={"error": "The store sleeps."})
    )
    page.reload()
    expect(page.locator(".rw-welcome")).to_contain_text("The store sleeps.")

    page.unroute("**/api/knowledge")

    expect(page.locator(".rw-welcome")).to_contain_text("Answers quote 2 documents")
    expect(page.get_by_role("button", name="Settings")).to_be_visible()


def test_an_answer_before_the_base_is_known_is_kept(page: Page) -> None:
    held: list[Route] = []
    page.route("**/api/knowledge", lambda route: held.append(route))
    page.reload()
    page.wait_for_selector("body.rw-ready")
    _begin(page, "leave?", "answered")

    held[-1].continue_()

    page.locator(".rw-conversation", has_text="leave?").wait_for()
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.includes('.base.'))") == []


def test_a_question_whose_conversation_was_left_stays_in_it(page: Page, server: PageServer) -> None:
    from playwright.sync_api import expect

    _begin(page, "leave?", "answered")
    held: list[Route] = []
    page.route("**/queue/join*", lambda route: held.append(route))
    server.chain.step = lambda: time.sleep(0.2)
    server.chain.closed.clear()
    with page.expect_request("**/queue/join*"):
        _box(page).fill("a long one")
        _box(page).press("Enter")
    page.get_by_role("button", name="New chat").click()

    held[0].continue_()

    assert server.chain.closed.wait(60)
    expect(page.locator(".rw-turn")).to_have_count(0)
    page.locator(".rw-conversation").click()
    expect(page.locator(".rw-ask")).to_have_text(["leave?", "a long one"])
    expect(page.locator(".rw-stopped")).to_have_count(1)


def test_a_conversation_deleted_during_its_answer_stays_deleted(page: Page, server: PageServer) -> None:
    from playwright.sync_api import expect

    _begin(page, "leave?", "answered")
    server.chain.step = lambda: time.sleep(0.2)
    _begin(page, "a long one")

    page.locator("#rw-conversations li").hover()
    page.get_by_role("button", name="Delete the conversation: leave?").click()

    expect(page.locator(".rw-conversation")).to_have_count(0)
    assert server.chain.closed.wait(60)
    expect(page.locator(".rw-conversation")).to_have_count(0)


def test_a_conversation_opened_from_the_list_is_as_it_was_last(open_page: Open) -> None:
    from playwright.sync_api import expect

    page = open_page()
    turn = _begin(page, "leave?", "answered")
    turn.get_by_role("button", name="Good answer").click()
    page.wait_for_selector("[aria-label='Good answer'][aria-pressed=true]")

    page.locator(".rw-conversation").click()

    expect(page.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#rw-sources .rw-card.rw-cited")).to_have_count(2)


def test_two_tabs_of_one_conversation_keep_the_turns_of_both(page: Page, line: Line) -> None:
    from playwright.sync_api import expect

    _begin(page, "the first?", "answered")
    other = page.context.new_page()
    other.goto(line.url)
    other.locator(".rw-conversation").click()
    expect(other.locator(".rw-ask")).to_have_text(["the first?"])

    _begin(page, "of one tab?", "answered")
    expect(other.locator(".rw-ask")).to_have_text(["the first?", "of one tab?"])
    _begin(other, "of the other?", "answered")

    expect(page.locator(".rw-ask")).to_have_text(["the first?", "of one tab?", "of the other?"])
    page.reload()
    expect(page.locator(".rw-ask")).to_have_text(["the first?", "of one tab?", "of the other?"])


def test_what_was_being_typed_stays_when_another_question_is_clicked(open_page: Open) -> None:
    from playwright.sync_api import expect

    page = open_page()
    _begin(page, "leave?", "answered")
    _box(page).fill("half a quest")

    page.get_by_role("button", name="Ask again").click()

    expect(page.locator(".rw-answered")).to_have_count(1)
    expect(_box(page)).to_have_value("half a quest")


def test_a_question_typed_after_one_that_was_not_sent_replaces_nothing(page: Page) -> None:
    from playwright.sync_api import expect

    _begin(page, "leave?", "answered")
    page.route("**/queue/join*", lambda route: route.fulfill(status=503, json={"detail": "full"}))
    with page.expect_response("**/queue/join*"):
        page.get_by_role("button", name="Ask again").click()
    page.unroute("**/queue/join*")

    _box(page).fill("and travel?")
    while page.locator(".rw-turn").count() < 2:  # it waits until Gradio has taken the refusal
        _box(page).press("Enter")
        page.wait_for_timeout(100)

    expect(page.locator(".rw-ask")).to_have_text(["leave?", "and travel?"])


def test_an_answer_can_be_copied_where_there_is_no_clipboard(open_page: Open) -> None:
    page = open_page()
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.evaluate(
        "document.addEventListener('copy', () => { window.taken = String(document.activeElement.value); })"
    )
    turn = _begin(page, "leave?", "answered")

    turn.get_by_role("button", name="Copy the answer").click()

    page.wait_for_function("document.querySelector('#rw-status').textContent === 'Copied.'")
    assert page.evaluate("window.taken").startswith("Annual leave is 25 days a year. [1]")


def test_a_question_right_after_a_stop_is_taken(open_page: Open, server: PageServer) -> None:
    page = open_page()
    server.chain.step = lambda: time.sleep(0.1)
    _begin(page, "a long one")
    _box(page).fill("and travel?")

    page.get_by_role("button", name="Stop").click()
    server.chain.step = lambda: None
    _box(page).press("Enter")  # before Gradio knows that the first has ended

    page.wait_for_selector(".rw-turn:nth-child(2).rw-answered")
    assert [one["question"] for one in server.chain.asked[-2:]] == ["a long one", "and travel?"]
