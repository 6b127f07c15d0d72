"""The web chat as a person meets it, in a real Chromium."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ragweave.chains import KnowledgeBase, rag_chain
from ragweave.ui.feedback import FeedbackStore

from .conftest import DESKTOP, PHONE, Open, new_context
from .page_fakes import FakeChain, FakeKnowledgeBase
from .page_server import PageServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, Route

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def server(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    folder = tmp_path_factory.mktemp("kb")
    server = PageServer(FakeKnowledgeBase(folder), FakeChain(), title="Handbook")
    yield server
    server.stop()


def _box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Question")


def _ask(page: Page, question: str, becomes: str = "answered") -> Locator:
    number = page.locator(".rw-turn").count() + 1
    _box(page).fill(question)
    _box(page).press("Enter")
    page.wait_for_selector(f".rw-turn:nth-child({number}).rw-{becomes}")
    return page.locator(".rw-turn").last


# The page's script begins when Gradio is through, and then finds one part of the page after the other.
LATE = """const wait = setInterval(() => {
  if (!document.getElementById("rw-stop")) return;
  clearInterval(wait);
  const find = document.getElementById.bind(document);
  const began = performance.now();
  document.getElementById = (id) => performance.now() - began < 40 * %s.indexOf(id) ? null : find(id);
  import("/page/script.js?late");
}, 10);"""


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("backwards", [False, True])
def test_nothing_is_drawn_before_all_parts_of_the_page_stand(
    open_page: Open, size: tuple[int, int], backwards: bool
) -> None:
    page = open_page(size)
    names = page.evaluate("gradio_config.components.map((one) => one.props.elem_id)")
    parts = [name for name in names if name and name != "rw-app"][:: -1 if backwards else 1]
    script = LATE % json.dumps(parts)
    page.route("**/page/script.js?*", lambda route: route.continue_() if route.request.url.endswith("late")
               else route.fulfill(content_type="text/javascript", body=script))  # fmt: skip

    page.reload()
    page.wait_for_selector("body.rw-ready")

    assert "rw-composer" in parts
    assert page.locator("#rw-nav .rw-title").inner_text() == "Handbook"
    assert _ask(page, "leave?").locator(".rw-mark").count() == 2


def test_an_answer_streams_in_after_its_sources(open_page: Open, server: PageServer) -> None:
    from playwright.sync_api import expect

    page = open_page()
    go, steps = threading.Event(), iter([True])  # the first step is free: it comes before the passages
    server.chain.step = lambda: None if next(steps, False) else go.wait(60)

    _box(page).fill("How many days of leave?")
    _box(page).press("Enter")
    page.wait_for_selector("#rw-sources .rw-card")
    words_before = page.locator(".rw-answer").count()
    go.set()
    server.chain.step = lambda: time.sleep(0.02)
    page.wait_for_selector(".rw-answered")

    assert words_before == 0
    assert page.locator(".rw-answer").inner_text().endswith("within 14 days.\xa0[2]")
    expect(page.locator("#rw-sources .rw-card mark")).to_have_text(
        ["Annual leave is 25 days a year.", "Travel costs are refunded within 14 days."]
    )
    assert _box(page).input_value() == ""


def test_a_mark_and_its_card_light_up_together(open_page: Open) -> None:
    page = open_page()
    turn = _ask(page, "leave?")

    turn.locator(".rw-mark").nth(1).hover()

    lit = page.locator("#rw-sources .rw-card.rw-lit")
    assert lit.get_attribute("data-number") == "2"
    assert turn.locator(".rw-mark.rw-lit").inner_text() == "[2]"


def test_on_a_phone_a_mark_opens_the_folded_sources(open_page: Open) -> None:
    from playwright.sync_api import expect

    page = open_page(PHONE)
    turn = _ask(page, "leave?")
    folded = turn.locator(".rw-folded")
    closed = folded.get_attribute("open") is None

    turn.locator(".rw-mark").first.click()

    assert closed
    assert folded.get_attribute("open") is not None
    expect(folded.locator(".rw-card").first).to_be_visible()
    assert not page.locator("#rw-sources").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_stop_stops_the_chain_and_keeps_what_was_said(open_page: Open, server: PageServer) -> None:
    page = open_page()
    _box(page).fill("a long one")
    _box(page).press("Enter")
    page.locator(".rw-answering .rw-answer", has_text="Annual leave").wait_for()

    page.get_by_role("button", name="Stop").click()

    page.wait_for_selector(".rw-stopped")
    assert server.chain.closed.wait(60)
    assert "Annual leave" in page.locator(".rw-answer").inner_text()
    assert page.get_by_role("button", name="Send").is_visible()
    _ask(page, "and then?")  # the next question is answered


def test_a_closed_tab_stops_the_chain(open_page: Open, server: PageServer) -> None:
    page = open_page()
    server.chain.step = lambda: time.sleep(0.2)
    _box(page).fill("a long one")
    _box(page).press("Enter")
    page.wait_for_selector(".rw-answering")

    page.close()

    assert server.chain.closed.wait(60)
    server.chain.step = lambda: time.sleep(0.02)


def test_a_failed_question_stays_in_the_box_with_a_way_to_retry(open_page: Open, server: PageServer) -> None:
    from playwright.sync_api import expect

    page = open_page()

    turn = _ask(page, "please fail", "failed")

    expect(_box(page)).to_have_value("please fail")
    said = turn.locator(".rw-failure p").inner_text()
    assert re.fullmatch(r"The question could not be answered: .*\. Request [0-9a-f]{8}\.", said)
    assert "secret" not in page.content()
    before, failed = len(server.chain.asked), turn.get_attribute("data-turn")
    turn.get_by_role("button", name="Try again").click()
    page.wait_for_selector(f'.rw-failed:not([data-turn="{failed}"])')
    assert len(server.chain.asked) == before + 1
    assert page.locator(".rw-turn").count() == 1


def test_a_server_that_went_away_is_one_sentence(open_page: Open, browser: Browser, tmp_path: Path) -> None:
    chain = FakeChain()
    chain.step = lambda: time.sleep(0.5)
    own = PageServer(FakeKnowledgeBase(tmp_path), chain)
    context = new_context(browser)
    page = context.new_page()
    page.goto(own.url)
    page.wait_for_selector("body.rw-ready")
    _box(page).fill("a long one")
    _box(page).press("Enter")
    page.wait_for_selector(".rw-answering")

    own.stop()

    page.wait_for_selector(".rw-failed, .rw-stopped, .rw-answered")
    assert "The server does not answer" in page.locator(".rw-failure").inner_text()
    assert _box(page).input_value() == "a long one"
    context.close()


def test_a_key_opens_the_page(browser: Browser, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    own = PageServer(FakeKnowledgeBase(tmp_path), FakeChain(), keys=["a-key-that-nobody-guesses"])
    context = new_context(browser)
    page = context.new_page()
    page.goto(own.url)

    page.get_by_label("Key").fill("a guess")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("This key is not known. Check it and try again.")
    page.get_by_label("Key").fill("a-key-that-nobody-guesses")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector("body.rw-ready")
    turn = _ask(page, "leave?")

    assert turn.locator(".rw-mark").count() == 2
    context.close()
    own.stop()


def test_a_follow_up_sends_the_conversation_so_far(open_page: Open, server: PageServer) -> None:
    page = open_page()
    _ask(page, "How many days of leave?")

    _ask(page, "And when does it lapse?")

    history = server.chain.asked[-1]["history"]
    assert [one["role"] for one in history] == ["user", "assistant"]
    assert history[0]["content"] == "How many days of leave?"


def test_asking_again_replaces_the_answer(open_page: Open, server: PageServer) -> None:
    page = open_page()
    first = _ask(page, "leave?").get_attribute("data-turn")

    page.get_by_role("button", name="Ask again").click()
    page.wait_for_function("id => document.querySelector('.rw-answered')?.dataset.turn !== id", arg=first)
    page.wait_for_selector(".rw-answered")

    assert page.locator(".rw-turn").count() == 1
    assert server.chain.asked[-1]["history"] == []


def test_conversations_stay_over_a_reload_and_can_be_deleted(open_page: Open) -> None:
    page = open_page()
    _ask(page, "the first conversation?")
    page.get_by_role("button", name="New chat").click()
    _ask(page, "the second conversation?")
    page.reload()
    page.wait_for_selector(".rw-conversation")

    page.locator(".rw-conversation", has_text="the first").click()

    assert page.locator(".rw-ask").all_inner_texts() == ["the first conversation?"]
    assert page.locator("#rw-sources .rw-card").count() == 2
    page.locator("#rw-conversations li", has_text="the second").hover()
    page.get_by_role("button", name="Delete the conversation: the second conversation?").click()
    assert page.locator(".rw-conversation").all_inner_texts() == ["the first conversation?"]


def test_a_thumb_is_stored_and_can_be_taken_back(open_page: Open, server: PageServer) -> None:
    page = open_page()
    turn = _ask(page, "leave?")
    thumb = turn.get_by_role("button", name="Good answer")

    thumb.click()
    page.wait_for_selector("[aria-label='Good answer'][aria-pressed=true]")
    [kept] = FeedbackStore(server.kb.folder / "feedback.sqlite").all()
    thumb.click()
    page.wait_for_selector("[aria-label='Good answer'][aria-pressed=false]")

    assert (kept["verdict"], kept["question"], kept["request_id"]) == (
        "up", "leave?", turn.get_attribute("data-turn"),
    )  # fmt: skip
    assert kept["sources"] == ["handbook/leave.md", "handbook/travel.md"]
    assert FeedbackStore(server.kb.folder / "feedback.sqlite").all() == []


def test_nothing_from_documents_questions_or_file_names_becomes_markup(
    open_page: Open, server: PageServer, tmp_path: Path
) -> None:
    page = open_page()
    evil = "<script>window.injected=1</script><img src=x onerror=window.injected=1> **b** [a](http://x)"

    turn = _ask(page, f"script {evil}")
    name = "<img src=x onerror=window.injected=1>.md"
    page.locator("#rw-composer input[type=file]").set_input_files(
        {"name": name, "mimeType": "text/markdown", "buffer": b"text"}
    )
    page.wait_for_selector("#rw-receipt-box li")
    page.get_by_role("link", name="Library").click()

    assert turn.locator(".rw-ask").text_content() == f"script {evil}"
    assert page.evaluate("window.injected") is None
    assert page.locator("#rw-app img, #rw-app script, #rw-app a[href^=http]").count() == 0


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    page.evaluate("Object.defineProperty(File.prototype, 'size', { get: () => 201 * 2 ** 20 })")
    (tmp_path / "film.pdf").write_bytes(b"%PDF")

    page.locator("#rw-composer input[type=file]").set_input_files(tmp_path / "film.pdf")

    page.wait_for_selector("#rw-receipt-box li")
    assert "film.pdf is larger than 200 MB." in page.locator("#rw-receipt-box").inner_text()


def test_an_upload_ends_in_a_receipt(open_page: Open, server: PageServer, tmp_path: Path) -> None:
    page = open_page()

    (tmp_path / "garden.md").write_text("# Garden")
    (tmp_path / "photo.bin").write_bytes(b"\0")
    page.locator("#rw-composer input[type=file]").set_input_files(
        [tmp_path / "garden.md", tmp_path / "photo.bin"]
    )
    page.wait_for_selector("#rw-receipt-box li")

    receipt = page.locator("#rw-receipt-box").inner_text()
    assert "Added garden.md" in receipt
    assert "photo.bin is no document. Save it as PDF." in receipt
    assert str(server.kb.folder) not in receipt
    assert (server.kb.folder / "uploads" / "garden.md").read_text() == "# Garden"
    page.get_by_role("link", name="Library").click()
    page.locator("#rw-library tr", has_text="garden.md").wait_for()
    page.get_by_role("link", name="Chat").click()
    page.get_by_role("button", name="Close the receipt").click()
    assert not page.locator("#rw-receipt-box").is_visible()


def test_the_theme_follows_the_system_until_it_is_chosen(open_page: Open) -> None:
    page = open_page(scheme="dark")
    system = page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.get_by_role("button", name="Light colours").click()
    page.reload()
    page.wait_for_selector("body.rw-ready")

    assert system == "rgb(16, 20, 22)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(251, 250, 248)"


def test_the_keyboard_reaches_everything_and_shows_where_it_is(open_page: Open) -> None:
    page = open_page()
    _ask(page, "leave?")
    reached, outlines = set(), set()

    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "(({ ariaLabel, textContent }) => ariaLabel ?? textContent.trim())(document.activeElement)"
            )
        )
        outlines.add(
            page.evaluate(
                "getComputedStyle(document.activeElement).outlineStyle + ' ' + document.activeElement.tagName"
            )
        )

    wanted = {
        "Source 1",
        "Copy the answer",
        "Ask again",
        "Good answer",
        "Bad answer",
        "Add documents",
        "Send",
        "New chat",
        "Library",
    }
    assert wanted <= reached
    assert {
        one for one in outlines if one.startswith("none") and one.split()[1] in ("BUTTON", "A", "SUMMARY")
    } == set()


def test_the_focus_stays_while_the_page_waits_for_examples(open_page: Open) -> None:
    page = open_page()
    asked = []

    def pending(route: Route) -> None:
        asked.append(route.request.url)
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"examples_pending": True})

    page.route("**/api/knowledge", pending)
    page.reload()
    page.wait_for_selector(".rw-welcome h2")
    page.get_by_role("link", name="Library").focus()
    before = len(asked)

    while len(asked) < before + 2:  # the answer to the first has been drawn when the second is asked for
        page.wait_for_timeout(100)

    assert page.evaluate("document.activeElement.textContent") == "Library"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_axe_finds_nothing_serious(open_page: Open, size: tuple[int, int], scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # has no stubs

    page = open_page(size, scheme)
    found = Axe().run(page).response["violations"]
    _ask(page, "leave?")
    _ask(page, "what is on the moon?", "abstained")
    _ask(page, "please fail", "failed")
    found += Axe().run(page).response["violations"]
    page.get_by_role("link", name="Library").click()
    found += Axe().run(page).response["violations"]

    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in serious] == []


def test_the_sixth_tab_answers_too(browser: Browser, server: PageServer) -> None:
    context = new_context(browser)  # one context: the tabs share the six connections to a host
    pages = [context.new_page() for _ in range(6)]
    for page in pages:
        page.goto(server.url)
        page.wait_for_selector("body.rw-ready")

    for page in pages:
        _ask(page, "leave?")

    assert [page.locator(".rw-answered").count() for page in pages] == [1] * 6
    context.close()


@pytest.mark.timeout(900)  # all documents are encoded
@pytest.mark.parametrize("of", ["workplace", "own"])
def test_each_example_gets_a_cited_answer_when_clicked(
    open_page: Open, of: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    from playwright.sync_api import expect

    sources: list[Any] = [str(ROOT / "README.md"), str(ROOT / "docs")]
    if of == "workplace":
        sources = request.getfixturevalue("workplace_documents")
    with KnowledgeBase.open(tmp_path / "kb") as kb:
        kb.ingest(sources)
        own = PageServer(kb, rag_chain(None, kb.as_retriever()))
        page = open_page(url=own.url)
        page.wait_for_selector(".rw-welcome .rw-chip")
        examples = page.locator(".rw-welcome .rw-chip").all_inner_texts()

        for example in examples:
            page.get_by_role("button", name="New chat").click()
            page.locator(".rw-welcome .rw-chip", has_text=example).click()
            page.wait_for_selector(".rw-answered, .rw-abstained, .rw-failed")
            expect(page.locator(".rw-answered .rw-mark").first, example).to_be_visible()
            expect(page.locator("#rw-sources .rw-cited mark").first, example).to_be_attached()

        assert len(examples) == 3
        page.close()
        own.stop()
