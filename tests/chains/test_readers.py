from __future__ import annotations

import io
import re
import zipfile
from importlib import import_module

import pytest

from ragweave.chains import office_zip, readers
from ragweave.chains.content_type import SUFFIXES
from ragweave.chains.errors import IngestError
from ragweave.chains.readers import READER_VERSION, read, supported


def test_each_kind_has_a_reader_with_the_agreed_name() -> None:
    for place in readers.READERS.values():
        module, function = place.split(":")

        assert callable(getattr(import_module(f"ragweave.chains.{module}"), function))


def test_each_suffix_leads_to_a_reader() -> None:
    assert set(SUFFIXES.values()) == set(readers.READERS)


def test_a_folder_walk_takes_what_a_reader_takes() -> None:
    names = ["leave.pdf", "Leave.DOCX", "data.jsonl", "photo.png", "run.py", "README"]

    assert [supported(name) for name in names] == [True, True, True, False, False, False]


def test_an_extraction_names_what_read_it() -> None:
    assert read(b"Thirty days.", "leave.txt").reader == f"txt/{READER_VERSION}"


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"", "leave.txt", "leave.txt is empty (0 bytes). Check that it was saved in full."),
        (b" \n\t", "leave.md", "leave.md is empty (3 bytes). Check that it was saved in full."),
        (
            b"\x89PNG\r\n\x1a\n\0",
            "scan.pdf",
            "scan.pdf is a picture, which has no reader. Text in pictures needs OCR",
        ),
        (
            b"fLaC\0\0",
            "talk.flac",
            "talk.flac is a sound recording, which has no reader. Ingest its transcript",
        ),
        (
            b"print('leave')",
            "leave.py",
            "leave.py is plain text of no known kind, which has no reader. If it is prose",
        ),
        (b"\x01\x02\x03\x04" * 99, "leave.txt", "leave.txt is named as txt and holds something else"),
        (
            b"\x01\x02\x03\x04" * 99,
            "leave.bin",
            "leave.bin is binary data of no known format, which has no reader. Read",
        ),
        (b"just words", "leave.docx", "leave.docx is named as docx and holds something else"),
        (b"just words", "leave.pdf", "leave.pdf is named as pdf and holds something else"),
    ],
)
def test_what_cannot_be_read_says_why_and_what_to_do(data: bytes, name: str, message: str) -> None:
    with pytest.raises(IngestError, match=re.escape(message)) as caught:
        read(data, name)

    assert caught.value.remedy


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        ("WordDocument", r"old\.bin is a Word file of the old format.*Save it as \.docx"),
        ("Workbook", r"old\.bin is an Excel workbook of the old format.*Save it as \.xlsx"),
        ("EncryptedPackage", r"old\.bin is protected by a password.*without the password"),
    ],
)
def test_old_and_locked_office_files_say_how_to_save_them(stream: str, message: str) -> None:
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + stream.encode("utf-16-le")

    with pytest.raises(IngestError, match=message):
        read(data, "old.bin")


def test_every_refused_kind_has_words_and_a_remedy() -> None:
    assert all(what and remedy.endswith(".") for what, remedy in readers.REFUSED.values())
    assert not set(readers.REFUSED) & set(readers.READERS)


def test_a_zip_bomb_is_not_unpacked() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("word/document.xml", b"\0" * (office_zip.RATIO_FREE_BYTES + 1))

    with pytest.raises(
        IngestError, match=r"bomb\.docx is not unpacked: its [\d,]+ bytes would unpack to 67,108,865"
    ):
        read(buffer.getvalue(), "bomb.docx")


def test_an_archive_of_very_many_files_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office_zip, "MOST_MEMBERS", 2)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member in ("xl/workbook.xml", "a", "b"):
            archive.writestr(member, "x")

    with pytest.raises(IngestError, match="it holds 3 files, more than 2"):
        read(buffer.getvalue(), "many.xlsx")


def test_a_locked_member_is_named_as_a_password() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", "x")
    data = bytearray(buffer.getvalue())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag of the list's entry

    with pytest.raises(IngestError, match="protected by a password"):
        read(bytes(data), "locked.docx")


def test_a_file_without_words_is_refused() -> None:
    with pytest.raises(IngestError, match=r"leave\.html \(html\) holds no text"):
        read(b"<html><body><img src='x.png'></body></html>", "leave.html")
