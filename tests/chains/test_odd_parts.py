"""Parts of the chain that other people give: what is odd about them is survived, or is a clear error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.exceptions import LangChainException
from langchain_core.language_models import FakeListLLM
from langchain_core.language_models.fake_chat_models import FakeListChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import Runnable, RunnableLambda

from ragweave.chains import ChainError, ChatRanker, KnowledgeBase, Rerank, Route, rag_chain, transformer
from ragweave.chains.budget import estimate_tokens

from .two_policies import LEAVE, PAY, QUESTION, two_policies


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with two_policies(tmp_path / "kb") as kb:
        yield kb


# -- compressors -------------------------------------------------------------------------------------------


class Giving(BaseDocumentCompressor):
    """Gives what it was given to give."""

    given: Any

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Any:
        return self.given(documents)


@pytest.mark.parametrize("given", [None, ["a text"]])
async def test_a_filter_that_gives_no_documents_is_a_clear_error(kb: KnowledgeBase, given: Any) -> None:
    chain = rag_chain(None, kb.as_retriever(), filter=Giving(given=lambda documents: given))

    with pytest.raises(ChainError, match="'filter' gave"):
        chain.invoke(QUESTION)
    with pytest.raises(ChainError, match="'filter' gave"):
        await chain.ainvoke(QUESTION)


def test_a_reranker_may_give_a_generator(kb: KnowledgeBase) -> None:
    reranker = Giving(given=lambda documents: (one for one in reversed(documents)))

    state = rag_chain(None, kb.as_retriever(), rerank=Rerank(reranker, weight=1)).invoke("annual leave")

    assert [one.metadata["source"] for one in state["documents"]] == ["pay", "leave"]


# -- models ------------------------------------------------------------------------------------------------

SAID = "Employees get 25 days of annual leave each year [1]."
USED = UsageMetadata(input_tokens=5, output_tokens=3, total_tokens=8)
NAMED = {"model_name": "small"}


def _says(reply: Any) -> RunnableLambda[Any, Any]:
    return RunnableLambda(lambda messages: reply)


async def _both(chain: Runnable[Any, dict[str, Any]], question: str = QUESTION) -> dict[str, Any]:
    state, twin = chain.invoke(question), await chain.ainvoke(question)
    assert state["answer"] == twin["answer"] and state["citations"] == twin["citations"]
    return state


@pytest.mark.parametrize(
    "model",
    [
        _says(SAID),
        _says(AIMessage(SAID)) | StrOutputParser(),
        FakeListLLM(responses=[SAID]),
        _says(HumanMessage(SAID)),
        _says(AIMessage([{"type": "reasoning", "reasoning": "[1]"}, {"type": "text", "text": SAID}])),
    ],
)
async def test_a_model_may_reply_in_texts_or_blocks(kb: KnowledgeBase, model: Any) -> None:
    state = await _both(rag_chain(model, kb.as_retriever(), abstain=None))

    assert state["answer"] == SAID
    assert [one["source"] for one in state["citations"]] == ["leave"]


async def test_a_reply_that_does_not_stream_keeps_its_usage(kb: KnowledgeBase) -> None:
    reply = AIMessage(SAID, usage_metadata=USED, response_metadata=NAMED)

    state = await _both(rag_chain(_says(reply), kb.as_retriever(), abstain=None))

    assert state["usage"] == USED
    assert next(one for one in state["trace"] if one["step"] == "answer")["detail"]["model"] == "small"


@pytest.mark.parametrize("reply", [{"text": SAID}, [AIMessage(SAID)], 3])
async def test_a_reply_that_is_no_text_is_a_clear_error(kb: KnowledgeBase, reply: Any) -> None:
    chain = rag_chain(_says(reply), kb.as_retriever(), abstain=None)

    with pytest.raises(ChainError, match=f"The reply is a {type(reply).__name__}"):
        chain.invoke(QUESTION)
    with pytest.raises(ChainError, match=f"The reply is a {type(reply).__name__}"):
        await chain.ainvoke(QUESTION)


class Silent(GenericFakeChatModel):
    """Its stream ends before it begins."""

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        yield from ()


@pytest.mark.parametrize(
    "model",
    [Silent(messages=iter(())), _says(None), _says("[1]"), _says("[1], [2] ..."), _says("\u201c \u201d [1")],
)
async def test_quotes_stand_in_for_a_reply_without_a_word(kb: KnowledgeBase, model: Any) -> None:
    state = await _both(rag_chain(model, kb.as_retriever(), abstain=None, transform=None))

    assert state["answer"] == "Employees get 25 days of annual leave each year. [1]"
    told = next(one for one in state["trace"] if one["step"] == "answer")["detail"]
    assert told["degraded"] == "The model gave no answer; quotes stand in for it."


@pytest.mark.parametrize("model", [Silent(messages=iter(())), _says(None)])
async def test_a_model_that_says_nothing_by_itself_is_told_of(kb: KnowledgeBase, model: Any) -> None:
    chain = rag_chain(model, kb.as_retriever(), route=lambda state: Route("chat", direct=True))

    assert (await _both(chain))["answer"].startswith("I have no answer to this.")


class TimingOut(GenericFakeChatModel):
    """An engine that ends the answer at its deadline, with an error of LangChain's family."""

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        yield from super()._stream(*args, **kwargs)
        raise LangChainException("not finished by its deadline")


