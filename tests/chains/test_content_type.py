from __future__ import annotations

import io
import json
import zipfile

import pytest

from ragweave.chains.content_type import kind_of, suffix_kind

MAIL = b"From: a@b.c\nTo: d@e.f\nDate: Mon, 02 Mar 2026 09:30:00 +0000\nSubject: Leave\n\nThirty days.\n"
NOTEBOOK = json.dumps({"cells": [], "nbformat": 4}).encode()


def zipped(*members: str, mimetype: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        if mimetype:
            archive.writestr("mimetype", mimetype)
        for member in members:
            archive.writestr(member, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"%PDF-1.7\n", "leave.txt", "pdf"),
        (b"\n\n%PDF-1.7\n", "leave.pdf", "pdf"),
        (b"{\\rtf1 Leave}", "leave.doc", "rtf"),
        (b"\x89PNG\r\n\x1a\n\0\0", "leave.pdf", "image"),
        (b"RIFF\0\0\0\0WAVEfmt ", "leave.wav", "audio"),
        (b"ID3\x03\0", "talk.mp3", "audio"),
        (zipped("word/document.xml"), "leave.zip", "docx"),
        (zipped("ppt/presentation.xml"), "leave", "pptx"),
        (zipped("xl/workbook.xml"), "leave.xls", "xlsx"),
        (zipped("a.xml", mimetype="application/epub+zip"), "leave.zip", "epub"),
        (zipped("content.xml", mimetype="application/vnd.oasis.opendocument.text"), "leave.odt", "odt"),
        (zipped("leave.txt"), "leave.zip", "archive"),
        (b"<!DOCTYPE html>\n<html></html>", "leave.txt", "html"),
        (b"<!-- saved --><html><body>", "leave.doc", "html"),
        (b'<?xml version="1.0"?><html xmlns="x">', "leave.xml", "html"),
        (b'<?xml version="1.0"?><rss version="2.0">', "leave.xml", "rss"),
        (b'<?xml version="1.0"?><order/>', "order.xml", "xml"),
        (b'{"days": 30}', "leave.txt", "json"),
        (b'{"days": 30}\n{"days": 27}\n', "leave.txt", "json"),
        (NOTEBOOK, "leave.json", "ipynb"),
        (MAIL, "leave.txt", "eml"),
        (b"From a@b.c Mon Mar 2 09:30:00 2026\n" + MAIL, "leave", "eml"),
        ((b"From a@b.c Mon Mar 2 09:30:00 2026\n" + MAIL + b"\n") * 2, "leave.mbox", "mbox"),
        (MAIL.replace(b"\n", b"\r\n"), "leave.eml", "eml"),
        ("Urlaub für alle".encode("utf-16"), "leave.txt", "txt"),
        ("Urlaub für alle".encode("utf-16-le"), "leave.txt", "txt"),
        ("Urlaub für alle".encode("utf-32"), "leave.txt", "txt"),
        ("<html><body>Urlaub".encode("utf-16-be"), "leave.txt", "html"),
        ("Urlaub für alle".encode("latin-1"), "leave.txt", "txt"),
    ],
)
def test_content_decides(data: bytes, name: str, kind: str) -> None:
    assert kind_of(data, name) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("leave.md", "md"),
        ("leave.RST", "rst"),
        ("leave.csv", "csv"),
        ("leave.tsv", "csv"),
        ("leave.txt", "txt"),
        ("README", "txt"),
        ("leave.html", "html"),
        ("leave.py", "unknown"),
        ("leave.docx", "mislabelled"),
    ],
)
def test_the_name_decides_between_kinds_of_plain_text(name: str, kind: str) -> None:
    assert kind_of(b"Thirty days: a lot.", name) == kind


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        ("EncryptedPackage", "encrypted"),
        ("WordDocument", "doc"),
        ("Workbook", "xls"),
        ("PowerPoint Document", "ppt"),
        ("__substg1.0_0037001F", "msg"),
        ("Nothing known", "ole"),
    ],
)
def test_old_office_files_are_told_apart_by_their_streams(stream: str, kind: str) -> None:
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + stream.encode("utf-16-le")

    assert kind_of(data, "leave.doc") == kind


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"[Leave] is granted.\nSee below.", "leave.md", "md"),
        (b"{{ title }}\n", "leave.md", "md"),
        (b"Note: see below.\nSubject: leave\n\nText", "leave.txt", "txt"),
        (b"---\nauthor: Ada\ndate: 2026-03-02\n---\n\nText", "leave.md", "md"),
        (b"<h1 align=center>Leave</h1>\n\nText", "leave.md", "md"),
        (b"ID,Days\nA,30\n", "leave.csv", "csv"),
    ],
)
def test_text_that_only_starts_like_another_kind_keeps_its_name(data: bytes, name: str, kind: str) -> None:
    assert kind_of(data, name) == kind


def test_controls_make_binary_of_any_name() -> None:
    assert kind_of(bytes(range(256)) * 4, "leave.txt") == "binary"


def test_a_cut_zip_is_what_its_name_says() -> None:
    assert kind_of(zipped("word/document.xml")[:-10], "leave.docx") == "docx"


def test_suffixes_are_read_in_any_case() -> None:
    assert (suffix_kind("a/Leave.PDF"), suffix_kind("photo.png"), suffix_kind("README")) == ("pdf", "", "")
