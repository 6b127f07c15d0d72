"""One question on the command line, with a chain of plain values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from langchain_core.documents import Document
from langchain_core.runnables import RunnableConfig, RunnableGenerator, RunnableLambda

from ragweave.ui.answering import made_by, read_history, write_answer
from ragweave.ui.errors import UsageError
from ragweave.ui.output import Output

DOCUMENT = Document(
    id="d", page_content="You get 25 days.", metadata={"source": "leave.md", "title": "Leave", "page": 3}
)
CITATION = {"n": 1, "document_id": "d", "source": "leave.md", "title": "Leave", "quote": "You get 25 days."}
STEP = {"step": "search", "ms": 1.5, "detail": {"hits": 2}}


def parts(turns: Iterator[Any]) -> Iterator[dict[str, Any]]:
    for _ in turns:
        yield {"trace": [STEP]}
        yield {"documents": [DOCUMENT]}
        yield {"answer": "25 "}
        yield {"answer": "days [1]."}
        yield {"citations": [CITATION], "trace": [{"step": "cite", "ms": 0.1, "detail": None}]}


def test_the_answer_comes_first_then_its_sources(capsys: pytest.CaptureFixture[str]) -> None:
    write_answer(Output(), RunnableGenerator(parts), {"question": "How many?"})

    assert capsys.readouterr().out == "25 days [1].\n\n[1] Leave (leave.md), page 3\n    “You get 25 days.”\n"


def test_the_trace_is_shown_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    write_answer(Output(), RunnableGenerator(parts), {"question": "How many?"}, trace=True)

    lines = [line.split() for line in capsys.readouterr().out.splitlines()[-4:]]
    assert lines == [
        ["Trace,", "1.6", "ms"],
        ["├──", "search", "1.5", "ms", "Done."],
        ["│", "└──", "hits:", "2"],
        ["└──", "cite", "0.1", "ms", "Done."],
    ]


def test_a_sentence_that_the_sources_do_not_support_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    def doubted(turns: Iterator[Any]) -> Iterator[dict[str, Any]]:
        yield from parts(turns)
        claim = {
            "claim": "25 days.",
            "start": 0,
            "end": 8,
            "supported": False,
            "problems": ["25 is not there"],
        }
        yield {"grounding": {"claims": [claim], "supported": 0, "unsupported": 1}}

    write_answer(Output(), RunnableGenerator(doubted), {"question": "How many?"})

    assert capsys.readouterr().out.startswith(
        "25 days [1].\n\n1 sentence is not supported by the sources.\n"
        "    “25 days.” 25 is not there.\n\n[1] Leave"
    )


def test_json_is_the_whole_state(capsys: pytest.CaptureFixture[str]) -> None:
    state = {"question": "q", "documents": [DOCUMENT], "answer": "a", "trace": [STEP], "abstained": False}

    write_answer(Output(json=True), RunnableLambda(lambda turn: state), {"question": "q"})

    written = json.loads(capsys.readouterr().out)
    assert written["documents"][0]["text"] == "You get 25 days."
    assert (written["trace"], written["abstained"]) == ([STEP], False)


def test_the_answer_is_signed_by_what_wrote_it(capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[Any] = []

    def written(turns: Iterator[Any], config: RunnableConfig) -> Iterator[dict[str, Any]]:
        asked.append(config["configurable"])
        yield from parts(turns)
        yield {"adapter": "support", "adapter_version": "2"}

    chain = RunnableGenerator(cast(Any, written))  # its types do not know that it hands over the config

    write_answer(Output(), chain, {"question": "How many?"}, adapter="support", signed=True)

    assert asked == [{"adapter": "support"}]
    assert capsys.readouterr().out.startswith("25 days [1].\n\nAnswered by support, version 2.\n\n[1] Leave")


@pytest.mark.parametrize(
    ("by", "adapter", "said"),
    [
        ("model", "", "Answered by the base model."),
        ("model", "legal", "Answered by legal, version 1."),
        ("reader", "legal", "Answered in quotes: legal, version 1 gave no answer."),
        ("reader", "", "Answered in quotes: the base model gave no answer."),
        ("abstention", "", ""),
    ],
)
def test_who_made_an_answer(by: str, adapter: str, said: str) -> None:
    state = {"adapter": adapter, "adapter_version": "1" if adapter else ""}

    assert made_by(state | {"trace": [STEP, {"step": "answer", "ms": 1.0, "detail": {"by": by}}]}) == said


@pytest.mark.parametrize(
    "turns", [[["user", "q"], ["assistant", "a"]], [{"role": "user", "content": "q"}, ["assistant", "a"]]]
)
def test_history_is_pairs_or_objects(turns: object, tmp_path: Path) -> None:
    file = tmp_path / "turns.json"
    file.write_text(json.dumps(turns))

    assert read_history(file) == [("user", "q"), ("assistant", "a")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "holds a dict"),
        ("[1]", "Turn 1 of the history .* is 1"),
        ('[["user", "q"], {"role": "user"}]', "Turn 2"),
        ("nonsense", "cannot be read"),
    ],
)
def test_another_history_is_wrong_use(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "turns.json"
    file.write_text(text)

    with pytest.raises(UsageError, match=f"{message}.*Expected: A JSON list"):
        read_history(file)
