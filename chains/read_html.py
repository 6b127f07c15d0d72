"""HTML as a browser shows it: headings, paragraphs, lists, tables, code; no menus, scripts, hidden text.

Parses with lxml, which loads nothing and runs nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .composing import Part, compose
from .decoding import decode
from .extraction import Extraction
from .html_flow import Flow, words

if TYPE_CHECKING:
    from lxml.html import HtmlElement

__all__ = ["html_parts", "read_html"]

CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
DECLARED_WITHIN = 4096  # bytes
XML_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
WESTERN = ("iso-8859-1", "latin-1", "latin1", "us-ascii", "ascii")  # browsers read these as cp1252
NO_TITLE = ("document", "home", "index", "untitled", "untitled document")
MAIN_SHARE = 0.4  # of the words of a page stand in its main element, or it is not the main element


def read_html(data: bytes, name: str) -> Extraction:
    """The text of a page with its headings, lists, tables (a row a line) and code.

    Where the page says what is its main part, that alone is read; menus, page headers and footers and
    what is hidden are left out. Raises IngestError where the file is no text.
    """
    declared = CHARSET.search(data[:DECLARED_WITHIN])
    encoding = declared[1].decode("ascii").lower() if declared else ""
    page = _parsed(decode(data, name, declared="cp1252" if encoding in WESTERN else encoding))
    if page is None:
        return Extraction("", reader="html")
    parts = _parts(page)
    return compose(parts, title=_title(page, parts), reader="html")


def _parts(page: HtmlElement) -> list[Part]:
    try:
        return list(Flow(whole_page=True).parts(_main(page)))
    except RecursionError:  # thousands of elements that were never closed: the text without its structure
        texts = page.xpath("//body//text()[not(ancestor::script or ancestor::style)]")
        return [Part("paragraph", " ".join(text.split())) for text in texts]


def html_parts(source: str) -> list[Part]:
    """The parts of a piece of HTML, as it stands within Markdown or a notebook."""
    fragment = _parsed(f"<div>{source}</div>")
    return [] if fragment is None else list(Flow(whole_page=False).parts(fragment))


def _parsed(text: str) -> HtmlElement | None:
    from lxml.etree import ParserError
    from lxml.html import HTMLParser, document_fromstring

    # In bytes, because lxml refuses text that names an encoding.
    source = XML_DECLARATION.sub("", text).replace("\0", "").encode("utf-8", "replace")
    try:
        return document_fromstring(source, parser=HTMLParser(encoding="utf-8", huge_tree=True))
    except ParserError:  # nothing but blanks or comments
        return None


def _main(page: HtmlElement) -> HtmlElement:
    """The element that holds what the page is about: its only `main`, if most of the words are there."""
    body = page.find("body")
    body = page if body is None else body
    mains = body.xpath(".//main | .//*[@role='main']")
    if len(mains) == 1 and len(words(mains[0])) >= MAIN_SHARE * len(words(body)):
        return mains[0]
    return body


def _title(page: HtmlElement, parts: list[Part]) -> str:
    """The page's title, without the name of the site where the main heading says so."""
    element = page.find(".//title")
    title = " ".join((element.text or "").split()) if element is not None else ""
    heading = next((" ".join(part.text.split()) for part in parts if part.level == 1), "")
    if heading and (heading in title or title.lower() in NO_TITLE):
        return heading
    return title
