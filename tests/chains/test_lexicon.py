"""What a lexicon knows of a collection, and that it follows the collection's changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document

from ragweave.chains import KnowledgeBase
from ragweave.chains import lexicon as module
from ragweave.chains.lexicon import Lexicon, LexiconKeeper, terms
from ragweave.chains.records import SourceRecord
from ragweave.chains.sqlite_store import SqliteStore

from .fakes import WordEncoder


class Collection:
    """Texts by name; counts what is read."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts
        self.read: list[str] = []
        self.languages: dict[str, str] = {}
        self.keeper = LexiconKeeper(lambda: str(self.texts), self._records, self._read)

    def _records(self) -> list[SourceRecord]:
        return [
            SourceRecord(
                name,
                "",
                str(hash(text)),
                "",
                "A title",
                "",
                "",
                (),
                (self.languages.get(name, "english"),),
                (),
            )
            for name, text in self.texts.items()
        ]

    def _read(self, sources: Sequence[str]) -> Mapping[str, str]:
        self.read.extend(sources)
        return {name: self.texts[name] for name in sources}


@pytest.mark.parametrize(
    ("text", "expansions"),
    [
        ("Work from home (WFH) is allowed.", {"WFH": "Work from home"}),
        ("The WFH (work from home) rules", {"WFH": "work from home"}),
        ("all Key performance indicators (KPIs) count", {"KPI": "Key performance indicators"}),
        ("the Court of Justice of the Union (CJU)", {"CJU": "Court of Justice of the Union"}),
        ("magnetic resonance imaging (MRI)", {"MRI": "magnetic resonance imaging"}),
        ("See the table (Table 2) and the annex (PDF).", {}),
        ("He was born in Rome (USA).", {}),
        ("It was cold. In May we moved (HR).", {}),
    ],
)
def test_an_acronym_is_known_where_the_text_writes_it_out(text: str, expansions: dict[str, str]) -> None:
    assert Collection(a=text).keeper.lexicon().expansions == expansions


def test_words_are_counted_in_lower_case_with_the_titles() -> None:
    lexicon = Collection(a="Leave, leave and max_threads.", b="LEAVE").keeper.lexicon()

    assert lexicon.counts == {"leave": 3, "and": 1, "max": 1, "threads": 1, "title": 2}


def test_words_joined_by_and_stand_together_in_either_order() -> None:
    lexicon = Collection(a="Our terms and conditions, or the rules & the habits.").keeper.lexicon()

    assert lexicon.together("Conditions", "terms") and lexicon.together("rules", "habits?")
    assert not lexicon.together("terms", "habits")


def test_only_what_changed_is_read_again_and_what_is_gone_is_forgotten() -> None:
    collection = Collection(a="apple and pear", b="Work from home (WFH)", c="cherry")
    first = collection.keeper.lexicon()
    collection.read.clear()

    assert collection.keeper.lexicon() is first and collection.read == []
    del collection.texts["b"]
    collection.texts["a"] = "plum"
    second = collection.keeper.lexicon()

    assert collection.read == ["a"]
    assert set(second.counts) == {"plum", "cherry", "title"}
    assert second.expansions == {} and not second.together("apple", "pear")
    assert first.counts["apple"] == 1


@pytest.mark.parametrize(("bound", "value"), [("MOST_TERMS", 3), ("MOST_CHARACTERS", 10)])
def test_a_collection_that_is_too_large_gives_an_incomplete_lexicon(
    bound: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, bound, value)
    monkeypatch.setattr(module, "BATCH", 1)

    collection = Collection(**{f"t{number}": f"word{'x' * number} more text" for number in range(20)})

    assert not collection.keeper.lexicon().complete
    assert len(collection.read) < 5


def test_a_collection_is_english_where_nearly_all_of_its_sources_are() -> None:
    mixed = Collection(**{f"t{number}": "text" for number in range(10)})
    mixed.languages |= {"t0": "dutch"}

    assert mixed.keeper.lexicon().english
    mixed.languages |= {"t1": "german"}
    mixed.texts["t1"] = "changed"
    assert not mixed.keeper.lexicon().english


def test_the_terms_of_a_long_text_without_any_letter_are_none() -> None:
    assert list(terms("( " * 10_000 + "1 & 2 and 3 " * 10_000)) == ["and"] * 10_000


@pytest.fixture
def open_base(tmp_path: Path) -> Callable[..., KnowledgeBase]:
    return lambda **tenant: KnowledgeBase(SqliteStore(tmp_path / "kb", **tenant), WordEncoder())


def _document(source: str, text: str) -> Document:
    return Document(text, metadata={"source": source})


def test_the_lexicon_of_a_knowledge_base_follows_ingest_and_delete_of_another_process(
    open_base: Callable[..., KnowledgeBase],
) -> None:
    with open_base() as kb, open_base() as other:
        assert kb.lexicon() == Lexicon(is_word=kb.lexicon().is_word)
        other.ingest([_document("a", "Paid time off (PTO)"), _document("b", "pears")])
        first = kb.lexicon()
        other.delete("a")

        assert first.expansions == {"PTO": "Paid time off"} and "pears" in first.counts
        assert kb.lexicon().expansions == {} and "pears" in kb.lexicon().counts


def test_a_tenant_s_lexicon_knows_no_other_tenant_s_words(open_base: Callable[..., Any]) -> None:
    with open_base(tenant="a") as ours, open_base(tenant="b") as others:
        ours.ingest([_document("a", "apples")])
        others.ingest([_document("a", "pears")])

        assert "apples" in ours.lexicon().counts and "pears" not in ours.lexicon().counts
        assert "pears" in others.lexicon().counts and "apples" not in others.lexicon().counts
