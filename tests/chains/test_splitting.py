from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from ragweave.chains.extraction import Block, Extraction, Heading
from ragweave.chains.read_markdown import read_markdown
from ragweave.chains.readers import read, supported
from ragweave.chains.splitting import Piece, indexed_text, split

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
TOKEN = re.compile(r"\w+|[^\w\s]")


def words(text: str) -> list[tuple[int, int]]:
    return [found.span() for found in TOKEN.finditer(text)]


def split_markdown(text: str, *, window: int) -> tuple[Extraction, list[Piece]]:
    extraction = read_markdown(text.encode(), "a.md")
    return extraction, split(extraction, token_spans=words, window=window, title=extraction.title)


def texts(extraction: Extraction, pieces: list[Piece]) -> list[str]:
    return [extraction.text[piece.start : piece.end] for piece in pieces]


def plain(text: str, *, window: int) -> list[str]:
    extraction = Extraction(text)
    return texts(extraction, split(extraction, token_spans=words, window=window, title=""))


def assert_partition(extraction: Extraction, pieces: list[Piece]) -> None:
    """Every character of the body stands in exactly one passage, none begins or ends with a blank."""
    text = extraction.text
    assert all(before.end <= after.start for before, after in pairwise(pieces))
    assert all(
        text[piece.start : piece.end].strip() == text[piece.start : piece.end] != "" for piece in pieces
    )
    left = bytearray(b"\1" * len(text))
    for piece in pieces:
        left[piece.start : piece.end] = bytes(piece.end - piece.start)
    for heading in extraction.headings:
        left[heading.start : heading.end] = bytes(heading.end - heading.start)
    assert "".join(char for char, is_left in zip(text, left, strict=True) if is_left).strip() == ""


def test_a_short_document_is_one_passage() -> None:
    extraction, pieces = split_markdown("# Leave\n\nYou get 30 days.\n\nAsk early.\n", window=50)

    assert texts(extraction, pieces) == ["You get 30 days.\n\nAsk early."]
    assert pieces[0].heading == "Leave"
    assert pieces[0].page is None


def test_sections_are_passages_of_their_own_with_the_path_of_their_headings() -> None:
    filler = "word " * 12
    source = (
        f"# Leave\n\n{filler}\n\n## Parents\n\n{filler}\n\n### Fathers\n\n{filler}\n\n## Sick\n\n{filler}\n"
    )

    _, pieces = split_markdown(source, window=60)

    assert [piece.heading for piece in pieces] == [
        "Leave",
        "Leave > Parents",
        "Leave > Parents > Fathers",
        "Leave > Sick",
    ]


def test_a_heading_without_text_is_no_passage_but_stands_in_the_path() -> None:
    extraction, pieces = split_markdown("# A\n\n## B\n\n### C\n\nText.\n\n## D\n", window=50)

    assert texts(extraction, pieces) == ["Text."]
    assert [piece.heading for piece in pieces] == ["A > B > C"]


def test_a_document_of_headings_alone_is_a_passage() -> None:
    extraction, pieces = split_markdown("# A\n\n## B\n", window=50)

    assert texts(extraction, pieces) == ["A\n\nB"]
    assert [piece.heading for piece in pieces] == [""]


def test_a_tiny_introduction_takes_the_section_below_it_along() -> None:
    extraction, pieces = split_markdown("# How to\n\nLet us see.\n\n## Upgrade\n\nRun it.\n", window=60)

    assert texts(extraction, pieces) == ["Let us see.\n\nUpgrade\n\nRun it."]
    assert pieces[0].heading == "How to"


def test_sections_side_by_side_are_never_joined() -> None:
    _, pieces = split_markdown("# Q\n\n## When?\n\nNow.\n\n## Where?\n\nHere.\n", window=60)

    assert [piece.heading for piece in pieces] == ["Q > When?", "Q > Where?"]


def test_a_long_section_is_cut_between_paragraphs() -> None:
    paragraphs = [f"Paragraph {number} has exactly these eight words." for number in range(9)]

    pieces = plain("\n\n".join(paragraphs), window=30)

    assert all(piece.startswith("Paragraph") and piece.endswith("words.") for piece in pieces)
    assert all(len(words(piece)) <= 30 for piece in pieces)


