"""A passage as the index and every model that judges it see it."""

from __future__ import annotations

from langchain_core.documents import Document

from .splitting import indexed_text

__all__ = ["passage_text"]


def passage_text(document: Document) -> str:
    r"""Title, path of headings and text.

    >>> passage_text(Document("Ten weeks.", metadata={"title": "Leave", "heading": "Leave > Parents"}))
    'Leave\nParents\n\nTen weeks.'
    """
    title, heading = (str(document.metadata.get(key) or "") for key in ("title", "heading"))
    return indexed_text(title, heading, document.page_content)
