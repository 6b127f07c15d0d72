"""From the elements of a page to parts of a text, in the order and with the white space of a browser.

Knows elements only: no bytes, no titles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .composing import SUPERSCRIPT, Cell, Part, code_part, definition_parts, list_parts, table_part

if TYPE_CHECKING:
    from lxml.html import HtmlElement

__all__ = ["Flow", "is_hidden", "words"]

HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
BLOCKS = frozenset(
    "address article aside blockquote body center dd details dialog div dl dt fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li listing main menu nav ol "
    "optgroup option p plaintext pre search section summary table tbody td tfoot th thead tr ul xmp".split()
)
UNSEEN = frozenset(
    "annotation applet area audio base button canvas col colgroup datalist embed frame frameset head "
    "iframe input link map meta noframes noscript object param rp rt script select source style svg "
    "template textarea title track video".split()
)
CODE = ("pre", "listing", "xmp", "plaintext")
MENU_ROLES = frozenset("banner contentinfo dialog menu menubar navigation search toolbar".split())
# Marks of widely used page makers for what is not part of the text: edit links, menus of related pages
# (MediaWiki); the sign that links to a heading (Sphinx, Docusaurus).
UNREAD_CLASSES = frozenset(
    "catlinks hash-link headerlink mw-editsection mw-jump-link navbar navbox noprint printfooter "
    "vector-dropdown".split()
)
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
NOTE_MARK = re.compile(r"\s*\[(?:\w{1,3}|(?:note|nb) \w{1,3})\]\s*")  # [12] points to a footnote of the page
ANCHOR_SIGNS = frozenset("# ¶ § 🔗".split())
EXPONENT = re.compile(r"[+\-−]?\d+")
FIRST_ITEM, NEXT_ITEM = re.compile(r"\A(?:-|\d+\.) "), re.compile(r"\n\s*(?:-|\d+\.) ")
BREAK = "\x1e"  # stands for <br> until white space is collapsed


class Flow:
    """Reads elements in order; in a whole page, menus, page header and footer are passed over."""

    def __init__(self, *, whole_page: bool) -> None:
        self.whole_page = whole_page

    def parts(self, element: HtmlElement) -> Iterator[Part]:
        """The parts within an element."""
        line = [element.text or ""]
        for child in element.iterchildren():
            if isinstance(child.tag, str) and self._is_read(child):
                if child.tag in BLOCKS or _holds_blocks(child):
                    yield from _paragraph(line)
                    line = []
                    yield from self._block(child)
                else:
                    line.append(_inline(child))
            line.append(child.tail or "")
        yield from _paragraph(line)

    def _is_read(self, element: HtmlElement) -> bool:
        if element.tag in UNSEEN or is_hidden(element):
            return False
        if not self.whole_page:
            return True
        if element.tag == "nav" or element.get("role") in MENU_ROLES:
            return False
        if element.tag in ("header", "footer", "aside") and _is_of_page(element):
            return element.tag == "header" and element.find(".//h1") is not None
        return True

    def _block(self, element: HtmlElement) -> Iterator[Part]:
        match element.tag:
            case tag if tag in HEADINGS:
                yield Part("heading", _heading(element), level=HEADINGS[tag])
            case tag if tag in CODE:
                yield code_part(_raw(element))
            case "ul" | "ol" | "menu":
                yield from self._list(element)
            case "dl":
                yield from self._definitions(element)
            case "table":
                yield from self._table(element)
            case _:
                yield from self.parts(element)

    def _list(self, element: HtmlElement) -> list[Part]:
        number = _integer(element.get("start"), 1)
        items: list[tuple[str, list[Part]]] = []
        for child in element.iterchildren():
            if not isinstance(child.tag, str) or not self._is_read(child):
                continue
            contents = list(
                self._block(child) if child.tag in BLOCKS and child.tag != "li" else self.parts(child)
            )
            if child.tag != "li" and items:
                items[-1][1].extend(contents)  # a nested list that stands beside its item, not within
                continue
            number = _integer(child.get("value"), number)
            items.append((f"{number}." if element.tag == "ol" else "-", contents))
            number += 1
        return list_parts(items)

    def _definitions(self, element: HtmlElement) -> Iterator[Part]:
        """Each term with its definition in one paragraph: a definition alone says nothing."""
        term = ""
        for child in element.iter("dt", "dd"):
            if next(child.iterancestors("dl")) is not element or not self._is_read(child):
                continue
            contents = list(self.parts(child))
            if child.tag == "dd":
                yield from definition_parts(term, contents)
                term = ""
            else:
                yield Part("paragraph", term)
                term = " ".join(part.text for part in contents)
        yield Part("paragraph", term)

    def _table(self, table: HtmlElement) -> Iterator[Part]:
        caption = table.find("caption")
        if caption is not None and self._is_read(caption):
            yield from self.parts(caption)
        if table.get("role") == "presentation" or table.find(".//table") is not None:
            for cell in table.iter("td", "th"):  # a table for layout only
                if next(cell.iterancestors("table")) is table and self._is_read(cell):
                    yield from self.parts(cell)
            return
        yield table_part(self._cells(row) for row in table.iter("tr") if self._is_read(row))

    def _cells(self, row: HtmlElement) -> list[Cell]:
        cells = (cell for cell in row.iterchildren("td", "th") if self._is_read(cell))
        return [
            Cell(self._cell(cell), _integer(cell.get("rowspan"), 1), _integer(cell.get("colspan"), 1))
            for cell in cells
        ]

    def _cell(self, cell: HtmlElement) -> str:
        """On one line, the items of a list divided by semicolons."""
        texts = [NEXT_ITEM.sub("; ", FIRST_ITEM.sub("", part.text)) for part in self.parts(cell)]
        return " ".join(texts)


def words(element: HtmlElement) -> str:
    """The text of an element on one line."""
    return " ".join(_inline(element).split())


def _heading(element: HtmlElement) -> str:
    """Without pictures unless it is nothing but a picture."""
    return " ".join(_inline(element, pictures=False).split()) or words(element)


def is_hidden(element: HtmlElement) -> bool:
    """Whether the page says of an element that it is not to be seen or read."""
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    classes = (element.get("class") or "").split()
    return not UNREAD_CLASSES.isdisjoint(classes) or bool(HIDDEN.search(element.get("style") or ""))


def _is_of_page(element: HtmlElement) -> bool:
    """Not the header or footer of an article or of a quotation."""
    return not any(one.tag in ("article", "section", "blockquote", "main") for one in element.iterancestors())


def _holds_blocks(element: HtmlElement) -> bool:
    return any(isinstance(one.tag, str) and one.tag in BLOCKS for one in element.iterdescendants())


def _paragraph(line: list[str]) -> Iterator[Part]:
    lines = "".join(line).split(BREAK)
    text = "\n".join(" ".join(one.split()) for one in lines).strip()
    if text:
        yield Part("paragraph", text)


def _inline(element: HtmlElement, *, pictures: bool = True) -> str:
    """The text of an element without blocks, `<br>` as a record separator."""
    match element.tag:
        case "br":
            return BREAK
        case "img":
            linked = next(element.iterancestors("a"), None) is not None
            return (element.get("alt") or "") if pictures and not linked else ""
    pieces = [element.text or ""]
    for child in element.iterchildren():
        if isinstance(child.tag, str) and child.tag not in UNSEEN and not is_hidden(child):
            space = " " if child.tag in BLOCKS else ""
            pieces.extend((space, _inline(child, pictures=pictures), space))
        pieces.append(child.tail or "")
    text = "".join(pieces)
    match element.tag:
        case "sup":
            return _raised(text)
        case "q":
            return f"“{text.strip()}”"
        case "a" if text.strip() in ANCHOR_SIGNS and (element.get("href") or "").startswith("#"):
            return ""
    return text


def _raised(text: str) -> str:
    """10<sup>6</sup> is not 106; the mark of a footnote is not part of a sentence."""
    if NOTE_MARK.fullmatch(text):
        return ""
    return text.translate(SUPERSCRIPT) if EXPONENT.fullmatch(text.strip()) else text


def _raw(element: HtmlElement) -> str:
    """The text of code, white space as it stands."""
    for line_break in element.iter("br"):
        line_break.tail = "\n" + (line_break.tail or "")
    return str(element.text_content())


def _integer(value: str | None, default: int) -> int:
    return int(value) if value and re.fullmatch(r"-?\d{1,6}", value.strip()) else default