@pytest.mark.parametrize("route", [None, lambda state: Route("chat", direct=True)])
async def test_what_was_said_before_a_deadline_stays(kb: KnowledgeBase, route: Any) -> None:
    model = TimingOut(messages=iter([AIMessage(SAID)] * 2))

    state = await _both(rag_chain(model, kb.as_retriever(), route=route, abstain=None))

    assert state["answer"].endswith("The model broke off here.")
    told = next(one for one in state["trace"] if one["step"] == "answer")["detail"]
    assert "deadline" in told["degraded"]


def test_a_smile_is_an_answer_to_small_talk(kb: KnowledgeBase) -> None:
    chain = rag_chain(_says("\U0001f44b"), kb.as_retriever(), route=lambda state: Route("chat", direct=True))

    assert chain.invoke("Hm?")["answer"] == "\U0001f44b"


async def test_half_a_character_in_a_reply_becomes_a_whole_one(kb: KnowledgeBase) -> None:
    state = await _both(rag_chain(_says(f"{SAID} \ud83d\ude00 \ud800"), kb.as_retriever(), abstain=None))

    assert state["answer"].startswith(f"{SAID} \U0001f600 \ufffd")


async def test_a_number_without_end_is_no_mark(kb: KnowledgeBase) -> None:
    endless = "1" * 5000  # Python reads no such number

    state = await _both(
        rag_chain(_says(f"{SAID} [{endless}] [1, {endless}]"), kb.as_retriever(), abstain=None)
    )

    assert state["answer"] == f"{SAID} [1]"


def test_an_odd_queries_step_of_the_second_try_is_named_as_it_was_given(kb: KnowledgeBase) -> None:
    with pytest.raises(TypeError, match="again=4 is no step"):
        rag_chain(None, kb.as_retriever(), again=4)


@pytest.mark.parametrize("reply", [None, {"a": 1}, ["1. pay"], SAID])
async def test_a_reply_that_is_no_query_leaves_the_question(kb: KnowledgeBase, reply: Any) -> None:
    methods = ["rewrite", "multi_query", "hyde", "step_back", "decompose"]
    wording = transformer(kb, _says(reply), methods=methods)
    ranking = Rerank(ChatRanker(_says(reply)))
    chain = rag_chain(None, kb.as_retriever(), transform=wording, rerank=ranking, abstain=None)

    state = await _both(chain, "How many days of leave do employees get by the way?")

    assert state["queries"][0] == state["question"]
    told = {one["step"]: one["detail"].get("degraded", "") for one in state["trace"]}
    assert told["transform"] and "order before it stands" in told["rerank"]


def test_a_chain_of_a_route_that_gives_nothing_is_told_of(kb: KnowledgeBase) -> None:
    nothing = Route("own", chain=_says(None))

    state = rag_chain(None, kb.as_retriever(), route=lambda state: nothing).invoke(QUESTION)

    assert state["answer"].startswith("I have no answer to this.")


@pytest.mark.parametrize("expand", [None, lambda state: state["documents"]])
async def test_the_prompt_fits_a_window_that_is_told_whoever_expands(kb: KnowledgeBase, expand: Any) -> None:
    days = " ".join(f"In year {year} employees get {year} days of annual leave." for year in range(400))
    kb.ingest([Document(days, metadata={"source": "long"})])
    seen: list[str] = []
    model = FakeListChatModel(responses=[SAID] * 2, profile={"max_input_tokens": 700})

    def prompt(given: dict[str, Any]) -> str:
        seen.append(given["passages"])
        return seen[-1]

    state = await _both(rag_chain(model, kb.as_retriever(), expand=expand, abstain=None, prompt=prompt))

    assert seen and all(estimate_tokens(one) < 700 for one in seen)
    told = next(one["detail"] for one in state["trace"] if one["step"] == "fit")
    assert told["window"] == 700 and told["dropped"]


# -- documents ---------------------------------------------------------------------------------------------


def test_half_a_character_in_a_document_stops_no_answer() -> None:
    found = [Document(f"{LEAVE} \ud800 and so on. Ask early. See e.g. there.")]
    retriever: Runnable[str, list[Document]] = RunnableLambda(lambda query: found)

    state = rag_chain(None, retriever, abstain=None).invoke(QUESTION)

    assert "25 days" in state["answer"]
    assert state["documents"][0].page_content == found[0].page_content.replace("\ud800", "\ufffd")


@pytest.mark.parametrize("given", [None, ["a text"], "a text"])
async def test_a_retriever_that_gives_no_documents_is_a_clear_error(given: Any) -> None:
    chain = rag_chain(None, RunnableLambda(lambda query: given))

    with pytest.raises(ChainError, match="step 'retrieve' gave"):
        chain.invoke(QUESTION)
    with pytest.raises(ChainError, match="step 'retrieve' gave"):
        await chain.ainvoke(QUESTION)


