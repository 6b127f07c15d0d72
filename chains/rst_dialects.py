"""What Sphinx adds to reStructuredText, rewritten for docutils, line by line.

Directives that docutils does not know leave their contents; those that insert files or make lists of
contents are taken out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["is_code_role", "plain_rst", "role_text"]

DIRECTIVE = re.compile(r"(?P<indent>[ ]*)\.\.[ ]+(?P<name>[A-Za-z][\w:+.-]*?)::(?:[ ]+(?P<argument>.*))?$")
OPTION = re.compile(r"[ ]*:[\w-]+:(?:[ ].*)?$")
EXPLICIT = re.compile(r"^(.+?)\s*<[^<>]*>$", re.DOTALL)  # text <target>

KEPT = frozenset(  # directives that docutils knows and that hold text
    "admonition attention caution compound container csv-table danger epigraph error figure "
    "highlights hint important line-block list-table math note parsed-literal pull-quote replace "
    "rubric sidebar table tip topic unicode warning".split()
)
CODE = frozenset(
    "code code-block doctest ipython literal-block productionlist prompt sourcecode testcode "
    "testoutput".split()
)
DROPPED = frozenset(
    "class contents currentmodule default-role footer graphviz header highlight image include index "
    "literalinclude meta module plot raw role sectnum sectionauthor tabularcolumns testcleanup "
    "testsetup title toctree uml".split()
)
VERSIONS = {
    "deprecated": "Deprecated since version",
    "versionadded": "Added in version",
    "versionchanged": "Changed in version",
    "versionremoved": "Removed in version",
}
OBJECTS = frozenset(  # directives whose argument is a signature or a name in code
    "attribute class cmdoption confval data decorator describe envvar exception function method "
    "object option program property setting staticmethod classmethod type".split()
)
CODE_ROLES = frozenset(
    "attr class code command const data envvar exc file func kbd keyword meth mod obj option program "
    "samp setting token".split()
)


def plain_rst(text: str) -> str:
    """The document with the directives that docutils knows; literal blocks stay as they are."""
    return "\n".join(_lines(text.expandtabs(8).split("\n")))


def is_code_role(role: str) -> bool:
    """Whether a role marks code, whatever its domain (`py:func`)."""
    return role.rsplit(":", 1)[-1] in CODE_ROLES


def role_text(text: str) -> str:
    """What a role shows: the text before a target, the last name after a tilde.

    >>> role_text("the guide <install>"), role_text("~json.JSONDecoder")
    ('the guide', 'JSONDecoder')
    """
    if found := EXPLICIT.match(text):
        return found[1]
    return text[1:].rsplit(".", 1)[-1] if text.startswith("~") else text.removeprefix("!")


def _lines(lines: list[str]) -> Iterator[str]:
    literal = -1  # indentation above which lines are literal
    index = 0
    while index < len(lines):
        line = lines[index]
        index += 1
        if literal >= 0 and (not line.strip() or _indent(line) > literal):
            yield line
            continue
        literal = -1
        found = DIRECTIVE.match(line)
        if found is None:
            if line.rstrip().endswith("::") and not line.lstrip().startswith(".."):
                literal = _indent(line)
            yield line
            continue
        end = _body_end(lines, index, _indent(line))
        yield from _directive(found, lines[index:end])
        index = end


def _directive(found: re.Match[str], body: list[str]) -> Iterator[str]:
    indent, argument = found["indent"], (found["argument"] or "").strip()
    domain, _, name = found["name"].lower().rpartition(":")
    if not domain and (name in DROPPED or name.startswith("auto")):
        return
    if name in CODE:
        yield f"{indent}.. code-block::"
        yield ""
        yield from _without_options(body)
    elif name in KEPT and not domain:
        yield found.group()
        yield from (_lines(body) if name not in ("math", "parsed-literal") else body)
    elif name in VERSIONS:
        version, _, text = argument.partition(" ")
        yield ""
        yield f"{indent}{VERSIONS[name]} {version}{':' if text or any(body) else '.'} {text}".rstrip()
        yield from _lines(_moved(body, indent))
        yield ""
    else:
        yield ""
        if argument:
            yield f"{indent}``{argument}``" if domain or name in OBJECTS else indent + argument
            yield ""
        yield from _lines(_moved(_without_options(body), indent))
        yield ""


def _body_end(lines: list[str], index: int, indent: int) -> int:
    """The index after the last line that is indented more than the directive."""
    end = index
    while index < len(lines) and (not lines[index].strip() or _indent(lines[index]) > indent):
        index += 1
        if lines[index - 1].strip():
            end = index
    return end


def _without_options(body: list[str]) -> list[str]:
    index = 0
    while index < len(body) and OPTION.match(body[index]):
        index += 1
    return body[index:]


def _moved(body: list[str], indent: str) -> list[str]:
    """The body at the indentation of its directive."""
    least = min((_indent(line) for line in body if line.strip()), default=0)
    return [indent + line[least:] if line.strip() else "" for line in body]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
