from __future__ import annotations

import threading
import time

from ragweave.chains.errors import StoreUnavailable
from ragweave.ui.callbacks import Update, ask

from .page_fakes import FakeAdapters, FakeChain


def test_the_first_update_comes_before_the_chain_has_done_anything() -> None:
    chain = FakeChain()

    first = next(iter(ask(chain, "leave?")))

    assert chain.asked == []
    assert (first.question, first.status, first.answer) == ("leave?", "working", "")


def test_sources_come_before_the_first_word() -> None:
    chain = FakeChain()
    seen, steps = threading.Event(), iter([True])  # the first step comes before the passages
    chain.step = lambda: None if next(steps, False) else seen.wait(60)

    words_with_sources = []
    for update in ask(chain, "leave?"):
        if update.sources and not seen.is_set():
            words_with_sources.append(update.answer)
            seen.set()

    assert words_with_sources == [""]


def test_the_last_update_is_the_whole_answer_with_cited_cards() -> None:
    last = _last("leave?")

    assert last.status == "answered"
    assert last.answer.strip().endswith("within 14 days. [2]")
    assert last.sources is not None
    assert [(card["number"], card["cited"]) for card in last.sources] == [(1, True), (2, True)]


def test_an_abstention_is_told_apart_from_an_answer() -> None:
    last = _last("what is on the moon?")

    assert last.status == "abstained"
    assert last.sources is None or not any(card["cited"] for card in last.sources)


def test_updates_are_coalesced_to_ten_a_second() -> None:
    chain = FakeChain()
    chain.step = lambda: time.sleep(0.002)

    started = time.monotonic()
    updates = list(ask(chain, "a long one"))
    seconds = time.monotonic() - started

    assert len(updates) <= 10 * seconds + 5  # the first, the last, the sources and one of rounding
    assert updates[-1].answer.count("and so on") == 400


def test_words_held_back_are_shown_when_the_chain_pauses() -> None:
    chain = FakeChain()
    seen, steps, waited = threading.Event(), iter([True] * 5), []
    chain.step = lambda: None if next(steps, False) else waited.append(seen.wait(60))

    for update in ask(chain, "leave?"):
        if update.answer.startswith("Annual leave"):
            seen.set()

    assert waited[0]  # the chain stood still until the words were shown


def test_an_unforeseen_failure_is_one_sentence_without_its_details() -> None:
    last = _last("please fail")

    assert last.status == "failed"
    assert last.error == "The question could not be answered: something unexpected failed."
    assert len(last.id) == 8


def test_a_foreseen_failure_says_what_to_do() -> None:
    chain = FakeChain()

    def refuse() -> None:
        raise StoreUnavailable("No Weaviate answers at localhost:8080.", remedy="Start it.")

    chain.step = refuse

    last = list(ask(chain, "leave?"))[-1]

    assert last.error == "No Weaviate answers at localhost:8080. Start it."


def test_closing_the_generator_closes_the_chain() -> None:
    chain = FakeChain()
    updates = ask(chain, "a long one")
    while not next(updates).answer:
        pass

    updates.close()  # type: ignore[attr-defined]  # a generator, as Gradio closes it

    assert chain.closed.wait(60)
    assert len(chain.asked) == 1


def test_history_reaches_the_chain_cut_to_the_last_turns() -> None:
    chain = FakeChain()
    history = [{"role": "user", "content": f"question {number}"} for number in range(30)]

    list(ask(chain, "and then?", history))

    given = chain.asked[0]["history"]
    assert len(given) == 12
    assert given[-1] == {"role": "user", "content": "question 29"}


def test_an_answer_says_who_made_it() -> None:
    last = list(ask(FakeAdapters(), "leave?", adapter="support"))[-1]

    assert (last.by, last.asked, last.adapter, last.adapter_version) == ("model", "support", "support", "2")


def test_a_choice_that_was_never_offered_is_left_to_the_chain() -> None:
    chain = FakeAdapters()

    list(ask(chain, "leave?"))
    list(ask(chain, "leave?", adapter=""))

    assert chain.chosen == [None, ""]


def test_the_trace_comes_in_words_and_only_when_it_grew() -> None:
    updates = list(ask(FakeChain(), "leave?"))

    told = [update.trace for update in updates if update.trace]
    assert [step["step"] for step in told[-1]["steps"]] == ["retrieve", "rerank"]
    assert told[-1]["steps"][1]["cautions"] == ["The reranker was too slow; the order stands."]
    assert len(told) <= 2
    assert updates[0].trace is None


def test_while_it_waits_the_page_says_what_comes_next() -> None:
    chain = FakeChain()
    chain.step = lambda: time.sleep(0.15)

    steps = [update.step for update in ask(chain, "leave?")]

    assert list(dict.fromkeys(steps)) == [
        "Reading the question", "Choosing passages", "Reading 2 passages", "",
    ]  # fmt: skip


def test_a_failed_question_shows_how_far_it_came() -> None:
    updates = list(ask(FakeChain(), "please fail"))

    assert [update.trace["steps"][0]["step"] for update in updates if update.trace][-1] == "retrieve"


def test_what_the_sources_do_not_support_is_told_with_its_place() -> None:
    last = _last("a doubt?")

    [doubt] = last.doubts
    assert (
        last.answer[doubt["start"] : doubt["end"]]
        == doubt["text"]
        == "Travel costs are refunded within 14 days."
    )
    assert doubt["why"].startswith("14 stands in no passage")


def test_steps_are_left_out_only_where_somebody_switched() -> None:
    chain = FakeChain()

    list(ask(chain, "leave?"))
    list(ask(chain, "leave?", without=["rerank"]))
    list(ask(chain, "leave?", without=[]))

    assert chain.without == [None, ["rerank"], []]


def test_an_adapter_that_is_gone_fails_with_the_names_that_are_known() -> None:
    last = list(ask(FakeAdapters(), "leave?", adapter="suport"))[-1]

    assert last.status == "failed"
    assert last.error.startswith("There is no adapter 'suport'. Did you mean 'support'?")


def _last(question: str) -> Update:
    return list(ask(FakeChain(), question))[-1]