# -- readers and judges ------------------------------------------------------------------------------------


async def _abstains(state: dict[str, Any]) -> str:
    return "I was told not to."


async def _reads(state: dict[str, Any]) -> list[str]:
    return ["Leave must be approved by the manager."]


@pytest.mark.parametrize("model", [None, _says("")])
async def test_a_judge_and_a_reader_may_be_async_functions(kb: KnowledgeBase, model: Any) -> None:
    retriever = kb.as_retriever()
    refused = await rag_chain(model, retriever, abstain=_abstains, again=None).ainvoke(QUESTION)
    read = await rag_chain(model, retriever, reader=_reads, abstain=None).ainvoke(QUESTION)
    judged = await rag_chain(model, retriever, reader=_reads).ainvoke(QUESTION)

    assert refused["abstained"]
    assert read["answer"] == judged["answer"] == "Leave must be approved by the manager. [1]"


async def test_a_reader_gives_words_of_the_documents(kb: KnowledgeBase) -> None:
    chain = rag_chain(None, kb.as_retriever(), reader=lambda state: "25 days of annual leave", abstain=None)

    (citation,) = (await _both(chain))["citations"]

    assert citation["quote"] == "25 days of annual leave"
    assert kb.text("leave")[citation["source_start"] : citation["source_end"]] == citation["quote"]


@pytest.mark.parametrize(
    ("given", "told"), [("30 days", "none of the documents holds"), ({"a": 1}, "a dict"), ([3], "an? int")]
)
def test_a_reader_that_gives_anything_else_is_a_clear_error(kb: KnowledgeBase, given: Any, told: str) -> None:
    chain = rag_chain(None, kb.as_retriever(), reader=lambda state: given, abstain=None)

    with pytest.raises(ChainError, match=told):
        chain.invoke(QUESTION)


async def test_a_reader_that_gives_nothing_has_no_answer(kb: KnowledgeBase) -> None:
    chain = rag_chain(None, kb.as_retriever(), reader=lambda state: None, abstain=None)

    assert (await _both(chain))["abstained"]


# -- small windows -----------------------------------------------------------------------------------------


class Counting(FakeListChatModel):
    """Keeps what it was given."""

    given: list[str] = []

    def _call(self, messages: Any, *args: Any, **kwargs: Any) -> str:
        self.given.append("\n".join(one.text for one in messages))
        return super()._call(messages, *args, **kwargs)

    def _stream(self, messages: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        self.given.append("\n".join(one.text for one in messages))
        yield from super()._stream(messages, *args, **kwargs)


def _small(reply: str = "1, 2") -> Counting:
    return Counting(responses=[reply], profile={"max_input_tokens": 512}, given=[])


def test_a_ranker_shows_what_a_small_window_takes() -> None:
    model = _small()
    documents = [Document(f"{number} {LEAVE * 9}", id=str(number)) for number in range(30)]

    ranked = ChatRanker(model).rework(documents, QUESTION * 50)

    assert estimate_tokens(model.given[0]) <= 512
    assert [one.id for one in ranked.documents] == [str(number) for number in range(30)]


def test_what_a_model_is_given_alone_fits_a_small_window(kb: KnowledgeBase) -> None:
    model = _small("Hello.")
    history = [("user", LEAVE * 9), ("assistant", PAY * 9)] * 9
    chain = rag_chain(model, kb.as_retriever(), route=lambda state: Route("chat", direct=True), condense=None)

    chain.invoke({"question": "Hello there! " * 400, "history": history})

    assert estimate_tokens(model.given[0]) <= 512


def test_what_words_queries_fits_a_small_window(kb: KnowledgeBase) -> None:
    model = _small("What is leave?")
    methods = ["rewrite", "multi_query", "hyde", "step_back", "decompose"]

    transformer(kb, model, methods=methods).invoke("What of leave? " * 400)

    assert len(model.given) == 5
    assert all(estimate_tokens(one) <= 512 for one in model.given)


# -- questions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", ["leave \ud800?", "\udc80", HumanMessage("leave \ud800?")])
async def test_half_a_character_in_a_question_reaches_no_page(kb: KnowledgeBase, question: Any) -> None:
    chain = rag_chain(None, kb.as_retriever())
    given = {"question": question, "history": [("user", "pay \ud800?"), ("assistant", "\udfff")]}

    state, twin = chain.invoke(given), await chain.ainvoke(given)

    assert state["answer"] == twin["answer"]
    f"{state['answer']} {state['standalone']} {state['trace']} {state['queries']}".encode()


def test_a_history_that_cannot_be_read_is_told_of_in_one_line(kb: KnowledgeBase) -> None:
    with pytest.raises(ChainError, match="history cannot be read: Unexpected message type: 'alien'") as told:
        rag_chain(None, kb.as_retriever()).invoke({"question": QUESTION, "history": [("alien", "Hi")]})

    assert "\n" not in str(told.value)
