from __future__ import annotations

import io
import zipfile

import pytest

from ragweave.chains.errors import IngestError
from ragweave.chains.readers import read

CONTAINER = """<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf" version="3.0">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The Handbook</dc:title></metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="b" href="text/b.xhtml" media-type="application/xhtml+xml"/>
<item id="a" href="text/a%20one.xhtml" media-type="application/xhtml+xml"/>
<item id="cover" href="cover.xhtml" media-type="application/xhtml+xml"/>
<item id="css" href="style.css" media-type="text/css"/>
</manifest>
<spine><itemref idref="cover"/><itemref idref="nav"/><itemref idref="a"/><itemref idref="b"/></spine>
</package>"""
PAGE = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title></head><body>{}</body></html>'
TABLE = "<table><tr><th>Grade</th><th>Days</th></tr><tr><td>A</td><td>30</td></tr></table>"


def book(**more: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr("OEBPS/book.opf", PACKAGE)
        archive.writestr("OEBPS/cover.xhtml", PAGE.format('<img src="cover.jpg"/>'))
        archive.writestr("OEBPS/nav.xhtml", PAGE.format("<nav>Contents</nav>"))
        archive.writestr("OEBPS/text/a one.xhtml", PAGE.format("<h1>Leave</h1><p>Thirty days.</p>"))
        archive.writestr("OEBPS/text/b.xhtml", PAGE.format(f"<h1>Grades</h1><p>By grade:</p>{TABLE}"))
        for name, content in more.items():
            archive.writestr(name.replace("__", "/") + ".xml", content)
    return buffer.getvalue()


def test_chapters_come_in_the_order_of_the_spine() -> None:
    extraction = read(book(), "handbook.epub")

    assert [one.title for one in extraction.headings] == ["Leave", "Grades"]
    assert all(extraction.text[one.start : one.end] == one.title for one in extraction.headings)
    assert extraction.title == "The Handbook"
    assert "Contents" not in extraction.text


def test_tables_in_chapters_keep_their_place() -> None:
    extraction = read(book(), "handbook.epub")

    table = next(block for block in extraction.blocks if block.kind == "table")
    assert "| A | 30 |" in extraction.text[table.start : table.end]


def test_copy_protection_is_named_as_the_reason() -> None:
    encryption = '<encryption><e:EncryptionMethod xmlns:e="x" Algorithm="aes128-cbc"/></encryption>'
    data = book(**{"META-INF__encryption": encryption})

    with pytest.raises(IngestError, match=r"handbook\.epub is protected by a password"):
        read(data, "handbook.epub")


def test_a_missing_chapter_is_an_error_and_not_left_out() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book())) as source, zipfile.ZipFile(buffer, "w") as target:
        for member in source.namelist():
            if not member.endswith("b.xhtml"):
                target.writestr(member, source.read(member))

    with pytest.raises(IngestError, match=r"handbook\.epub cannot be read as epub.*b\.xhtml"):
        read(buffer.getvalue(), "handbook.epub")
