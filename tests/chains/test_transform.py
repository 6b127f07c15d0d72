"""The step: which queries a question becomes, what the trace tells, what a model's failure costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda

from ragweave.chains import KnowledgeBase, rag_chain
from ragweave.chains.lexicon import Lexicon
from ragweave.chains.queries import Query
from ragweave.chains.sqlite_store import SqliteStore
from ragweave.chains.state import RagState
from ragweave.chains.step import Step
from ragweave.chains.transform import METHODS, transform_step, transformer

from .fakes import WordEncoder

LEXICON = Lexicon({"vacation": 9, "policy": 7}, expansions={"PTO": "paid time off"})
PLAIN = "How many days of vacation do I get?"
MODEL_METHODS = ("rewrite", "multi_query", "hyde", "step_back")


def _step(**settings: Any) -> Step:
    return transform_step(lambda: LEXICON, settings.pop("model", None), **settings)


def _run(step: Step, question: str, config: RunnableConfig | None = None) -> tuple[RagState, dict[str, Any]]:
    detail: dict[str, Any] = {}
    state = RagState(standalone=question)
    for piece in step.run(state, config or {}, detail):
        state = state + piece
    return state, detail


def _told(detail: dict[str, Any], name: str) -> dict[str, Any]:
    (one,) = [one for one in detail["methods"] if one["name"] == name]
    return dict(one)


class Model:
    """Says what it is told, by a word of the prompt; keeps the prompts and configs."""

    def __init__(self, **replies: Any) -> None:
        self.replies = replies
        self.prompts: list[str] = []
        self.configs: list[RunnableConfig] = []

    def runnable(self) -> Runnable[Any, Any]:
        return RunnableLambda(self._reply)

    def _reply(self, messages: Any, config: RunnableConfig) -> AIMessage:
        prompt = str(messages[0].content)
        self.prompts.append(prompt)
        self.configs.append(config)
        reply = next(reply for word, reply in self.replies.items() if prompt.startswith(word))
        if isinstance(reply, Exception):
            raise reply
        return AIMessage(reply, usage_metadata={"input_tokens": 10, "output_tokens": 5, "total_tokens": 15})


ALL_REPLIES = {
    "Rewrite": "vacation days",
    "Write 3": "1. days off\n2. vacation entitlement in days",
    "Write two": "Everyone gets 25 days of vacation.",
    "Write the": "What is the vacation policy?",
}


def test_a_plain_question_is_one_query_and_costs_no_call_of_a_model() -> None:
    model = Model()

    state, detail = _run(_step(model=model.runnable()), PLAIN)

    assert state["queries"] == [PLAIN] and state["_queries"] == [Query(PLAIN)]
    assert model.prompts == []
    assert detail["by"] == "rule" and "degraded" not in detail and "model" not in detail
    assert [one["ran"] for one in detail["methods"]] == [False] * 4


@pytest.mark.parametrize("question", ["", "   ", "?"])
def test_a_question_without_words_is_searched_as_it_is(question: str) -> None:
    state, _ = _run(_step(), question)

    assert state["queries"] == [question]


def test_a_misspelt_word_adds_the_repaired_question_and_keeps_the_original() -> None:
    state, detail = _run(_step(), "How long is the vacaton?")

    assert state["queries"] == ["How long is the vacaton?", "How long is the vacation?"]
    assert [query.kind for query in state["_queries"]] == ["question", "spelling"]
    assert "vacaton -> vacation" in _told(detail, "spelling")["why"]


def test_the_other_methods_go_on_with_the_repaired_question() -> None:
    state, _ = _run(_step(), "What is the difference between vacaton and sick leave?")

    assert state["queries"][2:] == ["vacation leave", "sick leave"]


def test_an_acronym_of_the_collection_is_written_out_in_a_second_query() -> None:
    state, _ = _run(_step(), "How much PTO is there?")

    assert state["queries"] == ["How much PTO is there?", "How much paid time off is there?"]
    assert state["_queries"][1].weight < 1


def test_a_long_message_is_searched_by_its_question_too() -> None:
    message = "I joined the team in May and I like it here very much so far. " * 4 + "When is payday? Thanks."

    state, _ = _run(_step(), message)

    assert state["queries"] == [message, "When is payday?"]


def test_parts_come_after_the_question_itself_and_are_bounded() -> None:
    question = "Compare the vacation policy with the pet policy."

    state, _ = _run(_step(), question)
    bounded, detail = _run(_step(most=2), question)

    assert state["queries"] == [question, "the vacation policy", "the pet policy"]
    assert bounded["queries"] == [question, "the vacation policy"]
    assert detail["not_searched"] == ["the pet policy"]


def test_a_query_that_repeats_the_question_is_no_query_of_its_own() -> None:
    state, _ = _run(_step(methods=["acronyms", "keywords"]), "PTO vacation policy")

    assert state["queries"] == ["PTO vacation policy", "paid time off vacation policy"]


def test_without_a_knowledge_base_the_trace_says_what_cannot_run() -> None:
    state, detail = _run(transform_step(None), "How long is the vacaton?")

    assert state["queries"] == ["How long is the vacaton?"]
    assert "no knowledge base" in _told(detail, "spelling")["why"]
    assert "no knowledge base" in _told(detail, "acronyms")["why"]


def test_only_the_methods_named_run() -> None:
    state, detail = _run(_step(methods=["keywords"]), "How long is the vacaton?")

    assert state["queries"] == ["How long is the vacaton?", "long vacaton"]
    assert [one["name"] for one in detail["methods"]] == ["keywords"]


def test_a_model_writes_what_is_asked_for_by_name() -> None:
    model = Model(**ALL_REPLIES)

    state, detail = _run(_step(model=model.runnable(), methods=MODEL_METHODS, most=9), PLAIN)

    assert [query.kind for query in state["_queries"]] == [
        "question", "rewrite", "variant", "variant", "hyde", "step back",
    ]  # fmt: skip
    assert detail["by"] == "model" and detail["tokens"] == {"input": 40, "output": 20}
    assert all(PLAIN in prompt for prompt in model.prompts) and len(model.prompts) == 4


async def test_the_asynchronous_step_gives_the_same() -> None:
    model = Model(**ALL_REPLIES).runnable()
    step = _step(model=model, methods=MODEL_METHODS)
    detail: dict[str, Any] = {}

    pieces = [piece async for piece in step.pieces(RagState(standalone=PLAIN), {}, detail)]

    expected, told = _run(step, PLAIN)
    assert pieces == [{"queries": expected["queries"], "_queries": expected["_queries"]}]
    assert detail == told


@pytest.mark.parametrize("reply", ["", "I would say:\n- this", "The moon is far away", ValueError("broken")])
@pytest.mark.parametrize("method", MODEL_METHODS)
def test_a_reply_that_is_no_query_leaves_the_question_alone_and_says_so(method: str, reply: Any) -> None:
    model = Model(Rewrite=reply, Write=reply)

    state, detail = _run(_step(model=model.runnable(), methods=[method]), PLAIN)

    assert state["queries"] == [PLAIN]
    assert method in detail["degraded"] and "the question is searched without it" in detail["degraded"]
    assert _told(detail, method)["ran"] is False


def test_the_failure_of_one_method_costs_no_other_its_queries() -> None:
    model = Model(**{**ALL_REPLIES, "Write two": ValueError("broken")})

    state, detail = _run(_step(model=model.runnable(), methods=MODEL_METHODS, most=9), PLAIN)

    assert [query.kind for query in state["_queries"]] == [
        "question", "rewrite", "variant", "variant", "step back",
    ]  # fmt: skip
    assert "hyde (ValueError)" in detail["degraded"]


def test_a_model_splits_what_looks_split_and_the_rule_cannot() -> None:
    question = "Which offices of the two grew last year and earned how much each?"
    model = Model(Split="1. Which offices grew last year?\n2. How much did the offices earn last year?")
    one_thing = Model(Split="1. Which offices grew last year?")

    state, _ = _run(_step(model=model.runnable()), question)
    whole, detail = _run(_step(model=one_thing.runnable()), question)

    assert [query.kind for query in state["_queries"]] == ["question", "part", "part"]
    assert whole["queries"] == [question] and "degraded" not in detail


def test_queries_are_written_by_the_base_model_whatever_adapter_answers() -> None:
    model = Model(**ALL_REPLIES)

    _run(_step(model=model.runnable(), methods=["rewrite"]), PLAIN, {"configurable": {"adapter": "legal"}})

    assert model.configs[0]["configurable"]["adapter"] == ""


def test_an_unknown_method_is_refused_naming_the_nearest() -> None:
    with pytest.raises(ValueError, match="'hide': did you mean 'hyde'"):
        transform_step(None, Model().runnable(), methods=["hide"])


def test_methods_as_one_text_are_refused() -> None:
    with pytest.raises(ValueError, match="a list of spelling, decompose"):
        transform_step(None, methods="spelling")


def test_a_model_s_method_without_a_model_is_refused() -> None:
    with pytest.raises(ValueError, match="'hyde' is a chat model's work"):
        transform_step(None, methods=["hyde"])


def test_room_for_no_query_is_refused() -> None:
    with pytest.raises(ValueError, match="most=0"):
        transform_step(None, most=0)


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with KnowledgeBase(SqliteStore(tmp_path / "kb"), WordEncoder()) as kb:
        kb.ingest([Document("Paid time off (PTO) is 25 days.", metadata={"source": "leave"})])
        yield kb


def test_words_of_what_a_filter_hides_are_not_given_away(kb: KnowledgeBase) -> None:
    narrowed = transformer(kb.as_retriever(filter={"source": "other"}))
    whole = transformer(kb.as_retriever())

    assert narrowed.invoke("What is PTO?") == ["What is PTO?"]
    assert whole.invoke({"question": "What is PTO?", "filter": {"source": "x"}}) == ["What is PTO?"]


@pytest.mark.parametrize("source", [lambda kb: kb, lambda kb: kb.as_retriever()])
def test_the_transformer_by_itself_gives_the_queries(
    kb: KnowledgeBase, source: Callable[[KnowledgeBase], Any]
) -> None:
    queries = transformer(source(kb)).invoke("What is PTO?")

    assert queries == ["What is PTO?", "What is Paid time off?"]


def test_in_the_chain_a_plain_question_finds_what_a_search_finds(kb: KnowledgeBase) -> None:
    kb.ingest(
        [Document(f"Rule {number} of the leave.", metadata={"source": f"{number}"}) for number in range(9)]
    )
    chain = rag_chain(None, kb.as_retriever(k=5), abstain=None, rerank=None, diversify=None, expand=None)

    documents = chain.invoke("What is the leave?")["documents"]

    assert documents == kb.search("What is the leave?", k=5)


def test_in_the_chain_each_part_of_a_question_is_at_the_top(kb: KnowledgeBase) -> None:
    desk = "At the desk by the door visitors get a badge, which they wear until they leave."
    pets = ["The rule for small pets.", "A small rule for pets.", "For pets a small rule."]
    texts = [*pets, desk, *(f"Text {n}." for n in range(9))]
    kb.ingest([Document(text, metadata={"source": text[:7]}) for text in texts])
    chain = rag_chain(None, kb.as_retriever(k=3), abstain=None, rerank=None, diversify=None, expand=None)
    question = "What is the rule for small pets and for visitors?"

    found = [one.metadata["source"] for one in chain.invoke(question)["documents"]]
    plain = [one.metadata["source"] for one in kb.search(question, k=3)]

    assert "At the " in found and "At the " not in plain


def test_every_method_is_in_the_list_that_errors_show() -> None:
    assert set(MODEL_METHODS) < set(METHODS) and len(METHODS) == 8
