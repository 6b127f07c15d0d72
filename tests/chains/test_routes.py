"""Routes: what can be said of one, what is refused, and what the state shows of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import Runnable, RunnableLambda

from ragweave.chains import ChainError, FilterError, KnowledgeBase
from ragweave.chains.routes import Decision, Route, unique_routes

CHAIN: Runnable[Any, str] = RunnableLambda(lambda state: "answer")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": ""}, "A route is called ''"),
        ({"name": " hr"}, "A route is called ' hr'"),
        ({"name": "NONE"}, "says that none fits"),
        ({"name": "hr", "examples": "one text"}, "'hr': examples is the text 'one text'. Give a list"),
        ({"name": "hr", "examples": ["a", " "]}, "'hr': one of the examples is empty"),
        ({"name": "hr", "k": 0}, "'hr': k is 0"),
        ({"name": "hr", "retriever": "kb/"}, "'hr': retriever is a str. Give a KnowledgeBase"),
        ({"name": "hr", "chain": len}, "'hr': chain is a builtin_function_or_method"),
        ({"name": "hr", "direct": True, "handoff": True}, "'hr': sets direct and handoff. Each .*keep one"),
        ({"name": "hr", "direct": "Hi.", "adapter": "x"}, "'hr': sets direct, and adapter as well"),
        ({"name": "hr", "direct": True, "k": 3, "filter": {"a": 1}}, "sets direct, and filter, k as well"),
        ({"name": "hr", "chain": CHAIN, "long_context": True}, "sets chain, and long_context as well"),
    ],
)
def test_a_route_that_makes_no_sense_is_an_error_that_says_why(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ChainError, match=message):
        Route(**given)


def test_a_filter_is_checked_before_any_question() -> None:
    with pytest.raises(FilterError, match="Unknown operator 'is'"):
        Route("hr", filter={"team": {"is": "hr"}})


def test_a_direct_route_may_name_the_adapter_that_answers() -> None:
    assert Route("chat", direct=True, adapter="friendly").sets() == {"direct": True, "adapter": "friendly"}


def test_what_a_route_sets_can_be_written_as_json(tmp_path: Path) -> None:
    with KnowledgeBase.open(tmp_path / "kb") as kb:
        route = Route("hr", retriever=kb, filter={"team": ["a", "b"]}, adapter="hr", k=4)

    shown = Decision("hr", "it says 'leave'", by="rule", route=route).public()

    assert json.loads(json.dumps(shown)) == {
        "name": "hr",
        "reason": "it says 'leave'",
        "score": None,
        "by": "rule",
        "retriever": "KnowledgeBaseRetriever",
        "filter": {"team": ["a", "b"]},
        "adapter": "hr",
        "k": 4,
    }


def test_no_route_is_shown_as_none() -> None:
    assert Decision(None, "none fits").public() is None


def test_two_routes_of_one_name_are_an_error() -> None:
    with pytest.raises(ChainError, match="Two routes are called 'hr'"):
        unique_routes([Route("hr", "one"), Route("hr", "two")])


def test_one_route_may_be_known_to_several_routers() -> None:
    route = Route("hr", "one")

    assert unique_routes([route, route]) == {"hr": route}
