"""How like the question is a title or heading that is a question itself, as the entries of an FAQ have.

Knows no store; compares by the encoder, and by words.
"""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.documents import Document

from .analyser import document_tokens
from .embeddings import Encoder
from .evidence import asked_words, language_of, read_passage
from .extractive import PASSAGES, Quote
from .splitting import PATH_SEPARATOR

__all__ = ["likeness"]


def likeness(
    question: str, documents: Sequence[Document], quotes: Sequence[Quote], encoder: Encoder
) -> float:
    """The cosine of the question and the nearest question above a quote; 0 where none is a question.

    It is 0 as well where the two ask the same of different things: the one word that the title lacks stands
    nowhere in the passages, as "malaria" among those on the symptoms of another illness.
    """
    names = list(dict.fromkeys(name for quote in quotes for name in _asked(documents[quote.document])))
    if not names:
        return 0.0
    cosines = encoder.encode(names) @ encoder.encode_query(question)
    best = int(cosines.argmax())
    differs = _of_another_thing(question, names[best], documents[:PASSAGES])
    return 0.0 if differs else float(cosines[best])


def _asked(document: Document) -> list[str]:
    """The title and the last heading, where they are questions."""
    title, path = (str(document.metadata.get(key) or "") for key in ("title", "heading"))
    return [
        name for name in (title, path.rpartition(PATH_SEPARATOR)[2]) if name.rstrip().endswith(("?", "？"))
    ]


def _of_another_thing(question: str, name: str, documents: Sequence[Document]) -> bool:
    language = language_of(documents)
    differing = set(asked_words(question, language).tokens).difference(document_tokens(name, language))
    titles = " ".join(str(one.metadata.get("title") or "") for one in documents)
    passages = [piece.present for one in documents for piece in read_passage(one.page_content, language)]
    return len(differing) == 1 and differing.isdisjoint({*document_tokens(titles, language)}.union(*passages))
