"""The step that makes a model's context: what grows, what is given whole, what a small window takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage

from ragweave.chains import KnowledgeBase
from ragweave.chains.abstention import Verdict
from ragweave.chains.answer_prompt import prompt_messages
from ragweave.chains.budget import budget_of, count_tokens
from ragweave.chains.expand import expand_step, expander
from ragweave.chains.sqlite_store import SqliteStore
from ragweave.chains.state import RagState

from .fakes import WordEncoder

TINY = Path(__file__).resolve().parents[3] / "shared" / "models" / "TinyStories-656K"
LEAVE = "\n\n".join(
    f"## {name}\n\n"
    + " ".join(f"Sentence {number} about {name.lower()} leave is here." for number in range(60))
    for name in ("Annual", "Parental", "Study")
)
PAY = "# Pay\n\nSalaries are paid on the 25th of each month."
QUESTION = "How long is parental leave?"


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    (tmp_path / "leave.md").write_text(f"# Leave\n\n{LEAVE}", encoding="utf-8")
    (tmp_path / "pay.md").write_text(PAY, encoding="utf-8")
    with KnowledgeBase(SqliteStore(tmp_path / "kb"), WordEncoder()) as kb:
        kb.ingest([tmp_path / "leave.md", tmp_path / "pay.md"])
        yield kb


def _model(window: int | None = 8000) -> FakeListChatModel:
    profile: Any = {} if window is None else {"max_input_tokens": window}
    return FakeListChatModel(responses=["x"], profile=profile)


def _run(
    kb: KnowledgeBase, model: Any, *, k: int = 3, state: dict[str, Any] | None = None, **settings: Any
) -> tuple[RagState, dict[str, Any]]:
    retriever = kb.as_retriever(k=k)
    begun = {"question": QUESTION, "standalone": QUESTION, "history": [], "filter": {}}
    whole = RagState({**begun, "_documents": retriever.invoke(QUESTION), **(state or {})})
    detail: dict[str, Any] = {}
    for piece in expand_step(retriever, model, **settings).run(whole, {}, detail):
        whole = whole + piece
    return whole + {"documents": whole["_documents"]}, detail


def _verbatim(kb: KnowledgeBase, documents: list[Document]) -> bool:
    return all(
        one.page_content == kb.text(one.metadata["source"])[one.metadata["start"] : one.metadata["end"]]
        for one in documents
    )


def _size(state: RagState, model: Any) -> int:
    return sum(count_tokens(model, str(message.content)) + 8 for message in prompt_messages(state)) + 8


def test_without_a_model_nothing_changes(kb: KnowledgeBase) -> None:
    state, detail = _run(kb, None)

    assert state["_documents"] == kb.as_retriever(k=3).invoke(QUESTION)
    assert detail["mode"] == "passages"


def test_hits_grow_within_their_section_up_to_twice_their_tokens(kb: KnowledgeBase) -> None:
    state, detail = _run(kb, _model(), k=1, long_context=False)

    (document,) = state["documents"]
    (hit,) = kb.as_retriever(k=1).invoke(QUESTION)
    first, last = document.metadata["expanded"]
    assert last - first == 1 and document.id == hit.id
    assert document.metadata["heading"] == hit.metadata["heading"] and "Parental" in hit.metadata["heading"]
    assert document.metadata["scores"] == hit.metadata["scores"]
    assert _verbatim(kb, [document]) and detail["mode"] == "passages"


def test_without_growth_the_hits_are_the_context_and_neighbours_of_one_section_are_one(
    kb: KnowledgeBase,
) -> None:
    state, _ = _run(kb, _model(), long_context=False, growth=1)

    hits = kb.as_retriever(k=3).invoke(QUESTION)
    text = "\n".join(one.page_content for one in state["documents"])
    assert len(state["documents"]) < len(hits)
    assert all(hit.page_content in text for hit in hits)
    assert len(text) < sum(len(hit.page_content) + 50 for hit in hits)


def test_a_small_document_is_given_whole_where_that_costs_no_more(kb: KnowledgeBase) -> None:
    asked = {"_documents": kb.search("When are salaries paid?", k=1)}

    state, detail = _run(kb, _model(), state=asked, growth=3)

    assert [one.page_content for one in state["documents"]] == [
        kb.text(asked["_documents"][0].metadata["source"])
    ]
    assert detail["mode"] == "whole documents" and "1 document" in detail["why"]


def test_a_whole_base_is_given_where_a_route_asks_and_it_fits(kb: KnowledgeBase) -> None:
    class Route:
        long_context = True
        filter = None

    state, detail = _run(kb, _model(32_000), k=1, state={"_route": Route()})

    assert detail["mode"] == "whole base" and "all documents" in detail["why"]
    assert [Path(one.metadata["source"]).name for one in state["documents"]] == ["leave.md", "pay.md"]
    assert _verbatim(kb, state["documents"])


def test_a_base_that_does_not_fit_is_searched_and_the_trace_says_why(kb: KnowledgeBase) -> None:
    state, detail = _run(kb, _model(4000), k=1, long_context=True)

    assert detail["mode"] == "passages" and "tokens" in detail["why"]
    assert len(state["documents"]) == 1


def test_what_a_filter_hides_is_in_no_context(tmp_path: Path) -> None:
    parts = [
        Document(
            f"Rule {n} for {'all' if n % 2 else 'managers'} here.",
            metadata={"source": "r", "open": bool(n % 2)},
        )
        for n in range(6)
    ]
    with KnowledgeBase(SqliteStore(tmp_path / "kb"), WordEncoder()) as kb:
        kb.ingest([*parts, Document("Secret.", metadata={"source": "s", "open": False})])
        narrowed = {"filter": {"open": True}, "_documents": kb.search("Rule", k=2, filter={"open": True})}

        for settings in ({"long_context": True}, {"long_context": False, "growth": 9}, {"growth": 9}):
            state, _ = _run(kb, _model(32_000), state=narrowed, **settings)

            text = " ".join(one.page_content for one in state["documents"])
            assert "all" in text and "managers" not in text and "Secret" not in text
            assert _verbatim(kb, state["documents"])


def test_the_retrievers_own_filter_holds_for_a_whole_base_too(kb: KnowledgeBase) -> None:
    name = next(one.source for one in kb.sources() if one.source.endswith("pay.md"))
    retriever = kb.as_retriever(k=1, filter={"source": name})
    given = {"question": "Salaries?", "documents": retriever.invoke("Salaries?")}

    documents = expander(retriever, _model(32_000), long_context=True).invoke(given)

    assert {one.metadata["source"] for one in documents} == {name}


@pytest.mark.parametrize("window", [300, 512, 900, 2000, 4000])
@pytest.mark.parametrize("long_context", [True, False, "auto"])
def test_the_prompt_as_built_fits_the_window(kb: KnowledgeBase, window: int, long_context: Any) -> None:
    history = [HumanMessage("word " * 2000), AIMessage("Yes. " * 500)] * 250
    model = _model(window)

    state, detail = _run(kb, model, k=8, state={"history": history}, long_context=long_context)

    assert _size(state, model) <= budget_of(model).prompt
    assert state["documents"] and _verbatim(kb, state["documents"])
    assert all(one["reason"] == "budget" for one in detail["dropped"])
    assert detail["window"] == window


def test_a_question_of_a_hundred_thousand_characters_leaves_room_for_passages(kb: KnowledgeBase) -> None:
    question = "How long is parental leave? " + "word " * 20_000

    state, detail = _run(kb, _model(2000), state={"question": question, "standalone": question})

    assert state["documents"] and "question was cut" in detail["degraded"]
    assert _size(state, _model(2000)) <= budget_of(_model(2000)).prompt


def test_a_window_that_takes_no_passage_says_so(kb: KnowledgeBase) -> None:
    state, detail = _run(kb, _model(60))

    assert state["documents"] == [] and "60 tokens takes no passage" in detail["degraded"]
    assert {one["reason"] for one in detail["dropped"]} == {"budget"}


def test_where_nothing_is_answered_nothing_is_read(kb: KnowledgeBase) -> None:
    state, detail = _run(kb, _model(), state={"_verdict": Verdict(True, "nothing found", {})})

    assert state["documents"] == kb.as_retriever(k=3).invoke(QUESTION)
    assert "window" not in detail


def test_an_unknown_window_is_told_in_the_trace(kb: KnowledgeBase) -> None:
    _, detail = _run(kb, _model(None))

    assert detail["window"] == 4096 and detail["window_by"].startswith("assumed")


def test_a_counter_that_fails_is_replaced_by_the_estimate_and_the_trace_says_so(kb: KnowledgeBase) -> None:
    def count(text: str) -> list[int]:
        raise OSError("no tokenizer")

    model = FakeListChatModel(responses=["x"], custom_get_token_ids=count)

    state, detail = _run(kb, model)

    assert state["documents"] and detail["counted_by"] == "estimate"
    assert "OSError" in detail["degraded"]


def test_other_retrievers_documents_are_fitted_and_nothing_else(kb: KnowledgeBase) -> None:
    documents = [Document("Salaries are late. " * 3000), Document("Short.", metadata={"source": "x"})]
    given = {"question": "Salaries?", "documents": documents}

    fitted = expander(None, _model(2000)).invoke(given)

    assert [one.page_content for one in fitted[1:]] == ["Short."]
    assert 0 < len(fitted[0].page_content) < 6000


def test_passages_that_a_compressor_rewrote_are_not_grown(kb: KnowledgeBase) -> None:
    (hit,) = kb.search(QUESTION, k=1)
    rewritten = hit.model_copy(update={"page_content": "A summary."})

    state, detail = _run(kb, _model(), state={"_documents": [rewritten]})

    assert [one.page_content for one in state["documents"]] == ["A summary."]
    assert "changed" in detail["why"]


def test_a_source_deleted_since_it_was_found_changes_nothing(kb: KnowledgeBase) -> None:
    hits = kb.search(QUESTION, k=2)
    kb.delete([hits[0].metadata["source"]])

    state, _ = _run(kb, _model(), state={"_documents": hits})

    assert state["documents"] == hits


def test_left_out_by_a_call_the_prompt_fits_all_the_same(kb: KnowledgeBase) -> None:
    model = _model(900)
    step = expand_step(kb.as_retriever(), model)
    hits = kb.search(QUESTION, k=8)
    state = RagState(question=QUESTION, standalone=QUESTION, history=[], filter={}, _documents=hits)

    assert step.instead is not None
    state = state + step.instead(state)

    assert _size(state + {"documents": state["_documents"]}, model) <= budget_of(model).prompt


async def test_the_async_twin_gives_the_same(kb: KnowledgeBase) -> None:
    given = {"question": QUESTION, "documents": kb.search(QUESTION, k=2)}
    step = expander(kb.as_retriever(), _model())

    assert await step.ainvoke(given) == step.invoke(given)


def test_settings_that_cannot_be_are_type_errors(kb: KnowledgeBase) -> None:
    with pytest.raises(TypeError, match="long_context='yes'"):
        expand_step(None, None, long_context="yes")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"growth=0\.5"):
        expand_step(None, None, growth=0.5)


@pytest.mark.skipif(not TINY.is_dir(), reason="shared/models/TinyStories-656K is not beside the repository")
def test_a_real_model_of_512_tokens_gets_a_prompt_that_it_can_read(kb: KnowledgeBase) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer.from_file(str(TINY / "tokenizer.json"))
    model = FakeListChatModel(
        responses=["x"],
        profile={"max_input_tokens": 512, "max_output_tokens": 512},
        custom_get_token_ids=lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
    )
    history = [HumanMessage("What is leave? " * 50), AIMessage("Time off. " * 50)] * 10

    state, detail = _run(kb, model, k=8, state={"history": history})

    whole = "\n".join(f"{one.type}: {one.content}" for one in prompt_messages(state))
    assert len(tokenizer.encode(whole).ids) <= budget_of(model).prompt < 512
    assert state["documents"] and _verbatim(kb, state["documents"])
    assert detail["counted_by"] == "the model's tokenizer"
