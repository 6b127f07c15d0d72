from __future__ import annotations

import time

import pytest

from ragweave.chains.read_csv import read_csv

from .extraction_marks import assert_marks_hold, blocks_of


def csv_text(source: str, *, encoding: str = "utf-8") -> str:
    extraction = read_csv(source.encode(encoding), "a.csv")
    assert_marks_hold(extraction)
    return extraction.text


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_each_row_names_its_columns_whatever_the_delimiter(delimiter: str) -> None:
    source = "Grade,Days,Note\nA,30,\nB,25,from May\n".replace(",", delimiter)

    assert csv_text(source) == "- Grade: A; Days: 30\n- Grade: B; Days: 25; Note: from May"


def test_quoted_cells_keep_delimiters_and_lose_line_breaks() -> None:
    assert csv_text('Name,City\n"Smith, Ann","Rio\nde Janeiro"\n"say ""hi""",x\n') == (
        '- Name: Smith, Ann; City: Rio de Janeiro\n- Name: say "hi"; City: x'
    )


def test_rows_are_one_list_that_is_cut_between_rows() -> None:
    extraction = read_csv(b"a,b\n1,2\n3,4\n", "a.csv")

    assert blocks_of(extraction, "list") == ["- a: 1; b: 2\n- a: 3; b: 4"]


def test_commas_within_text_do_not_win_over_the_real_delimiter() -> None:
    source = "Question;Answer\nWhat, when, where?;Here, now\nWhy?;Because, well\n"

    assert csv_text(source).startswith("- Question: What, when, where?; Answer: Here, now\n")


def test_a_file_without_a_header_gives_plain_values() -> None:
    assert csv_text("1,2.5,a@b.c\n2,3.5,d@e.f\n") == "- 1; 2.5; a@b.c\n- 2; 3.5; d@e.f"


def test_a_note_above_the_header_stays() -> None:
    assert csv_text("Prices of 2026\nGrade,Days,Pay\nA,30,9\n") == (
        "- Prices of 2026\n- Grade: A; Days: 30; Pay: 9"
    )


def test_a_row_that_is_longer_than_the_header_loses_nothing() -> None:
    assert csv_text("a,b\n1,2,3\n4,5\n6,7\n") == "- a: 1; b: 2; 3\n- a: 4; b: 5\n- a: 6; b: 7"


def test_columns_without_a_name_give_plain_values() -> None:
    assert csv_text(",Name,\n1,Ann,x\n2,Bob,\n") == "- 1; Name: Ann; x\n- 2; Name: Bob"


def test_one_column_is_read_too() -> None:
    assert csv_text("Name\nAnn\nBob\n") == "- Name: Ann\n- Name: Bob"


def test_a_header_alone_is_text() -> None:
    assert csv_text("Name,City\n") == "- Name; City"


def test_japanese_code_pages_are_read() -> None:
    source = "名前,年齢,住所\n佐藤太郎,30,東京\n三木英子,25,大阪\n髙橋淳,35,名古屋\n"

    assert "- 名前: 髙橋淳; 年齢: 35; 住所: 名古屋" in csv_text(source, encoding="cp932")


def test_a_quote_that_does_not_close_is_no_reason_to_refuse() -> None:
    assert '5" pipe' in csv_text('Item,Size\npipe,5" pipe\nrod,3\n')


@pytest.mark.parametrize("source", ["", "\n\n", ",,\n,,\n"])
def test_a_file_without_values_gives_no_text(source: str) -> None:
    assert csv_text(source) == ""


def test_a_very_long_cell_is_read() -> None:
    assert len(csv_text(f"a,b\n1,{'x' * 200_000}\n")) > 200_000


def test_a_hundred_thousand_rows_take_little_time() -> None:
    source = "name,city,age\n" + "Ann Example,Zürich,30\n" * 100_000
    started = time.perf_counter()

    assert csv_text(source).count("\n") == 99_999
    assert time.perf_counter() - started < 6
