"""Markdown's dialects as plain CommonMark: what site generators add is rewritten or taken out, line by line.

Knows front matter, MkDocs (admonitions, tabs, snippets, blocks), GitHub's alerts, FastAPI's includes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["front_matter", "plain_markdown"]

FRONT_MATTER = re.compile(
    r"\A\s*(---|\+\+\+)[ \t]*\n(.*?)^(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE
)
TITLE = re.compile(r"^title[ \t]*[:=][ \t]*(.+?)[ \t]*$", re.MULTILINE)
KEY = re.compile(r"^[\w-]+[ \t]*[:=]", re.MULTILINE)

FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)?(`{3,}|~{3,})")
BLOCK_MARK = re.compile(r"[ \t]*/{3,}[ \t]*(?:[\w-]+[ \t]*(?:\|[ \t]*(?P<title>.*))?)?$")  # /// note | Title
ADMONITION = re.compile(
    r"(?P<indent>[ \t]*)(?:!!!|\?\?\?\+?)[ \t]+[\w -]*?(?:\"(?P<title>.*)\")?[ \t]*$"  # !!! note "Title"
    r"|(?P<tab_indent>[ \t]*)===[!+]?[ \t]+\"(?P<tab>.*)\"[ \t]*$"  # === "Tab"
)
ALERT = re.compile(r"([ \t]*>[ \t]*)\[!\w+\][ \t]*(.*)$")  # > [!NOTE]
INCLUDE = re.compile(
    r"[ \t]*(?:\{\*.*\*\}|\{!.*!\}|-+8<-+.*|\{%.*%\}|:{3,}.*|\[(?:TOC|\[_TOC_\])\])[ \t]*$", re.IGNORECASE
)
NOTE = re.compile(r"[ \t]*\[\^([\w-]+)\]:[ \t]*")  # [^1]: text of a footnote
ATTRIBUTE_LINE = re.compile(r"[ \t]*\{:[^{}]*\}[ \t]*$")


def front_matter(text: str) -> tuple[str, str]:
    r"""The title that a document's front matter gives ("" for none) and the document without it.

    >>> front_matter("---\ntitle: Leave\n---\n\nThirty days.")
    ('Leave', '\nThirty days.')
    """
    found = FRONT_MATTER.match(text)
    if not found or not (KEY.search(found[2]) or not found[2].strip()):
        return "", text
    title = TITLE.search(found[2])
    return (title[1].strip("\"'") if title else ""), text[found.end() :]


def plain_markdown(text: str) -> str:
    """The document in CommonMark with tables; lines of code stay as they are."""
    return "\n".join(_lines(text.split("\n")))


def _lines(lines: list[str]) -> Iterator[str]:
    fence = ""
    body: list[int] = []  # how far the admonitions around a line indent it
    for line in lines:
        while body and line.strip() and len(line) - len(line.lstrip()) < body[-1]:
            body.pop()
        if body:
            line = line[4 * len(body) :] if line[: 4 * len(body)].isspace() else line.lstrip()
        mark = FENCE.match(line)
        if mark and (not fence or (mark[1].startswith(fence) and line.strip() == mark[1])):
            fence = "" if fence else mark[1]
            yield line
        elif fence:
            yield line
        elif found := ADMONITION.match(line):
            indent = found["indent"] or found["tab_indent"] or ""
            body.append(4 * len(body) + len(indent) + 4)
            yield from _title(found["title"] or found["tab"])
        else:
            yield from _line(line)


def _line(line: str) -> Iterator[str]:
    if found := BLOCK_MARK.match(line):
        yield from _title(found["title"])
    elif found := ALERT.match(line):
        yield found[1] + found[2]
    elif found := NOTE.match(line):
        yield ""
        yield rf"\[{found[1]}\] {line[found.end() :]}"
    elif INCLUDE.match(line) or ATTRIBUTE_LINE.match(line):
        yield ""
    else:
        yield line


def _title(title: str | None) -> Iterator[str]:
    """The title of a note is a paragraph of its own; its kind (tip, note) is not part of the text."""
    yield ""
    if title:
        yield title
        yield ""
