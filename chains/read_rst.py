"""reStructuredText as it reads: docutils for the structure, nothing fetched, included or run.

Text that docutils does not understand stays as text; its complaints never enter it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .composing import (
    SUPERSCRIPT,
    Cell,
    Part,
    code_part,
    compose,
    definition_parts,
    list_parts,
    table_part,
)
from .decoding import decode
from .extraction import Extraction
from .reader_errors import corrupt_as_ingest_error
from .rst_dialects import is_code_role, plain_rst, role_text

if TYPE_CHECKING:
    from docutils import nodes

__all__ = ["read_rst"]

SETTINGS: dict[str, Any] = {
    "_disable_config": True,  # no docutils.conf of the user or the working directory
    "doctitle_xform": False,
    "docinfo_xform": False,
    "file_insertion_enabled": False,
    "halt_level": 6,
    "input_encoding": "unicode",
    "line_length_limit": 10_000_000,
    "raw_enabled": False,
    "report_level": 6,
    "syntax_highlight": "none",
    "warning_stream": False,
}
UNREAD = frozenset(
    "comment footnote_reference image index meta pending raw substitution_definition system_message "
    "target".split()
)
ROMAN = "i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx".split()
NOTE_MARK = re.compile("\\s*\x1f")  # stands for the mark of a footnote until its line is put together
CODE = ("doctest_block", "literal_block", "math_block")


def read_rst(data: bytes, name: str) -> Extraction:
    """The text of a reStructuredText file with its headings, lists, tables and code.

    Roles leave their text, directives their contents, inline literals stand in backticks. Raises
    IngestError where the file is no text.
    """
    text = decode(data, name)
    with corrupt_as_ingest_error("rst", name):
        return compose(_parts(_parsed(plain_rst(text)).children, 0), reader="rst")


def _parsed(text: str) -> nodes.document:
    from docutils import nodes
    from docutils.core import publish_doctree
    from docutils.parsers.rst import Parser
    from docutils.parsers.rst.states import Inliner
    from docutils.utils import unescape

    inliner = Inliner()
    interpret = inliner.interpreted

    def interpreted(rawsource: str, text: str, role: str, lineno: int) -> Any:
        """Takes a role that docutils does not know (Sphinx has dozens) for the text it marks."""
        found, messages = interpret(rawsource, text, role, lineno)
        if not any(isinstance(node, nodes.problematic) for node in found):
            return found, messages
        shown = role_text(unescape(text))
        return [(nodes.literal if is_code_role(role) else nodes.inline)(rawsource, shown)], []

    # No subclass: Inliner builds its patterns from the variables of its very class.
    inliner.interpreted = interpreted  # type: ignore[method-assign]
    return publish_doctree(text, parser=Parser(inliner=inliner), settings_overrides=SETTINGS)


def _parts(children: Sequence[Any], depth: int) -> Iterator[Part]:
    """The parts of a run of elements; `depth` is that of the section around them."""
    for node in children:
        kind = node.tagname
        if kind in UNREAD:
            continue
        if kind == "section":
            yield from _parts(node.children, depth + 1)
        elif kind == "title" and depth and node.parent.tagname == "section":
            yield Part("heading", _words(node).replace("`", ""), level=depth)
        elif kind in CODE:
            yield code_part(node.astext())
        elif kind in LISTS:
            yield from LISTS[kind](node)
        elif kind == "line_block":
            yield Part("paragraph", "\n".join(_words(line) for line in node.findall(_is_line)))
        elif kind in ("footnote", "citation"):
            label, *body = node.children
            yield from list_parts([(f"[{label.astext()}]", list(_parts(body, 0)))])
        elif kind == "attribution":
            yield Part("paragraph", f"— {_words(node)}")
        elif _is_text(node):
            yield Part("paragraph", _words(node))
        else:
            yield from _parts(node.children, 0 if kind != "document" else depth)


def _is_line(node: Any) -> bool:
    return bool(node.tagname == "line")


def _is_text(node: Any) -> bool:
    """Whether an element holds words, not further blocks."""
    from docutils import nodes

    return isinstance(node, (nodes.Text, nodes.TextElement, nodes.Inline))


def _bullets(node: Any) -> list[Part]:
    return list_parts(("-", list(_parts(item.children, 0))) for item in node.children)


def _numbered(node: Any) -> list[Part]:
    first = node.get("start", 1)
    style = (node.get("enumtype", "arabic"), node.get("prefix", ""), node.get("suffix", "."))
    return list_parts(
        (_number(number, *style), list(_parts(item.children, 0)))
        for number, item in enumerate(node.children, first)
    )


def _number(number: int, kind: str, prefix: str, suffix: str) -> str:
    text = str(number)
    if kind.endswith("alpha") and number <= 26:
        text = chr(ord("a") + number - 1)
    elif kind.endswith("roman") and number <= len(ROMAN):
        text = ROMAN[number - 1]
    return f"{prefix}{text.upper() if kind.startswith('upper') else text}{suffix or '.'}"


def _definitions(node: Any) -> Iterator[Part]:
    for item in node.children:
        *terms, body = item.children
        yield from definition_parts(", ".join(_words(term) for term in terms), list(_parts(body.children, 0)))


def _fields(node: Any) -> Iterator[Part]:
    for field in node.children:
        name, body = field.children
        yield from definition_parts(f"{_words(name)}:", list(_parts(body.children, 0)))


def _options(node: Any) -> Iterator[Part]:
    for item in node.children:
        group, body = item.children
        names = ", ".join(option.astext() for option in group.children)
        yield from definition_parts(f"`{names}`", list(_parts(body.children, 0)))


def _table(node: Any) -> Iterator[Part]:
    for child in node.children:
        if child.tagname == "title":
            yield Part("paragraph", _words(child))
    rows = node.findall(lambda one: one.tagname == "row")
    yield table_part([_cell(entry) for entry in row.children] for row in rows)


def _cell(entry: Any) -> Cell:
    text = " ".join(part.text for part in _parts(entry.children, 0))
    return Cell(text, entry.get("morerows", 0) + 1, entry.get("morecols", 0) + 1)


LISTS: dict[str, Callable[[Any], Iterable[Part]]] = {
    "bullet_list": _bullets,
    "definition_list": _definitions,
    "enumerated_list": _numbered,
    "field_list": _fields,
    "option_list": _options,
    "table": _table,
}


def _words(node: Any) -> str:
    """The text of an element, wrapped lines joined, the marks of footnotes taken out."""
    return NOTE_MARK.sub("", _marked_words(node))


def _marked_words(node: Any) -> str:
    match node.tagname:
        case "#text":
            return " ".join(re.split(r"[ \t\n]+", node.astext()))
        case "literal":
            return f"`{node.astext()}`"
        case "superscript":
            return str(node.astext()).translate(SUPERSCRIPT)
        case "footnote_reference":
            return "\x1f"
        case kind if kind in UNREAD:
            return ""
    return "".join(_marked_words(child) for child in node.children)
