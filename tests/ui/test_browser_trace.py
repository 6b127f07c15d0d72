"""The trace, the switches and what sources do not support, as a person meets them in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from .conftest import DESKTOP, PHONE, Open
from .page_fakes import DOUBTFUL, EVIL, FakeChain, FakeKnowledgeBase
from .page_server import PageServer

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    kb = FakeKnowledgeBase(tmp_path_factory.mktemp("kb"))
    server = PageServer(kb, FakeChain(), title="Handbook", without=["freshness"])
    yield server
    server.stop()


def _ask(page: Page, question: str, becomes: str = "answered") -> Locator:
    number = page.locator(".rw-turn").count() + 1
    page.get_by_role("textbox", name="Question").fill(question)
    page.get_by_role("textbox", name="Question").press("Enter")
    page.wait_for_selector(f".rw-turn:nth-child({number}).rw-{becomes}")
    return page.locator(".rw-turn").last


def _trace(page: Page) -> Locator:
    page.locator("#rw-sources").get_by_role("tab", name="Trace").click()
    return page.locator("#rw-sources").get_by_role("tabpanel", name="Trace")


def _switch(page: Page, name: str) -> Locator:
    if page.locator(".rw-switches").count() == 0:
        page.get_by_role("button", name="Settings").click()
    return page.get_by_role("switch", name=name, exact=True)


def test_the_trace_stands_beside_the_sources_and_stays_chosen(open_page: Open) -> None:
    page = open_page()
    _ask(page, "leave?")

    panel = _trace(page)

    assert panel.locator(".rw-step-name").all_inner_texts() == ["retrieve", "rerank"]
    assert panel.locator(".rw-steps > li").first.inner_text().split("\n\n") == [
        "retrieve\n3.1 ms", "Found 2 passages with 1 query.",
    ]  # fmt: skip
    assert panel.locator(".rw-caution").inner_text() == "The reranker was too slow; the order stands."
    page.reload()
    page.locator(".rw-conversation").first.click()
    page.locator("#rw-sources .rw-step-name").first.wait_for()
    assert not page.locator("#rw-sources .rw-card").first.is_visible()


def test_each_passage_has_its_scores_and_a_dropped_one_the_reason(open_page: Open) -> None:
    page = open_page()
    _ask(page, "leave?")
    panel = _trace(page)

    panel.get_by_text("1 dropped", exact=True).click()

    kept, dropped = panel.locator(".rw-passages > li").all()
    assert kept.locator("dd").all_inner_texts() == ["#1 7.20", "#2", "0.90"]
    assert dropped.inner_text().startswith("Travel <img")
    assert dropped.locator("p").inner_text().startswith("rerank: too far away <img")
    assert page.evaluate("window.injected") is None
    assert page.locator("#rw-app img, #rw-app script").count() == 0


def test_a_mark_leads_back_to_the_sources(open_page: Open) -> None:
    page = open_page()
    turn = _ask(page, "leave?")
    _trace(page)

    turn.locator(".rw-mark").first.click()

    assert page.locator("#rw-sources .rw-card").first.is_visible()
    assert page.get_by_role("tab", name="Sources (2)").get_attribute("aria-selected") == "true"


def test_the_arrow_keys_change_the_tab(open_page: Open) -> None:
    page = open_page()
    _ask(page, "leave?")
    page.get_by_role("tab", name="Sources (2)").focus()

    page.keyboard.press("ArrowRight")
    forth = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("ArrowRight")

    assert (forth, page.evaluate("document.activeElement.textContent")) == ("Trace", "Sources (2)")
    assert page.get_by_role("tab", selected=True).inner_text() == "Sources (2)"


def test_on_a_phone_the_trace_is_in_the_fold_of_the_sources(open_page: Open) -> None:
    from playwright.sync_api import expect

    page = open_page(PHONE)
    turn = _ask(page, "leave?")

    turn.locator(".rw-folded > summary").click()
    turn.get_by_role("tab", name="Trace").click()

    expect(turn.locator(".rw-step-name")).to_have_text(["retrieve", "rerank"])
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_on_a_phone_the_fold_of_an_answer_without_sources_opens_at_the_trace(open_page: Open) -> None:
    from playwright.sync_api import expect

    page = open_page(PHONE)
    turn = _ask(page, "hello")

    turn.locator(".rw-folded > summary").click()

    assert turn.locator(".rw-folded > summary").inner_text() == "Trace"
    expect(turn.locator(".rw-step-name").first).to_be_visible()  # a fold tells of its opening a moment later
    assert turn.get_by_role("tab").count() == 0


def test_a_failed_question_shows_how_far_it_came(open_page: Open) -> None:
    page = open_page()
    _ask(page, "please fail", "failed")

    assert _trace(page).locator(".rw-step-name").first.inner_text() == "retrieve"


def test_only_the_last_turns_keep_their_trace_in_the_browser(open_page: Open) -> None:
    page = open_page()
    for number in range(7):
        _ask(page, f"leave {number}?")

    page.wait_for_function(
        "() => Object.keys(localStorage).filter((key) => key.includes('.')).map((key) => localStorage[key])"
        '.some((text) => (text.match(/"passages_hidden"/g) ?? []).length === 5)'
    )


def test_a_switched_step_is_left_out_of_the_next_answer(open_page: Open, server: PageServer) -> None:
    page = open_page()
    _ask(page, "leave?")

    _switch(page, "rerank").click()
    _ask(page, "and now?")

    assert server.chain.without[-2:] == [None, ["freshness", "rerank"]]
    left_out = _trace(page).locator(".rw-left-out")
    assert left_out.inner_text().split("\n\n") == ["rerank", "Left out for this question."]
    page.reload()
    page.get_by_text("1 switched").wait_for()
    _ask(page, "and after the reload?")
    assert server.chain.without[-1] == ["freshness", "rerank"]


def test_a_step_that_is_off_at_first_can_be_switched_on(open_page: Open, server: PageServer) -> None:
    page = open_page()
    was = _switch(page, "freshness").is_checked()

    _switch(page, "freshness").click()
    _ask(page, "leave?")

    assert not was
    assert server.chain.without[-1] == []


def test_a_step_that_the_chain_lacks_says_what_it_needs(open_page: Open, server: PageServer) -> None:
    page = open_page()

    def without_reranker(route: Route) -> None:
        answer = route.fetch()
        known = answer.json()
        for step in known["steps"]:
            if step["name"] == "rerank":
                step |= {"on": False, "needs": "Needs a reranker."}
        route.fulfill(response=answer, json=known)

    page.route("**/api/knowledge", without_reranker)
    page.reload()
    page.wait_for_selector("body.rw-ready")

    switch = _switch(page, "rerank")

    assert switch.is_disabled()
    assert "Needs a reranker." in page.locator(f"#{switch.get_attribute('aria-describedby')}").inner_text()
    _switch(page, "filter").click()
    _ask(page, "leave?")
    assert server.chain.without[-1] == ["filter", "freshness"]


def test_the_steps_go_back_to_how_they_were(open_page: Open, server: PageServer) -> None:
    page = open_page()
    _switch(page, "rerank").click()

    page.get_by_role("button", name="As at first").click()
    _ask(page, "leave?")

    assert _switch(page, "rerank").is_checked()
    assert server.chain.without[-1] is None


def test_the_keyboard_opens_the_settings_switches_and_leaves(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="Settings").focus()

    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    switched = page.evaluate("document.activeElement.id + document.activeElement.checked")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")

    assert switched == "rw-step-condensefalse"
    assert page.evaluate("document.activeElement.className") == "rw-settings-button"


def test_a_sentence_without_support_is_underlined_and_explained(open_page: Open) -> None:
    page = open_page()
    turn = _ask(page, "a doubt?")

    turn.get_by_text("1 sentence is not supported by the sources.").focus()
    page.keyboard.press("Enter")

    assert turn.locator(".rw-doubt").inner_text().endswith(DOUBTFUL)
    assert turn.locator(".rw-doubt .rw-unseen").text_content() == "Not supported by the sources: "
    assert turn.locator(".rw-doubts li").inner_text() == f"“{DOUBTFUL}” 14 stands in no passage {EVIL}."
    assert turn.locator(".rw-answer").inner_text().count("[2]") == 1


def test_a_doubt_keeps_lists_tables_and_code_whole(open_page: Open) -> None:
    page = open_page()
    lists = "Two:\n- **One** is so.\n- Two is not. [1]\n\n"
    text = f"{lists}| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```\nEnd \ue000."

    drawn = page.evaluate(
        """async ([text, from]) => {
          const { prose } = await import("/page/draw.js");
          const box = document.createElement("div");
          box.append(...prose(text, (n) => `[${n}]`, [{ start: from, end: text.length }]));
          const count = (kind) => box.querySelectorAll(kind).length;
          return [count("li"), count("td"), box.querySelector("pre").innerText,
            [...box.querySelectorAll(".rw-doubt")].map((one) => one.lastChild.textContent), box.textContent];
        }""",
        [text, text.index("One")],
    )

    assert drawn[:3] == [2, 2, "code"]
    assert drawn[3][-1] == "End \ufffd."
    assert not any(one in drawn[4] for one in "\ue000\ue001")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_axe_finds_nothing(open_page: Open, size: tuple[int, int], scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # has no stubs

    page = open_page(size, scheme)
    page.emulate_media(reduced_motion="reduce")
    turn = _ask(page, "a doubt?")
    if size == PHONE:
        turn.locator(".rw-folded > summary").click()
    place = turn if size == PHONE else page.locator("#rw-sources")
    place.get_by_role("tab", name="Trace").click()
    for summary in page.locator("#rw-app details:not(.rw-folded) > summary").all():
        if summary.is_visible():
            summary.click()
    found = Axe().run(page).response["violations"]
    if size == PHONE:
        page.get_by_role("button", name="Conversations").click()
    _switch(page, "rerank").click()
    found += Axe().run(page).response["violations"]

    assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found
            if one["impact"] in ("serious", "critical")] == []  # fmt: skip
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
