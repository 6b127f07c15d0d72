"""The analyser: words, folding, stems, stop words, scripts without blanks, languages."""

from __future__ import annotations

import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest

from ragweave.chains.analyser import detect_language, document_tokens, query_tokens

LANGUAGES = {
    "english": "Every employee is entitled to twenty days of paid leave, which must be taken this year.",
    "french": "Le personnel a droit à vingt jours de congé payé, et la demande est à faire dans le mois.",
    "german": "Die Angestellten haben einen Anspruch auf zwanzig Tage Urlaub, der abzusprechen ist.",
    "spanish": "Los empleados tienen derecho a veinte días de vacaciones, que se deben pedir con un mes.",
    "italian": "Il personale ha diritto a venti giorni di ferie, che si devono chiedere con un mese.",
    "portuguese": "Os trabalhadores têm direito a vinte dias de férias, que não podem ser pagos em dinheiro.",
    "dutch": "De medewerkers hebben recht op twintig dagen verlof, en het moet worden gevraagd.",
    "swedish": "De anställda har rätt till tjugo dagars semester, och det är viktigt att den tas ut.",
    "polish": "Pracownicy mają prawo do dwudziestu dni urlopu i nie jest to zależne od stażu, jak długo są.",
    "turkish": "Çalışanlar yılda yirmi gün izin hakkına sahiptir ve bu izin için bir dilekçe gerekir.",
    "russian": "Работники имеют право на двадцать дней отпуска, и заявление нужно подать за месяц до начала.",
    "greek": "Οι εργαζόμενοι δικαιούνται είκοσι ημέρες άδειας με αποδοχές.",
    "hindi": "कर्मचारियों को बीस दिन की छुट्टी का अधिकार है और यह एक साल में लेनी होती है।",
    "arabic": "يحق للموظفين الحصول على عشرين يوما من الإجازة في السنة و لا يجوز نقلها إلى سنة أخرى",
}


def test_english_words_are_lowered_and_stemmed() -> None:
    assert document_tokens("Employees were REQUESTING leaves", "english") == [
        "employe",
        "were",
        "request",
        "leav",
    ]


def test_repeats_stay_in_documents_and_go_in_questions() -> None:
    text = "leave after leave"

    assert document_tokens(text, "english") == ["leav", "after", "leav"]
    assert query_tokens(text, ["english"]) == ["leav", "after"]


@pytest.mark.parametrize("question", ["How do I apply for leave?", "what's leave, and who applies for it"])
def test_question_words_are_left_out(question: str) -> None:
    assert sorted(query_tokens(question, ["english"])) == ["appli", "leav"]


def test_a_question_of_stop_words_only_keeps_them() -> None:
    tokens = query_tokens("To be or not to be?", ["english"])

    assert tokens == ["to", "be", "or", "not"]
    assert set(tokens) <= set(document_tokens("To be, or not to be: that is the question.", "english"))


def test_questions_find_words_with_and_without_accents() -> None:
    text = "La información sobre las bonificaciones"

    tokens = set(document_tokens(text, "spanish"))

    for question in (
        "información",
        "informacion",
        "Informaciones",
        "INFORMACIÓN",
        "bonificación",
        "bonificacion",
    ):
        assert tokens & set(query_tokens(question, ["spanish"])), question


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("café", "cafe\u0301"),  # composed and decomposed
        ("ﬁne", "fine"),  # ligature
        ("ＦＵＬＬ", "full"),  # full width
        ("Straße", "STRASSE"),
        ("résumés", "resume"),
        ("max_threads", "maxThreads"),
        ("student’s", "students"),
        ("Ørsted", "orsted"),
    ],
)
def test_spellings_of_one_word_share_a_token(one: str, other: str) -> None:
    assert set(document_tokens(one, "english")) & set(document_tokens(other, "english"))


def test_code_names_are_found_by_their_parts_and_whole() -> None:
    tokens = document_tokens("langchain_core.documents and getUserName", "english")

    assert tokens == [
        "langchain", "core", "langchaincor", "document", "and", "get", "user", "name", "getusernam"
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["siRNA", "iPhone", "pH", "H100", "CO2"])
def test_short_mixed_names_stay_whole(word: str) -> None:
    assert len(document_tokens(word, "english")) == 1


def test_contractions_are_function_words() -> None:
    assert query_tokens("why don't they've it's students' exams", ["english"]) == ["student", "exam"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("東京都に", ["東京", "京都", "都に"]),
        ("猫", ["猫"]),
        ("iPhone手机", ["iphon", "手机"]),
        ("ภาษา", ["ภา", "าษ", "ษา"]),
        ("학교에서", ["학교", "교에", "에서"]),
    ],
)
def test_scripts_without_blanks_come_in_bigrams(text: str, expected: list[str]) -> None:
    assert document_tokens(text, "english") == expected
    assert query_tokens(text, ["english"]) == expected


def test_vowel_signs_do_not_cut_words() -> None:
    assert document_tokens("हिन्दी", "english") == ["हिन्दी"]


@pytest.mark.parametrize(
    "text",
    [
        "a\u00a0b\u2003c\u200bd",
        "x_y __init__ _ a'b' 'quoted' don't",
        "🙂👍🏽 ©®™ ½ ² ①",
        '"quotes" AND OR NOT NEAR(x) col:val *^-+',
        "\x00\x1f\x85\ud800",
        "e" * 100_000,
        "हिन्दी ภาษา العَرَبِيَّة עִבְרִית Ελληνικά й",
    ],
)
def test_tokens_hold_letters_digits_and_marks_only(text: str) -> None:
    tokens = document_tokens(text, "english") + query_tokens(text, ["english", "german"])

    for token in tokens:
        assert 0 < len(token) <= 64
        assert all(unicodedata.category(character)[0] in "LNM" for character in token), repr(token)


@pytest.mark.parametrize("text", ["", "   \n", "🙂", "!?…", "\u0301"])
def test_text_without_words_has_no_tokens(text: str) -> None:
    assert query_tokens(text, ["english"]) in ([], ["\u0301"])
    assert len(document_tokens(text, "english")) <= 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_language_of_a_sentence_is_told(language: str) -> None:
    assert detect_language(LANGUAGES[language]) == language


@pytest.mark.parametrize(
    "text", ["", "Die Hard", "El Niño and La Niña", "x = foo(bar, 3)", "2024-01-01", "東京"]
)
def test_what_says_nothing_of_its_language_is_english(text: str) -> None:
    assert detect_language(text) == "english"


def test_a_mixed_base_is_asked_in_each_of_its_languages() -> None:
    tokens = query_tokens("Kündigungen", ["english", "german"])

    assert set(document_tokens("Die Kündigung", "german")) & set(tokens)


def test_stop_words_of_another_language_stay_content() -> None:
    tokens = query_tokens("How do bees die?", ["english", "german"])

    assert "die" in tokens
    assert "how" not in tokens


def test_a_base_without_documents_takes_questions_for_english() -> None:
    assert query_tokens("How does indexing work", []) == ["index", "work"]


def test_threads_find_the_same_stems() -> None:
    words = [
        f"{stem}{ending}" for stem in ("organi", "kündig", "connect") for ending in ("sations", "ungen", "ed")
    ]
    texts = [" ".join(f"{word}{number}s {word}" for word in words) for number in range(200)]
    alone = [document_tokens(text, "german") for text in texts]

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda text: document_tokens(text + " ", "german"), texts * 3))

    assert together == alone * 3
