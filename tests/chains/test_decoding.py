from __future__ import annotations

import pytest

from ragweave.chains.decoding import decode
from ragweave.chains.errors import IngestError

GERMAN = "Das Café in Zürich öffnet um neun Uhr, die Straße ist für alle frei."
JAPANESE = "名前,年齢,住所\n佐藤太郎,30,東京\n三木英子,25,大阪\n髙橋淳,35,名古屋\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1", "cp1252"])
def test_a_german_text_comes_out_of_each_encoding(encoding: str) -> None:
    assert decode(GERMAN.encode(encoding), "a.txt") == GERMAN


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_known_without_its_mark(encoding: str) -> None:
    assert decode(GERMAN.encode(encoding), "a.txt") == GERMAN


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (JAPANESE, "cp932"),
        ("Привет, мир. Это русский текст для проверки.", "cp1251"),
        ("这是一个中文句子。我们测试编码。", "gb18030"),
        ("Zażółć gęślą jaźń, proszę bardzo, dziękuję.", "cp1250"),
    ],
)
def test_other_code_pages_are_guessed(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding), "a.txt") == text


def test_the_encoding_that_a_document_names_is_taken_before_a_guess() -> None:
    text = "Привет"

    assert decode(text.encode("koi8-r"), "a.html", declared="koi8-r") == text


def test_an_unknown_declared_encoding_is_passed_over() -> None:
    assert decode(b"caf\xe9 au lait", "a.html", declared="x-nonsense") == "café au lait"


def test_one_broken_byte_does_not_turn_utf_8_into_another_encoding() -> None:
    data = GERMAN.encode() * 5 + b"\xff"

    assert decode(data, "a.txt") == GERMAN * 5 + "\ufffd"


def test_line_ends_become_newlines() -> None:
    assert decode(b"a\r\nb\rc\n", "a.txt") == "a\nb\nc\n"


def test_nothing_gives_nothing() -> None:
    assert decode(b"", "a.txt") == ""


def test_bytes_that_are_no_text_are_refused_with_a_remedy() -> None:
    with pytest.raises(IngestError, match="photo.txt is not text") as caught:
        decode(bytes(range(256)) * 4, "photo.txt")

    assert "UTF-8" in caught.value.remedy
