from __future__ import annotations

from langchain_core.documents import Document

from ragweave.chains.budget import estimate_tokens
from ragweave.chains.fitting import cut, fit, passage_tokens

QUESTION = "When are salaries paid?"
SENTENCES = [f"Rule number {number} says that everything is fine." for number in range(40)]
PAY = "Salaries are paid on the 25th of each month."


def _page(text: str, start: int = 100) -> Document:
    return Document(text, metadata={"start": start, "end": start + len(text), "title": "Pay"})


def _size(document: Document) -> int:
    return passage_tokens(document, estimate_tokens)


def test_what_fits_is_given_unchanged() -> None:
    pages = [_page("One."), _page("Two.")]

    kept, dropped = fit(pages, 1000, count=estimate_tokens, question=QUESTION)

    assert kept == pages and dropped == []


def test_the_last_passages_go_with_the_reason() -> None:
    pages = [_page(" ".join(SENTENCES[:8])) for _ in range(5)]

    kept, dropped = fit(pages, 2 * _size(pages[0]) + 10, count=estimate_tokens, question=QUESTION)

    assert kept == pages[:2]
    assert [(one.document, one.reason) for one in dropped] == [(page, "budget") for page in pages[2:]]


def test_one_long_document_does_not_push_the_others_out() -> None:
    text = " ".join([*SENTENCES * 20, PAY, *SENTENCES * 20])
    pages = [_page(text), _page("Short."), _page(text)]

    kept, dropped = fit(pages, 1500, count=estimate_tokens, question=QUESTION)

    assert len(kept) == 3 and not dropped
    assert sum(map(_size, kept)) <= 1500
    assert all(PAY in page.page_content for page in (kept[0], kept[2]))


def test_a_cut_passage_holds_whole_sentences_around_what_was_asked_and_knows_its_place() -> None:
    text = " ".join([*SENTENCES, PAY, *SENTENCES])

    part = cut(_page(text, start=7), 80, count=estimate_tokens, question=QUESTION)

    assert part is not None and PAY in part.page_content and _size(part) <= 80
    assert part.page_content.startswith("Rule number") and part.page_content.endswith("fine.")
    begin, end = part.metadata["start"] - 7, part.metadata["end"] - 7
    assert text[begin:end] == part.page_content


def test_a_sentence_without_an_end_is_cut_between_words() -> None:
    text = "salaries " * 5000

    part = cut(_page(text), 100, count=estimate_tokens, question=QUESTION)

    assert part is not None and 0 < _size(part) <= 100
    assert part.page_content.split() == ["salaries"] * len(part.page_content.split())


def test_no_room_drops_everything() -> None:
    kept, dropped = fit([_page(PAY)], 5, count=estimate_tokens, question=QUESTION)

    assert kept == [] and len(dropped) == 1


def test_documents_are_copied_never_changed() -> None:
    page = _page(" ".join(SENTENCES))
    before = page.model_copy(deep=True)

    cut(page, 60, count=estimate_tokens, question=QUESTION)

    assert page == before
