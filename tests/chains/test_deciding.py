"""Routers in turn, fallbacks, and what every router is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig

from ragweave.chains import ChainError
from ragweave.chains.deciding import FirstOf, Router
from ragweave.chains.routes import Decision, Route
from ragweave.chains.rule_router import RuleRouter

HR, IT = Route("hr", adapter="hr"), Route("it", adapter="it")


class Never(Router):
    """Decides nothing; keeps what it was asked."""

    def __init__(self, *routes: Route, fallback: str | None = None) -> None:
        super().__init__(routes, fallback=fallback)
        self.asked: list[str] = []

    def decide(self, question: str, state: Mapping[str, Any], config: RunnableConfig) -> Decision:
        self.asked.append(question)
        return Decision(None, "never", by="test", degraded="Something was amiss.")


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("a question", "a question"),
        (HumanMessage("a message"), "a message"),
        ({"question": "as typed", "standalone": "whole"}, "whole"),
        ({"question": "as typed"}, "as typed"),
    ],
)
async def test_a_router_reads_the_question_that_stands_alone(given: Any, asked: str) -> None:
    router = Never()

    router.invoke(given)
    await router.ainvoke(given)

    assert router.asked == [asked, asked]


def test_the_first_that_decides_is_followed_and_the_others_are_not_asked() -> None:
    never, last = Never(), Never()
    front = FirstOf([never, RuleRouter({"it": "laptop"}), last])

    decision = front.invoke("my laptop")

    assert (decision.name, decision.by, never.asked, last.asked) == ("it", "rule", ["my laptop"], [])


def test_a_name_without_its_route_takes_the_route_of_another_router() -> None:
    front = FirstOf([RuleRouter({"it": "laptop"}), Never(HR, IT)])

    assert front.invoke("my laptop").route is IT


def test_what_did_not_work_on_the_way_is_told() -> None:
    front = FirstOf([Never(), RuleRouter({"it": "laptop"}, [IT])])

    assert front.invoke("my laptop").degraded == "Something was amiss."


async def test_async_callers_get_the_same() -> None:
    front = FirstOf([Never(HR), RuleRouter({"hr": "leave"})])

    assert await front.ainvoke("leave") == front.invoke("leave")
    assert (await front.ainvoke("lunch")).name is None


def test_where_none_fits_the_fallback_is_taken_and_says_why() -> None:
    decision = Never(HR, IT, fallback="it").invoke("anything")

    assert (decision.name, decision.reason, decision.route) == ("it", "the fallback: never", IT)


def test_a_fallback_that_is_no_route_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(ChainError, match="fallback 'hrr' is none of the routes. Did you mean 'hr'"):
        Never(HR, IT, fallback="hrr")


def test_what_is_no_router_is_refused() -> None:
    with pytest.raises(ChainError, match="is no router.*RunnableRouter makes one"):
        FirstOf([HR])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"it": "lap(top"}, "pattern 'lap.top', which is no regular expression"),
        ({"it": "(laptop)?"}, "holds for every question"),
        ("laptop", "rules are a str. Give a dict"),
        ({"ti": "laptop"}, "rule for 'ti' is none of the routes. Did you mean 'it'"),
    ],
)
def test_a_wrong_rule_is_an_error_that_says_what_is_wrong(rules: dict[str, Any], message: str) -> None:
    with pytest.raises(ChainError, match=message):
        RuleRouter(rules, [HR, IT])


def test_rules_are_tried_in_the_order_given() -> None:
    router = RuleRouter({"hr": ["leave", r"\bpay\b"], "it": lambda question: "laptop" in question}, [HR, IT])

    decided = [router.invoke(text).name for text in ("leave my laptop", "PAY day", "repay", "a laptop")]

    assert decided == ["hr", "hr", None, "it"]
