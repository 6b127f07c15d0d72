"""An agent that reads before it speaks: passages go into the call, citations come out. LangChain middleware.

For agents of `langchain.agents.create_agent`. Knows no store; any LangChain retriever serves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NotRequired

from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable

from .answer_prompt import ends_first, passage_text
from .budget import budget_of, counter_of, estimate_tokens, window_of
from .choices import check_retriever
from .citations import MarkFilter, bind_citations
from .fitting import fit
from .marks_check import Checker, MarksCheck
from .prompt_fence import as_data, fence
from .prompts import AGENT_RULES, QUESTION
from .rag import retrieval_chain
from .state import text_of

__all__ = ["CitedContext", "CitedState"]

MESSAGE, FENCES = 8, 128  # tokens around a message, and of the lines around the passages


class CitedState(AgentState[Any]):
    """The agent's state with the passages of the last question and the citations of the answer to it."""

    documents: NotRequired[list[Document]]
    citations: NotRequired[list[dict[str, Any]]]


class CitedContext(AgentMiddleware[CitedState, Any, Any]):
    """Searches once for each question of the user, and shows the passages to every model call that follows.

    The passages stand before the question, fenced as data, in the call alone: the conversation that is kept
    holds the question as it was asked. When the agent is done, `state["documents"]` has the passages and
    `state["citations"]` a verbatim quote for each mark of its answer; marks that point nowhere are gone. A
    model that tells its window is shown the first passages that fit.

    Use `kb.as_tool()` instead where the model itself is to decide when to search.

    Args:
        retriever: `kb.as_retriever()`, any LangChain retriever, or a `retrieval_chain` with steps of yours.
        checker: a `Grounder`; marks that it does not support are taken out.
    """

    state_schema = CitedState

    def __init__(self, retriever: Runnable[Any, Any], *, checker: Checker | None = None) -> None:
        super().__init__()
        check_retriever(retriever)
        self.tools: Sequence[Any] = []
        self._find = retrieval_chain(retriever) if isinstance(retriever, BaseRetriever) else retriever
        self._checker = checker

    def before_agent(self, state: CitedState, runtime: Any) -> dict[str, Any] | None:
        """Search for the user's question."""
        asked = _asked(state["messages"])
        found = self._find.invoke(asked)["documents"] if asked else []
        return {"documents": found, "citations": []}

    async def abefore_agent(self, state: CitedState, runtime: Any) -> dict[str, Any] | None:
        """`before_agent` without blocking the event loop."""
        asked = _asked(state["messages"])
        found = (await self._find.ainvoke(asked))["documents"] if asked else []
        return {"documents": found, "citations": []}

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Show the passages to this call, and check the marks of what comes back."""
        documents = _documents(request)
        return self._checked(handler(_with_passages(request, documents)), documents)

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """`wrap_model_call` for async agents."""
        documents = _documents(request)
        response = await handler(_with_passages(request, documents))
        return await asyncio.to_thread(self._checked, response, documents)

    def after_agent(self, state: CitedState, runtime: Any) -> dict[str, Any] | None:
        """Bind the marks of the answer to the words they stand on."""
        answer = next((one for one in reversed(state["messages"]) if isinstance(one, AIMessage)), None)
        documents = state.get("documents", [])
        if answer is None or not documents:
            return None
        return {"citations": bind_citations(text_of(answer), documents)}

    async def aafter_agent(self, state: CitedState, runtime: Any) -> dict[str, Any] | None:
        """`after_agent` for async agents."""
        return await asyncio.to_thread(self.after_agent, state, runtime)

    def _checked(self, response: ModelResponse[Any], documents: Sequence[Document]) -> ModelResponse[Any]:
        check = None if self._checker is None else MarksCheck(self._checker, documents)
        result = [_marked(one, documents, check) for one in response.result]
        return ModelResponse(result=result, structured_response=response.structured_response)


def _asked(messages: Sequence[AnyMessage]) -> dict[str, Any] | None:
    """The last question of the user and what came before it."""
    place = _last_question(messages)
    return None if place is None else {"question": text_of(messages[place]), "history": messages[:place]}


def _last_question(messages: Sequence[BaseMessage]) -> int | None:
    places = [place for place, one in enumerate(messages) if isinstance(one, HumanMessage)]
    return places[-1] if places else None


def _documents(request: ModelRequest[Any]) -> list[Document]:
    state: Any = request.state  # a CitedState, for that is this middleware's `state_schema`
    return list(state.get("documents", ()))


def _with_passages(request: ModelRequest[Any], documents: Sequence[Document]) -> ModelRequest[Any]:
    """The call with rules for the passages, and the passages before the question."""
    place = _last_question(request.messages)
    shown = [] if place is None else _fitting(request, documents, text_of(request.messages[place]))
    if place is None or not shown:
        return request
    message = request.messages[place]
    question = as_data(text_of(message))
    listed = [passage_text(number, one) for number, one in enumerate(shown, start=1)]
    line = fence([question, *listed])
    passages = "\n\n".join(listed[one] for one in ends_first(len(listed)))
    text = QUESTION.format(fence=line, passages=passages, question=question)
    asked = HumanMessage(_with_others(text, message), id=message.id)
    own = f"{request.system_message.text}\n\n" if request.system_message else ""
    return request.override(
        system_message=SystemMessage(f"{own}{AGENT_RULES.format(fence=line)}"),
        messages=[*request.messages[:place], asked, *request.messages[place + 1 :]],
    )


def _with_others(text: str, message: BaseMessage) -> Any:
    """The text and what else the message holds, such as pictures."""
    if isinstance(message.content, str):
        return text
    others = [one for one in message.content if not _is_text(one)]
    return [{"type": "text", "text": text}, *others] if others else text


def _fitting(request: ModelRequest[Any], documents: Sequence[Document], question: str) -> list[Document]:
    """The first passages that the window takes beside the talk; all where the model tells no window."""
    if window_of(request.model) is None:
        return list(documents)
    count = counter_of(request.model) or estimate_tokens
    texts = [AGENT_RULES, *map(text_of, request.messages), *(str(one) for one in request.tools)]
    texts += [request.system_message.text] if request.system_message else []
    room = budget_of(request.model).prompt - sum(count(text) + MESSAGE for text in texts) - FENCES
    for most in range(len(documents), 0, -1):  # numbers are places, so none is left out between others
        kept, dropped = fit(documents[:most], room, count=count, question=question)
        if not dropped:
            return kept
    return []


def _is_text(block: Any) -> bool:
    return isinstance(block, str) or (isinstance(block, dict) and block.get("type") == "text")


def _marked(message: BaseMessage, documents: Sequence[Document], check: MarksCheck | None) -> BaseMessage:
    """The message without marks that point nowhere, or that its passages do not support."""
    if not isinstance(message, AIMessage):
        return message
    marks = MarkFilter(len(documents), None if check is None else check.keep)
    if isinstance(message.content, str):
        return message.model_copy(update={"content": marks.feed(message.content) + marks.finish()})
    blocks = list(message.content)
    places = [place for place, block in enumerate(blocks) if _is_text(block)]
    for place in places:
        block: Any = blocks[place]
        text = marks.feed(block if isinstance(block, str) else str(block.get("text") or ""))
        text += marks.finish() if place == places[-1] else ""
        blocks[place] = text if isinstance(block, str) else {**block, "text": text}
    return message.model_copy(update={"content": blocks})
