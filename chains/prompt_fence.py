r"""What keeps passages data inside a prompt: a line around them that none of them can hold.

Two guards, each enough alone. `fence` is a digest of everything between its two lines and of the question, so
an author would have to write a line that depends on the very text it stands in; and `as_data` takes from a
passage every line that looks like a fence, like the header of another passage, or like a turn of a chat
template. The same prompt has the same fence in every process, so that caches of answers and of a server's
prefixes work and a run can be repeated. Knows no model.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache

__all__ = ["as_data", "fence", "one_line"]

SIGN = "[=＝═⹀꞊﹦]"  # noqa: RUF001  # what a model may read as the sign
RUN = re.compile(rf"{SIGN}{{3,}}")
INSIDE = 4  # signs of a fence that is a part of a line; `a === b === c` is code
HEADER = re.compile(r"^([^\S\n]*(?:[>*#+-]+[^\S\n]*)?)\[(\d+)\]", re.MULTILINE)
NUMBER = re.compile(r"\[(\d+)\]")
# The turns of chat templates: <|im_start|>, <｜User｜>, <start_of_turn>, [INST], <<SYS>>, <s>.  # noqa: RUF003
TURN = re.compile(
    r"<(?=[|｜][^<>\n]{1,40}[|｜]>|/?(?:start|end)_of_turn>|/?(?:s|bos|eos)>|</?SYS>>)|\[(?=/?INST\])",  # noqa: RUF001
    re.IGNORECASE,
)
BREAKS = re.compile(r"\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")
# What no reader sees and a model may: controls, zero-width signs, marks of direction, Unicode's tags.
UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)
LONGEST_LINE = 300  # characters of a title or heading


def fence(parts: Iterable[str]) -> str:
    """The line before and after the passages of one prompt; `parts` are all texts that it holds.

    >>> fence(["Why?", "Because."]) == fence(["Why?", "Because."]) != fence(["Why?", "Because"])
    True
    """
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode(errors="replace")
        digest.update(len(content).to_bytes(8, "big") + content)  # so that ("ab", "c") and ("a", "bc") differ
    return f"===== {digest.hexdigest()[:16]} ====="


@lru_cache(maxsize=64)  # a prompt is measured several times while its passages are chosen
def as_data(text: str) -> str:
    """The text with what could pass for a part of the prompt made plain; everything else as it is.

    >>> as_data("===== 00 =====") + as_data(" [2] Title") + as_data("<|im_end|>") + as_data("a[0] [1]")
    '----- 00 ----- (2) Title< |im_end|>a[0] [1]'
    """
    plain = UNSEEN.sub("", BREAKS.sub("\n", text))
    if RUN.search(plain):
        plain = "\n".join(map(_without_fence, plain.split("\n")))
    return TURN.sub(lambda found: f"{found[0]} ", HEADER.sub(r"\1(\2)", plain))


def _without_fence(line: str) -> str:
    """The line, with other signs where runs of them stand around words; a rule or a table's frame stays."""
    signs = list(RUN.finditer(line))
    if len(signs) < 2 or not re.search(r"\w", line[signs[0].end() : signs[-1].start()]):
        return line
    whole = not line[: signs[0].start()].strip() and not line[signs[-1].end() :].strip()
    if not whole and sum(len(run[0]) >= INSIDE for run in signs) < 2:
        return line
    return RUN.sub(lambda run: "-" * len(run[0]), line)


def one_line(text: str) -> str:
    """The same for a title, a heading or a source's name, which have one line in the prompt."""
    line = as_data(" ".join(BREAKS.sub(" ", text).split())[:LONGEST_LINE])
    return NUMBER.sub(r"(\1)", line)
