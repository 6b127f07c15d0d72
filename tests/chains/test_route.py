"""The routing step: what it puts into the state and the trace, from whatever a caller gives for it."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda

from ragweave.chains import ChainError
from ragweave.chains.route import chosen_route_step, route_step, router
from ragweave.chains.routes import Decision, Route
from ragweave.chains.rule_router import RuleRouter
from ragweave.chains.state import RagState
from ragweave.chains.step import Step

from .fakes import WordEncoder

HR = Route("hr", "leave and pay", ["How many days of leave do I get?"], filter={"team": "hr"}, adapter="hr")
IT = Route("it", "laptops and passwords", ["My laptop is broken"])
LEAVE = "How many days of leave are there?"


def _played(step: Step, question: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the step adds to the state, and its detail in the trace."""
    detail: dict[str, Any] = {}
    state = RagState(question=question, standalone=question, history=[], filter={})
    (piece,) = step.run(state, RunnableConfig(), detail)
    return dict(piece), detail


def test_the_state_shows_the_route_and_what_it_sets() -> None:
    piece, detail = _played(route_step([HR, IT], WordEncoder()), LEAVE)

    shown = piece["route"]
    assert (shown["name"], shown["by"], shown["filter"], shown["adapter"]) == (
        "hr",
        "examples",
        {"team": "hr"},
        "hr",
    )
    assert piece["_route"] is HR
    assert detail["name"] == "hr"
    assert list(detail["scores"]) == ["hr", "it"]
    assert detail["reason"] == shown["reason"] == "like “How many days of leave do I get?” (cosine 0.75)"


def test_no_route_is_none_and_the_trace_says_why() -> None:
    piece, detail = _played(route_step([HR, IT], WordEncoder()), "Zebras eat grass")

    assert (piece["route"], piece["_route"]) == (None, None)
    assert "needed" in detail["reason"]


async def test_async_callers_get_the_same() -> None:
    alone = router([HR, IT], WordEncoder())

    assert await alone.ainvoke(LEAVE) == alone.invoke(LEAVE)


def test_small_talk_comes_before_the_routes_of_a_list() -> None:
    piece, _ = _played(route_step([HR, IT], WordEncoder()), "Good morning")

    assert piece["route"]["name"] == "small talk"
    assert piece["_route"].direct == "Hello. Ask me a question about the documents."


def test_a_route_that_answers_by_itself_skips_the_search_and_others_do_not() -> None:
    step = route_step([HR, IT], WordEncoder())

    assert "retrieve" in _played(step, "Good morning")[0]["_skip"]
    assert not _played(step, LEAVE)[0]["_skip"]


def test_a_route_of_the_callers_called_small_talk_takes_its_place() -> None:
    own = Route("small talk", examples=["Good morning"], direct="Moin.")

    piece, _ = _played(route_step([own, HR], WordEncoder()), "Good morning")

    assert piece["_route"] is own


def test_routers_are_asked_in_turn() -> None:
    step = route_step([RuleRouter({"it": "leave"}, [IT]), RuleRouter({"hr": "leave"}, [HR])])

    assert _played(step, LEAVE)[0]["_route"] is IT


def test_routers_beside_routes_are_asked_before_their_examples_and_mean_them() -> None:
    handoff = Route("complaint", handoff=True)  # no examples: found by its rule alone
    step = route_step([RuleRouter({"complaint": "complain", "it": "leave"}), HR, IT, handoff], WordEncoder())

    routes = [
        _played(step, text)[0]["_route"]
        for text in ("I complain", LEAVE, "days of pay?", "My laptop is slow")
    ]

    assert routes == [handoff, IT, HR, IT]
    assert _played(step, "Hello")[0]["route"]["name"] == "small talk"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([RuleRouter({"itt": "laptop"}), HR, IT], "decides for 'itt', which is none of.*Did you mean 'it'"),
        ([RuleRouter({"it": "laptop"}), IT, Route("complaint")], "'complaint' has neither examples"),
        ([HR, "it"], "of these kinds: Route, str"),
    ],
)
def test_a_list_in_which_something_leads_nowhere_is_an_error(given: Any, message: str) -> None:
    with pytest.raises(ChainError, match=message):
        route_step(given)


# -- what rag_chain(route=...) takes -----------------------------------------------------------------------


def _chosen(choice: Any, question: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return _played(chosen_route_step(choice, WordEncoder, titles=lambda: ["Leave"]), question)


def test_auto_finds_small_talk_alone() -> None:
    assert _chosen("auto", LEAVE)[0]["route"] is None
    assert "“Leave”" in _chosen("auto", "What can you do?")[0]["route"]["direct"]


def test_none_routes_nothing_and_leaves_no_trace() -> None:
    step = chosen_route_step(None, WordEncoder)

    assert _played(step, "Good morning")[0] == {"route": None, "_route": None}
    assert not step.traced


@pytest.mark.parametrize(
    "choice", [[HR, IT], HR, RuleRouter({"hr": "leave"}, [HR]), router([HR, IT], WordEncoder())]
)
def test_routes_a_router_and_the_step_of_router_are_taken(choice: Any) -> None:
    assert _chosen(choice, LEAVE)[0]["_route"] is HR


@pytest.mark.parametrize("given", [{"adapter": "legal"}, "legal", None, {"collection": "hr"}])
def test_what_a_runnable_of_the_callers_gives_is_the_route(given: Any) -> None:
    piece, _ = _chosen(RunnableLambda(lambda state: given), LEAVE)

    assert piece == {"route": given, "_route": None}


def test_a_route_or_decision_that_a_function_gives_is_followed() -> None:
    decision = Decision("hr", "mine", 0.5, "me", degraded="Half of it failed.", route=HR)

    by_route = _chosen(lambda state: HR if "leave" in state["standalone"] else None, LEAVE)[0]
    by_decision, detail = _chosen(lambda state: decision, LEAVE)

    assert by_route["_route"] is by_decision["_route"] is HR
    assert by_decision["route"]["score"] == 0.5
    assert detail["degraded"] == "Half of it failed."


async def test_a_runnable_of_the_callers_is_awaited() -> None:
    async def choose(state: Any) -> Route:
        return IT

    chooser: Runnable[Any, Any] = RunnableLambda(choose)
    step = chosen_route_step(chooser, WordEncoder)
    state = RagState(question="x", standalone="x", history=[], filter={})

    pieces = [piece async for piece in step.pieces(state, RunnableConfig(), {})]

    assert pieces[0]["_route"] is IT


@pytest.mark.parametrize("choice", ["automatic", 3])
def test_what_cannot_be_a_step_is_a_type_error(choice: Any) -> None:
    with pytest.raises(TypeError, match="is no step: give 'auto', None, Routes, or a Runnable"):
        chosen_route_step(choice, WordEncoder)


def test_a_call_can_leave_it_out() -> None:
    step = chosen_route_step([HR, IT], WordEncoder)

    assert step.instead is not None
    assert step.instead(RagState(question=LEAVE)) == {"route": None, "_route": None}
