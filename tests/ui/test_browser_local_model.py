"""The web chat over a real, tiny base model with three adapters: who is chosen is who answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ragweave.adapters import ChatLora
from ragweave.chains import KnowledgeBase, rag_chain
from tests.adapters.models import make_adapter, tiny_base

from .conftest import Open
from .page_server import PageServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

QUESTIONS = (
    "How many days of leave does every employee get?",
    "Who is asked two weeks ahead about leave?",
    "How many days of leave are there a year?",
    "Which manager do employees ask?",
)
LEAVE = "# Leave\n\nEvery employee gets 25 days of leave a year. Ask your manager two weeks ahead.\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatLora]:
    folder = tmp_path_factory.mktemp("local")
    base = tiny_base(folder / "base", context=16384)
    for rank, name in enumerate(("legal", "summaries", "support"), start=1):
        make_adapter(base, folder / "adapters" / name, rank=4 * rank, seed=rank)
    with ChatLora(base, registry=folder / "adapters", max_tokens=8) as model:
        yield model


@pytest.fixture(scope="module")
def server(chromium: str, model: ChatLora, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    folder = tmp_path_factory.mktemp("kb")
    (folder / "leave.md").write_text(LEAVE)
    with KnowledgeBase.open(folder / "kb") as kb:
        kb.ingest([folder / "leave.md"])
        chain = rag_chain(model, kb.as_retriever(), abstain=None)
        server = PageServer(kb, chain, adapters=model.list_adapters, model_name="tiny")
        yield server
        server.stop()


def _answer(page: Page, question: str, number: int) -> tuple[str, str]:
    page.get_by_role("textbox", name="Question").fill(question)
    page.get_by_role("textbox", name="Question").press("Enter")
    page.wait_for_selector(f".rw-turn:nth-child({number}).rw-answered .rw-made-by")
    turn = page.locator(".rw-turn").last
    return str(turn.locator(".rw-answer").text_content()), str(turn.locator(".rw-made-by").text_content())


def test_three_adapters_and_the_base_answer_by_turns(
    open_page: Open, server: PageServer, model: ChatLora
) -> None:
    page = open_page()
    versions = {info.name: info.version for info in model.list_adapters()}
    wanted = [*versions, ""]

    seen = []
    for number, (name, question) in enumerate(zip(wanted, QUESTIONS, strict=True), start=1):
        page.locator(".rw-picker-button").click()
        page.get_by_role("menuitemradio", name=name or "Base model").click()
        seen.append(_answer(page, question, number)[1])

    expected = [f"Answered by {name} · version {versions[name][:8]}" for name in versions]
    assert seen == [*expected, "Answered by base model"]
    page.reload()
    page.locator(".rw-conversation").first.click()
    assert page.locator(".rw-made-by").all_text_contents() == seen


def test_the_words_are_those_of_the_adapter_that_the_label_names(
    open_page: Open, server: PageServer, model: ChatLora
) -> None:
    alone = {
        name: server.chain.invoke(QUESTIONS[0], {"configurable": {"adapter": name}})["answer"]
        for name in ("legal", "summaries", "support", "")
    }
    assert len(set(alone.values())) == 4  # else a mix-up could not be seen

    for name, expected in alone.items():
        page = open_page()
        page.locator(".rw-picker-button").click()
        page.get_by_role("menuitemradio", name=name or "Base model").click()
        page.get_by_role("textbox", name="Question").fill(QUESTIONS[0])
        page.get_by_role("textbox", name="Question").press("Enter")
        page.wait_for_selector(".rw-answered .rw-made-by")
        update = page.evaluate("JSON.parse(document.querySelector('#rw-turn [data-json]').dataset.json)")

        assert (update["answer"], update["adapter"]) == (expected, name)


def test_an_adapter_unloaded_and_loaded_again_goes_and_comes(
    open_page: Open, server: PageServer, model: ChatLora, tmp_path: Path
) -> None:
    page = open_page()
    path = next(info.path for info in model.list_adapters() if info.name == "legal")
    page.locator(".rw-picker-button").click()
    page.get_by_role("menuitemradio", name="legal").click()
    model.unload_adapter("legal")

    page.get_by_role("textbox", name="Question").fill(QUESTIONS[0])
    page.get_by_role("textbox", name="Question").press("Enter")
    page.wait_for_selector(".rw-failed")

    assert "There is no adapter 'legal'." in page.locator(".rw-failure p").inner_text()
    model.load_adapter("legal", path)
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector(".rw-answered .rw-made-by")
    assert "legal" in str(page.locator(".rw-made-by").text_content())
