"""The menu of adapters as a person meets it, in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from ragweave.ui.feedback import FeedbackStore

from .conftest import DESKTOP, PHONE, Open, new_context
from .page_fakes import FakeAdapters, FakeKnowledgeBase
from .page_server import PageServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def running(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    chain = FakeAdapters()
    server = PageServer(
        FakeKnowledgeBase(tmp_path_factory.mktemp("kb")), chain, adapters=chain.list_adapters,
        title="Handbook", model_name="Qwen3-0.6B",
    )  # fmt: skip
    yield server
    server.stop()


@pytest.fixture
def server(running: PageServer) -> PageServer:
    """The running server, as it was at its start."""
    fresh = FakeAdapters()
    running.chain.names, running.chain.chosen, running.chain.asked = fresh.names, fresh.chosen, fresh.asked
    return running


def _ask(page: Page, question: str, becomes: str = "answered") -> Locator:
    number = page.locator(".rw-turn").count() + 1
    page.get_by_role("textbox", name="Question").fill(question)
    page.get_by_role("textbox", name="Question").press("Enter")
    page.wait_for_selector(f".rw-turn:nth-child({number}).rw-{becomes}")
    return page.locator(".rw-turn").last


def _picker(page: Page) -> Locator:
    return page.locator(".rw-picker-button")


def _choose(page: Page, name: str) -> None:
    _picker(page).click()
    page.get_by_role("menuitemradio", name=name).click()


def _labels(page: Page) -> list[str]:
    return [text.removeprefix("Answered by ") for text in page.locator(".rw-made-by").all_text_contents()]


def test_the_menu_tells_about_each_adapter_and_begins_with_the_base_model(open_page: Open) -> None:
    page = open_page()

    _picker(page).click()

    items = [text.split("\n") for text in page.get_by_role("menuitemradio").all_inner_texts()]
    assert [lines[0] for lines in items] == ["Base model", "legal", "summaries", "support"]
    assert items[0][1:] == ["Qwen3-0.6B"]
    assert items[1][1:] == ["version 2 · rank 16", "Cites clauses, in the language of contracts."]
    assert page.get_by_role("menuitemradio", checked=True).inner_text().startswith("Base model")


def test_the_adapter_is_switched_within_a_conversation_and_each_answer_says_its_own(
    open_page: Open, server: PageServer
) -> None:
    page = open_page()

    _ask(page, "leave?")
    _choose(page, "support")
    _ask(page, "and travel?")
    _choose(page, "legal")
    _ask(page, "and then?")
    _choose(page, "Base model")
    _ask(page, "and last?")

    expected = ["base model", "support · version 2", "legal · version 2", "base model"]
    assert _labels(page) == expected
    assert server.chain.chosen == ["", "support", "legal", ""]
    assert [len(asked["history"]) for asked in server.chain.asked] == [0, 2, 4, 6]
    page.reload()
    page.locator(".rw-conversation").first.click()
    assert _labels(page) == expected


def test_each_conversation_keeps_its_adapter(open_page: Open, server: PageServer) -> None:
    page = open_page()
    _choose(page, "support")
    _ask(page, "the first conversation?")
    page.get_by_role("button", name="New chat").click()
    _choose(page, "legal")
    _ask(page, "the second conversation?")

    page.locator(".rw-conversation", has_text="the first").click()

    assert page.locator(".rw-picker-name").inner_text() == "support"
    _ask(page, "a follow-up?")
    assert server.chain.chosen == ["support", "legal", "support"]


def test_asking_again_with_another_adapter_replaces_the_answer(open_page: Open) -> None:
    page = open_page()
    first = _ask(page, "leave?").get_attribute("data-turn")
    _choose(page, "support")

    page.get_by_role("button", name="Ask again").click()
    page.wait_for_function("id => document.querySelector('.rw-answered')?.dataset.turn !== id", arg=first)
    page.wait_for_selector(".rw-answered .rw-made-by")

    assert _labels(page) == ["support · version 2"]


def test_an_adapter_that_vanished_is_a_clear_error_and_nothing_is_lost(
    open_page: Open, server: PageServer
) -> None:
    page = open_page()
    _choose(page, "support")
    _ask(page, "leave?")
    server.chain.names.pop("support")

    turn = _ask(page, "and travel?", "failed")

    said = turn.locator(".rw-failure p").inner_text()
    assert said.startswith("There is no adapter 'support'. Known adapters: legal, summaries.")
    assert page.get_by_role("textbox", name="Question").input_value() == "and travel?"
    assert _labels(page) == ["support · version 2"]
    page.wait_for_selector(".rw-picker-button.rw-missing")
    _choose(page, "legal")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector(".rw-turn:nth-child(2).rw-answered .rw-made-by")
    assert _labels(page) == ["support · version 2", "legal · version 2"]


def test_adapters_that_come_later_appear_when_the_menu_opens(open_page: Open, server: PageServer) -> None:
    page = open_page()
    page.wait_for_selector(".rw-picker-button")
    server.chain.names["billing"] = "Knows invoices."

    _picker(page).click()

    page.get_by_role("menuitemradio", name="billing").wait_for()
    assert page.get_by_role("menuitemradio").count() == 5


def test_a_choice_holds_while_the_list_cannot_be_read(browser: Browser, server: PageServer) -> None:
    context = new_context(browser)  # of its own: Chromium counts the refusal as an error
    page = context.new_page()
    page.goto(server.url)
    page.wait_for_selector("body.rw-ready")
    _choose(page, "support")
    _ask(page, "leave?")
    told = {"error": "The server gpu:8000 does not answer. Start it."}
    page.route("**/api/adapters", lambda route: route.fulfill(status=503, json=told))
    page.reload()
    page.wait_for_selector("body.rw-ready")
    page.locator(".rw-conversation").first.click()

    _ask(page, "and travel?")

    assert server.chain.chosen == ["support", "support"]
    _picker(page).click()
    page.get_by_text("The server gpu:8000 does not answer. Start it.").wait_for()
    context.close()


def test_a_stopped_answer_says_whose_it_was_to_be(open_page: Open, server: PageServer) -> None:
    page = open_page()
    _choose(page, "legal")
    page.get_by_role("textbox", name="Question").fill("a long one")
    page.get_by_role("textbox", name="Question").press("Enter")
    page.wait_for_selector(".rw-answering .rw-answer")

    page.get_by_role("button", name="Stop").click()

    page.wait_for_selector(".rw-stopped .rw-made-by")
    assert _labels(page) == ["legal"]


def test_the_last_adapter_that_is_gone_takes_the_menu_with_it(open_page: Open, server: PageServer) -> None:
    server.chain.names.clear()
    page = open_page()

    _ask(page, "leave?")

    assert not _picker(page).is_visible()
    assert server.chain.chosen == [None]
    assert _labels(page) == []


def test_quotes_and_abstentions_are_not_taken_for_the_models_words(open_page: Open) -> None:
    page = open_page()

    _ask(page, "quote me")
    _choose(page, "support")
    _ask(page, "quote me again")
    _choose(page, "Base model")
    _ask(page, "abstain on the moon", "abstained")

    assert _labels(page) == ["quotes", "quotes, because support · version 2 gave no answer"]


def test_a_thumb_keeps_who_wrote_the_answer(open_page: Open, server: PageServer) -> None:
    page = open_page()
    _choose(page, "legal")
    _ask(page, "leave?").get_by_role("button", name="Good answer").click()
    page.wait_for_selector("[aria-label='Good answer'][aria-pressed=true]")

    [kept] = FeedbackStore(server.kb.folder / "feedback.sqlite").all()

    assert (kept["adapter"], kept["adapter_version"]) == ("legal", "2")


def test_the_keyboard_opens_moves_chooses_and_leaves(open_page: Open) -> None:
    page = open_page()
    _picker(page).focus()

    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("s")
    page.keyboard.press("s")
    page.keyboard.press("Enter")

    assert page.locator(".rw-picker-name").inner_text() == "support"
    assert page.evaluate("document.activeElement.className") == "rw-picker-button"
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert page.get_by_role("menu").count() == 0
    assert page.evaluate("document.activeElement.className") == "rw-picker-button"


def test_among_many_the_first_letters_find_one(open_page: Open, server: PageServer) -> None:
    server.chain.names = {f"customer-{number:02}": "" for number in range(1, 51)}
    page = open_page()
    _picker(page).click()
    page.evaluate("Date.now = () => 0")  # so that it is typed within the second, however slow the machine

    page.keyboard.type("customer-37")
    page.keyboard.press("Enter")

    assert page.locator(".rw-picker-name").inner_text() == "customer-37"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_axe_finds_nothing_in_the_menu(open_page: Open, size: tuple[int, int], scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # has no stubs

    page = open_page(size, scheme)
    page.emulate_media(reduced_motion="reduce")
    _choose(page, "legal")
    _ask(page, "leave?")
    _picker(page).click()

    found = Axe().run(page).response["violations"]

    assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found
            if one["impact"] in ("serious", "critical")] == []  # fmt: skip
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
