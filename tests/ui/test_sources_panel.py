from __future__ import annotations

from langchain_core.documents import Document

from ragweave.ui.sources_panel import source_cards

from .page_fakes import citation, passage


def test_a_card_says_title_place_date_and_score() -> None:
    [card] = source_cards([passage("handbook/travel.md", 0.414)])

    assert (card["place"], card["date"], card["score"]) == ("page 2 · Rules › Days", "1 Oct 2026", 0.41)


def test_a_card_says_its_title_once_and_the_documents_own_date() -> None:
    metadata = {
        "title": "Policy Update May 2023",
        "source": "p.md",
        "updated_at": "2026-10-01T08:00:00+00:00",
    }

    [card] = source_cards([Document("Two days.", metadata={**metadata, "heading": metadata["title"]})])

    assert (card["place"], card["date"]) == ("", "May 2023")


def test_the_quoted_words_are_marked_and_nothing_is_lost() -> None:
    document = passage("handbook/leave.md")
    quote = "It lapses in March."

    [card] = source_cards([document], [citation(1, "handbook/leave.md", quote)])

    assert [text for text, quoted in card["parts"] if quoted] == [quote]
    assert "".join(text for text, _ in card["parts"]) == document.page_content


def test_overlapping_quotes_are_marked_once() -> None:
    cited = [
        citation(1, "handbook/leave.md", "Annual leave is 25 days a year."),
        citation(1, "handbook/leave.md", "days a year. It lapses"),
    ]

    [card] = source_cards([passage("handbook/leave.md")], cited)

    assert [text for text, quoted in card["parts"] if quoted] == ["Annual leave is 25 days a year. It lapses"]


def test_cited_cards_come_first_and_keep_their_number() -> None:
    documents = [passage("handbook/leave.md"), passage("handbook/travel.md")]

    cards = source_cards(documents, [citation(2, "handbook/travel.md", "Submit receipts first.")])

    assert [(card["number"], card["cited"]) for card in cards] == [(2, True), (1, False)]


def test_a_document_with_nothing_but_text_makes_a_card() -> None:
    [card] = source_cards([Document(page_content="Words.")])

    assert (card["title"], card["place"], card["date"], card["score"]) == ("Untitled", "", "", None)
    assert card["parts"] == [("Words.", False)]


def test_sources_are_called_by_the_name_given() -> None:
    [card] = source_cards(
        [passage("handbook/leave.md")], name=lambda source: source.removeprefix("handbook/")
    )

    assert card["source"] == "leave.md"