def test_the_last_passages_are_of_like_size() -> None:
    pieces = plain("\n\n".join(["Six words are in this one."] * 8), window=50)

    assert [piece.count("\n\n") + 1 for piece in pieces] == [4, 4]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    pieces = plain(" ".join(f"Sentence number {number} ends here." for number in range(30)), window=25)

    assert all(piece.startswith("Sentence") and piece.endswith("here.") for piece in pieces)


def test_a_long_sentence_is_cut_at_its_clauses() -> None:
    pieces = plain("so it goes on and on, " * 30, window=20)

    assert all(piece.endswith(",") for piece in pieces)


def test_a_table_that_fits_is_kept_whole() -> None:
    table = "\n".join(f"| row {number} | value |" for number in range(4))
    before = "\n\n".join(["Six words are in this one."] * 3)
    text = f"{before}\n\n{table}"
    start = len(before) + 2
    extraction = Extraction(text, blocks=(Block(start, len(text), "table"),))

    pieces = split(extraction, token_spans=words, window=40, title="")

    assert texts(extraction, pieces) == [before, table]


def test_a_table_that_does_not_fit_is_cut_between_rows() -> None:
    table = "\n".join(f"| row {number} | value. And more |" for number in range(20))
    extraction = Extraction(table, blocks=(Block(0, len(table), "table"),))

    pieces = split(extraction, token_spans=words, window=40, title="")

    assert len(pieces) > 2
    assert all(text.startswith("| row") and text.endswith("more |") for text in texts(extraction, pieces))


def test_blank_lines_within_code_are_no_better_place_to_cut_than_its_end() -> None:
    code = "def f():\n    return 1\n\n\ndef g():\n    return 2"
    source = (
        f"{'Some words before the code. ' * 4}\n\n```\n{code}\n```\n\n{'Some words after the code. ' * 4}"
    )

    extraction, pieces = split_markdown(source, window=35)

    assert any(code in text for text in texts(extraction, pieces))


def test_what_a_colon_introduces_stays_with_it() -> None:
    filler = "Seven words stand in this very sentence. " * 3
    pieces = plain(
        f"{filler}\n\nThe steps are:\n\nFirst, switch it on and then wait for it.\n\n{filler}", window=40
    )

    assert any("The steps are:\n\nFirst" in piece for piece in pieces)


def test_a_heading_that_no_format_marks_stays_with_its_text() -> None:
    body = "Seven words stand in this very sentence. " * 3
    text = "\n\n".join(f"{body.strip()}\nScope {number}" for number in range(6)) + f"\n\n{body}"

    pieces = plain(text, window=40)

    assert len(pieces) > 3
    assert not any(re.search(r"Scope \d$", piece) for piece in pieces)


def test_a_list_is_cut_between_its_items() -> None:
    items = "\n".join(f"- item {number} has some words. Two sentences" for number in range(20))

    pieces = plain(items, window=40)

    assert all(piece.startswith("- item") and piece.endswith("sentences") for piece in pieces)


def test_title_and_headings_count_in_the_window() -> None:
    source = f"# {'Title ' * 10}\n\n## {'Heading ' * 10}\n\n{'Five words make a sentence. ' * 40}"

    extraction, pieces = split_markdown(source, window=40)

    for piece in pieces:
        text = extraction.text[piece.start : piece.end]
        assert len(words(indexed_text(extraction.title, piece.heading, text))) <= 40


def test_a_passage_keeps_room_whatever_its_headings_take() -> None:
    source = f"# {'title ' * 15}\n\n{'word ' * 100}"

    extraction, pieces = split_markdown(source, window=15)

    assert all(len(words(text)) <= 5 for text in texts(extraction, pieces))


def test_a_passage_knows_the_page_it_begins_on() -> None:
    text = "First page.\n\nSecond page."
    extraction = Extraction(text, pages=(0, 13))

    pieces = split(extraction, token_spans=words, window=4, title="")

    assert [piece.page for piece in pieces] == [1, 2]


