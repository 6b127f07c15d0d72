"""Whether a question speaks of a person whom nobody has named: "What is her salary?"

By rule, English only. Knows no conversation: the question stands alone by now, or it cannot.
"""

from __future__ import annotations

import re

from .stop_words import stop_words

__all__ = ["speaks_of_nobody"]

_PERSON = re.compile(r"\b(?:(?P<she>she|her|hers|herself)|he|him|his|himself)\b", re.IGNORECASE)
_SHE = re.compile(r"\b(?:she|her|hers|herself)\b", re.IGNORECASE)
_HE = re.compile(r"\b(?:he|him|his|himself)\b", re.IGNORECASE)
_NAME = re.compile(r"\b(?!I\b)[A-Z]\w*")
_MEASURES = frozenset("old tall long much many far often".split())  # "How old is she?"


def speaks_of_nobody(question: str, passage: str) -> bool:
    """Whether "she" or "he" comes before anybody that it could mean, and not in the passage either.

    >>> speaks_of_nobody("What is her salary?", "Salaries are paid on the 25th.")
    True
    >>> speaks_of_nobody("When was she born?", "Ada Lovelace was a mathematician. She wrote on engines.")
    False
    """
    found = _PERSON.search(question)
    if found is None or _NAME.search(question, found.end()):
        return False
    before = re.findall(r"\w+", question[: found.start()].lower())
    if not stop_words("english").union(_MEASURES).issuperset(before):
        return False
    return (_SHE if found["she"] else _HE).search(passage) is None
