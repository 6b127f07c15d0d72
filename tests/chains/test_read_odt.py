from __future__ import annotations

import io
import zipfile

import pytest

from ragweave.chains.errors import IngestError
from ragweave.chains.readers import read

SPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in [("office", "office"), ("text", "text"), ("table", "table"), ("draw", "drawing")]
)
CELL = "<table:table-cell><text:p>{}</text:p></table:table-cell>"


def odt(body: str, manifest: str = "<manifest/>") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("META-INF/manifest.xml", manifest)
        document = f"<office:body><office:text>{body}</office:text></office:body>"
        archive.writestr(
            "content.xml", f"<office:document-content {SPACES}>{document}</office:document-content>"
        )
        title = '<dc:title xmlns:dc="http://purl.org/dc/elements/1.1/">Handbook</dc:title>'
        archive.writestr("meta.xml", f"<meta>{title}</meta>")
    return buffer.getvalue()


def test_headings_lists_and_tables_come_in_order() -> None:
    rows = "".join(
        f"<table:table-row>{CELL.format(a)}{CELL.format(b)}</table:table-row>"
        for a, b in [("G", "D"), ("A", "3")]
    )
    item = "<text:list-item><text:p>{}</text:p></text:list-item>"
    body = (
        '<text:h text:outline-level="2">Leave</text:h><text:p>Thirty<text:s text:c="2"/>days.</text:p>'
        f"<text:list>{item.format('paid')}{item.format('unpaid')}</text:list><table:table>{rows}</table:table>"
    )

    extraction = read(odt(body), "leave.odt")

    assert extraction.text == "Leave\n\nThirty  days.\n\n- paid\n- unpaid\n\n| G | D |\n| A | 3 |"
    heading = extraction.headings[0]
    assert (extraction.text[heading.start : heading.end], heading.level) == ("Leave", 2)
    assert [block.kind for block in extraction.blocks] == ["list", "table"]
    assert extraction.title == "Handbook"


def test_notes_and_boxes_follow_their_paragraph() -> None:
    note_body = "<text:note-body><text:p>By law.</text:p></text:note-body>"
    note = f"<text:note><text:note-citation>1</text:note-citation>{note_body}</text:note>"
    box = "<draw:frame><draw:text-box><text:p>Boxed.</text:p></draw:text-box></draw:frame>"

    extraction = read(odt(f"<text:p>Thirty{note} days.{box}</text:p>"), "leave.odt")

    assert extraction.text == "Thirty days.\n\nFootnote: By law.\n\nBoxed."


def test_a_password_is_named_as_the_reason() -> None:
    with pytest.raises(IngestError, match=r"leave\.odt is protected by a password"):
        read(odt("x", manifest="<manifest><encryption-data/></manifest>"), "leave.odt")
