"""Mail (.eml): subject, people and date, the body (HTML through its reader), names of attachments."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage, MIMEPart
from typing import cast

from .errors import IngestError
from .extraction import Extraction
from .extraction_builder import ExtractionBuilder
from .reader_errors import corrupt_as_ingest_error

__all__ = ["read_email"]

PEOPLE = ("From", "To", "Cc", "Date")
DEEPEST = 5  # forwarded mails within forwarded mails


def read_email(data: bytes, name: str) -> Extraction:
    """Read a mail; raises `IngestError` if it is no mail or damaged."""
    with corrupt_as_ingest_error("eml", name, MessageError):
        if data.startswith(b"From "):  # the envelope line of a mailbox, no header
            data = data.split(b"\n", 1)[-1]
        message = message_from_bytes(data, policy=policy.default)
        builder = ExtractionBuilder()
        _message(builder, message, name, depth=1)
        return builder.build(title=str(message.get("Subject", "")))


def _message(builder: ExtractionBuilder, message: EmailMessage, name: str, *, depth: int) -> None:
    builder.heading(str(message.get("Subject", "")), level=depth)
    people = (f"{header}: {message[header]}" for header in PEOPLE if message[header])
    builder.paragraph("\n".join(people))
    body = message.get_body(preferencelist=("plain", "html"))
    if body is not None and not _content(body).strip():
        body = message.get_body(preferencelist=("html", "plain"))
    if body is not None:
        _body(builder, body, name, depth)
    attached = [part for part in message.iter_attachments() if part is not body]
    names = [part.get_filename() for part in attached if part.get_filename()]
    if names:
        builder.paragraph("Attachments: " + ", ".join(map(str, names)))
    for part in attached:
        if part.get_content_type() == "message/rfc822" and depth < DEEPEST:
            _message(builder, cast(EmailMessage, part.get_payload(0)), name, depth=depth + 1)


def _body(builder: ExtractionBuilder, part: MIMEPart, name: str, depth: int) -> None:
    text = _content(part)
    if part.get_content_type() != "text/html":
        for paragraph in _paragraphs(text, flowed=part.get_param("format") == "flowed"):
            builder.paragraph(paragraph)
        return
    from .read_html import read_html

    try:
        builder.extraction(read_html(text.encode(), name), below=depth)
    except IngestError:  # a body of pictures: headers and attachments are what there is to read
        return


def _content(part: MIMEPart) -> str:
    """A text part decoded; an unknown or wrong charset gives the readable rest."""
    try:
        return str(part.get_content(errors="replace"))
    except LookupError:
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else str(payload)


def _paragraphs(text: str, *, flowed: bool) -> Iterator[str]:
    """Paragraphs of a plain body; in flowed text a blank at a line's end says that the line goes on."""
    for paragraph in text.replace("\r\n", "\n").split("\n\n"):
        if flowed:
            paragraph = paragraph.replace("\n-- \n", "\n--\n").replace(" \n", " ")
        yield paragraph