@pytest.mark.parametrize(
    "text",
    ["这是一个句子测试文本内容" * 400, "x" * 50_000, "word " * 20_000, "http://a.b/c?" * 4_000],
    ids=["Chinese", "one word", "one line", "one address"],
)
def test_text_without_places_to_cut_is_cut_all_the_same(text: str) -> None:
    extraction = Extraction(text)

    pieces = split(extraction, token_spans=words, window=50, title="")

    assert_partition(extraction, pieces)
    assert all(len(words(text)) <= 50 and len(text) <= 600 for text in texts(extraction, pieces))


@pytest.mark.parametrize("text", ["", " \n\n ", "\n"])
def test_a_blank_text_has_no_passages(text: str) -> None:
    assert split(Extraction(text), token_spans=words, window=50, title="") == []


@pytest.mark.parametrize("seed", range(60))
def test_passages_of_random_text_partition_it(seed: int) -> None:
    source = random.Random(seed)
    lines = [source.choice(MAKERS)(source) for _ in range(source.randrange(1, 40))]
    extraction = read_markdown("\n".join(lines).encode(), "a.md")

    pieces = split(extraction, token_spans=words, window=source.randrange(8, 60), title=extraction.title)

    assert_partition(extraction, pieces)


def some_words(source: random.Random) -> str:
    return " ".join(
        source.choice(["a", "bb.", "c,", "dd:", "Ee", "1.5", "文字。"]) for _ in range(source.randrange(40))
    )


MAKERS: list[Callable[[random.Random], str]] = [
    lambda source: "#" * source.randrange(1, 5) + " " + some_words(source)[:30],
    lambda source: "- " + some_words(source),
    lambda source: f"\n```\n{some_words(source)}\n\n{some_words(source)}\n```\n",
    lambda source: (
        f"\n| a | b |\n|---|---|\n| {some_words(source)} | x |\n" + "| c | d |\n" * source.randrange(9)
    ),
    some_words,
    lambda source: "",
]


def test_splitting_is_deterministic() -> None:
    text = "\n\n".join(some_words(random.Random(7)) for _ in range(50))

    assert plain(text, window=30) == plain(text, window=30)


@pytest.mark.parametrize(
    "text",
    ["One sentence, e.g. this. " * 40_000, "Two.\nLines.\n\n" * 70_000, "abc def\n" * 120_000],
    ids=["one paragraph", "paragraphs", "lines"],
)
def test_a_megabyte_is_cut_in_seconds(text: str) -> None:
    started = time.perf_counter()

    assert plain(text, window=254)
    assert time.perf_counter() - started < 8


@pytest.mark.parametrize("name", ["fastapi-docs", "sample-docs"])
def test_passages_of_real_documents_partition_them(name: str) -> None:
    folder = SHARED / name / "files"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: the sample documents are not part of the repository")
    unreadable = ("password", "scan", "ocr-test")
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and supported(path.name)]

    for path in paths:
        if any(word in path.name for word in unreadable):
            continue
        extraction = read(path.read_bytes(), path.name)
        pieces = split(extraction, token_spans=words, window=200, title=extraction.title)
        assert pieces, path
        assert_partition(extraction, pieces)
        for piece in pieces:
            text = extraction.text[piece.start : piece.end]
            assert len(words(indexed_text(extraction.title, piece.heading, text))) <= 200, path


def test_indexed_text_leaves_out_what_is_not_there() -> None:
    assert indexed_text("", "", "Text.") == "Text."
    assert indexed_text("Title", "Title", "Text.") == "Title\n\nText."
    assert indexed_text("", "A > B", "Text.") == "A > B\n\nText."


def test_a_heading_inside_a_joined_passage_stays_in_the_text() -> None:
    text = "A\n\nTiny.\n\nB\n\nMore."
    extraction = Extraction(text, headings=(Heading(0, 1, 1, "A"), Heading(10, 11, 2, "B")))

    pieces = split(extraction, token_spans=words, window=60, title="")

    assert pieces == [Piece(3, len(text), "A", None)]
