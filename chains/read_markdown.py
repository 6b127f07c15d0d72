"""Markdown as it reads: structure by markdown-it-py, marks of emphasis, links and site generators taken out.

Handles CommonMark, tables, front matter, and what MkDocs, GitHub and FastAPI's documents add.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .composing import Part, code_part, compose, list_parts
from .decoding import decode
from .extraction import Extraction
from .markdown_dialects import front_matter, plain_markdown

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

__all__ = ["markdown_parts", "read_markdown"]

ATTRIBUTES = re.compile(r"[ \t]*\{:?[ \t]*[#.][\w.:-]+(?:[ \t]+[^{}\n]*)?\}|[ \t]*\{:[^{}\n]*\}")
NOTE_MARK = re.compile(r"[ \t]*\[\^[\w-]+\]")
TERMINAL_MARKUP = re.compile(r"</?(?:b|font|i|span|u)\b[^<>]*>")
EASTERN = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")


def read_markdown(data: bytes, name: str) -> Extraction:
    """The text of a Markdown file with its headings, lists, tables and code.

    Links and images leave their text, emphasis its words, inline code keeps its backticks. Raises
    IngestError where the file is no text.
    """
    title, body = front_matter(decode(data, name))
    return compose(markdown_parts(body), title=title, reader="markdown")


def markdown_parts(text: str) -> list[Part]:
    """The parts of a Markdown text, in order."""
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

    parser = MarkdownIt("commonmark", {"maxNesting": 100}).enable(["table", "strikethrough"])
    return list(_parts(SyntaxTreeNode(parser.parse(plain_markdown(text))).children))


def _parts(nodes: Sequence[SyntaxTreeNode]) -> Iterator[Part]:
    for node in nodes:
        match node.type:
            case "heading":
                yield Part("heading", _heading(node), level=int(node.tag[1]))
            case "paragraph":
                yield Part("paragraph", _paragraph(node))
            case "fence" | "code_block":
                yield _code(node)
            case "bullet_list" | "ordered_list":
                yield from _list(node)
            case "table":
                yield _table(node)
            case "html_block":
                yield from _html(node.content)
            case "blockquote":
                yield from _parts(node.children)


def _heading(node: SyntaxTreeNode) -> str:
    """Without backticks, and without pictures unless it is nothing but a picture."""
    inline = node.children[0].children if node.children else []
    words = "".join(_words(child) for child in inline if child.type != "image" and not _is_badge(child))
    return (words.strip() or _inline(node)).replace("`", "")


def _paragraph(node: SyntaxTreeNode) -> str:
    """A row of badges says nothing."""
    inline = node.children[0].children if node.children else []
    meaning = [
        child for child in inline if child.type not in ("softbreak", "hardbreak") and child.content != " "
    ]
    only_badges = bool(meaning) and all(_is_badge(child) for child in meaning)
    return "" if only_badges else _inline(node)


def _is_badge(node: SyntaxTreeNode) -> bool:
    pictures = bool(node.children) and all(child.type in ("image", "softbreak") for child in node.children)
    return node.type == "link" and pictures


def _code(node: SyntaxTreeNode) -> Part:
    content = node.content
    if node.info.strip().split(" ")[0] == "console":
        content = TERMINAL_MARKUP.sub("", content)  # colours of Termynal, a terminal shown on a page
    return code_part(content)


def _list(node: SyntaxTreeNode) -> list[Part]:
    first = int(node.attrs.get("start", 1))
    items = []
    for number, item in enumerate(node.children, first):
        mark = f"{number}{item.markup or '.'}" if node.type == "ordered_list" else "-"
        items.append((mark, list(_parts(item.children))))
    return list_parts(items)


def _table(node: SyntaxTreeNode) -> Part:
    rows = (row for section in node.children for row in section.children)
    return Part("table", rows=tuple(tuple(_inline(cell) for cell in row.children) for row in rows))


def _html(source: str) -> list[Part]:
    from .read_html import html_parts

    return html_parts(source)


def _inline(node: SyntaxTreeNode) -> str:
    """The words of a paragraph, heading or cell."""
    text = "".join(_words(child) for inline in node.children for child in inline.children)
    return "\n".join(" ".join(line.split(" ")).strip() for line in text.split("\n"))


def _words(node: SyntaxTreeNode) -> str:
    match node.type:
        case "text":
            return NOTE_MARK.sub("", ATTRIBUTES.sub("", node.content))
        case "code_inline":
            return f"`{node.content}`"
        case "softbreak":
            return _soft_break(node)
        case "hardbreak":
            return "\n"
        case "image":
            return " ".join(node.content.split())
        case "html_inline":
            return "\n" if node.content.startswith("<br") else ""
        case _:
            return "".join(_words(child) for child in node.children)


def _soft_break(node: SyntaxTreeNode) -> str:
    """A wrapped line goes on after a blank, in Chinese and Japanese without one."""
    before, after = node.previous_sibling, node.next_sibling
    if before and after and EASTERN.match(before.content[-1:]) and EASTERN.match(after.content[:1]):
        return ""
    return " "
