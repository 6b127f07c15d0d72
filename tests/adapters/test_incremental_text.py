from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from ragweave.adapters.incremental_text import TextStream

from .models import real_base, save_tokenizer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tokenizers")


@pytest.fixture(scope="module", params=["byte-level", "fallback", "story"])
def tokenizer(request: pytest.FixtureRequest, folder: Path) -> Any:
    return load(request.param, folder / request.param)


def load(kind: str, folder: Path) -> Any:
    if kind == "byte-level":
        save_tokenizer(folder, 384)
    elif kind == "story":
        real_base(folder)
    else:
        save_fallback(folder)
    return AutoTokenizer.from_pretrained(folder)


def save_fallback(folder: Path) -> None:
    """A tokenizer as Llama 2 has it: spaces are marks, bytes stand in for what is not in the vocabulary."""
    names = ["<unk>", "</s>", "▁", "▁the", "▁Once", "a", "b", "x", ".", "O", "S", "T", "P", "\n"]
    names += [f"<0x{byte:02X}>" for byte in range(256)]
    vocabulary = {name: number for number, name in enumerate(names)}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>", byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    fast: Any = PreTrainedTokenizerFast  # untyped
    fast(tokenizer_object=tokenizer, eos_token="</s>", unk_token="<unk>").save_pretrained(folder)


@pytest.fixture(scope="module")
def byte_level(folder: Path) -> Any:
    return load("byte-level", folder / "one")


@pytest.fixture(scope="module")
def fallback(folder: Path) -> Any:
    return load("fallback", folder / "other")


def whole_text(tokenizer: Any, tokens: list[int]) -> str:
    text: str = tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return text


def encode(tokenizer: Any, text: str) -> list[int]:
    tokens: list[int] = tokenizer.encode(text, add_special_tokens=False)
    return tokens


def pieces(stream: TextStream, tokens: list[int]) -> list[str]:
    """What each token shows, up to the stop, and the rest."""
    shown = []
    for token in tokens:
        shown.append(stream.feed(token))
        if stream.stopped:
            break
    return [*shown, stream.finish()]


def any_tokens(dice: random.Random, tokenizer: Any) -> list[int]:
    return [dice.randrange(len(tokenizer)) for _ in range(dice.randrange(120))]


def bytes_mostly(dice: random.Random, tokenizer: Any) -> list[int]:
    ids = [
        token
        for token in range(len(tokenizer))
        if (name := tokenizer.convert_ids_to_tokens(token)).startswith("<0x") or len(name) == 1
    ]
    return [dice.choice(ids) for _ in range(dice.randrange(120))]


def special_often(dice: random.Random, tokenizer: Any) -> list[int]:
    return [
        dice.choice(tokenizer.all_special_ids) if dice.random() < 0.5 else token
        for token in any_tokens(dice, tokenizer)
    ]


def real_text(dice: random.Random, tokenizer: Any) -> list[int]:
    words = ["Once", " upon", "  a ", "\n", "ein Töpfchen", "日本語", "👩‍👧", "\ufffd", " ", "été", "x"]
    return encode(tokenizer, "".join(dice.choice(words) for _ in range(dice.randrange(40))))


@pytest.mark.parametrize("make", [any_tokens, bytes_mostly, special_often, real_text])
def test_the_pieces_are_the_text_whatever_the_tokens(
    tokenizer: Any, make: Callable[[random.Random, Any], list[int]]
) -> None:
    for seed in range(150):
        tokens = make(random.Random(seed), tokenizer)

        shown = "".join(pieces(TextStream(tokenizer), tokens))

        assert shown == whole_text(tokenizer, tokens), (seed, tokens)


@pytest.mark.parametrize("make", [any_tokens, bytes_mostly, real_text])
def test_the_text_ends_where_the_first_stop_string_begins(
    tokenizer: Any, make: Callable[[random.Random, Any], list[int]]
) -> None:
    stops_met = 0
    for seed in range(200):
        dice = random.Random(seed)
        tokens = make(dice, tokenizer)
        text = whole_text(tokenizer, tokens)
        place = dice.randrange(len(text) + 1)
        stop = [part for part in (text[place : place + dice.randrange(1, 9)], "\n\n\n", "zzz") if part]

        stream = TextStream(tokenizer, stop)
        shown = pieces(stream, tokens)

        fed = whole_text(tokenizer, tokens[: len(shown) - 1]) if stream.stopped else text
        places = [at for one in stop if (at := fed.find(one)) >= 0]
        assert stream.stopped == bool(places), (seed, stop)
        assert "".join(shown) == fed[: min(places, default=None)], (seed, stop)
        stops_met += stream.stopped
    assert stops_met > 50


def test_a_stop_string_is_met_across_tokens_and_nothing_of_it_is_shown(tokenizer: Any) -> None:
    tokens = encode(tokenizer, "Once upon a time. STOP here")
    stream = TextStream(tokenizer, ["never", ". STOP"])

    shown = pieces(stream, tokens)

    assert "".join(shown) == "Once upon a time"
    assert stream.stopped
    assert stream.feed(tokens[0]) == stream.finish() == ""


def test_what_only_looked_like_a_stop_string_is_shown_after_all(byte_level: Any) -> None:
    stream = TextStream(byte_level, ["abcd"])
    tokens = [encode(byte_level, letter)[0] for letter in "xabcab"]

    shown = pieces(stream, tokens)

    assert shown == ["x", "", "", "", "abc", "", "ab"]
    assert not stream.stopped


def test_text_is_shown_as_soon_as_it_is_certain(byte_level: Any) -> None:
    tokens = encode(byte_level, "aé👋b")

    shown = pieces(TextStream(byte_level, ["stop"]), tokens)

    assert shown == ["a", "", "é", "", "", "", "👋", "b", ""]


def test_fallback_bytes_wait_for_the_end_of_their_run(fallback: Any) -> None:
    good = [fallback.convert_tokens_to_ids(name) for name in ("<0xC3>", "<0xA9>")]
    bad = [fallback.convert_tokens_to_ids("<0x80>")]
    word = [fallback.convert_tokens_to_ids("▁the")]

    assert pieces(TextStream(fallback), [*word, *good, *word]) == ["the", "", "", "é the", ""]
    assert pieces(TextStream(fallback), [*word, *good, *bad]) == ["the", "", "", "", "\ufffd" * 3]


def test_a_space_is_dropped_at_the_beginning_alone(fallback: Any) -> None:
    word = fallback.convert_tokens_to_ids("▁the")
    special = fallback.eos_token_id

    shown = pieces(TextStream(fallback), [special, word, *[special] * 40, word, word])

    assert "".join(shown) == "the the the"


def test_a_special_token_is_met_by_its_name(byte_level: Any) -> None:
    tokens = [*encode(byte_level, "Yes."), byte_level.eos_token_id, *encode(byte_level, "More")]
    stream = TextStream(byte_level, ["<|im_end|>", ".x"])

    shown = pieces(stream, tokens)

    assert "".join(shown) == "Yes."
    assert stream.stopped


def test_a_special_token_that_is_text_stands_in_its_place(tokenizer: Any) -> None:
    special = tokenizer.eos_token_id
    tokens = [*encode(tokenizer, "Yes. St"), special, *encode(tokenizer, "On")]

    shown = pieces(TextStream(tokenizer, ["Sto", "b"], named={special: "[CALL]"}), tokens)
    stopped = pieces(TextStream(tokenizer, ["St[C"], named={special: "[CALL]"}), tokens)

    assert "".join(shown) == "Yes. St[CALL]On"
    assert "".join(stopped) == "Yes. "


def test_an_unfinished_character_is_shown_at_the_end(byte_level: Any) -> None:
    tokens = encode(byte_level, "a👋")[:-1]

    assert "".join(pieces(TextStream(byte_level), tokens)) == "a\ufffd"


def test_a_token_that_the_tokenizer_does_not_know_has_no_text(byte_level: Any) -> None:
    tokens = [*encode(byte_level, "ab"), 1_000_000, *encode(byte_level, "c")]

    assert "".join(pieces(TextStream(byte_level), tokens)) == "abc"


class CountingTokenizer:
    """A tokenizer that counts how many tokens it decodes."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.convert_ids_to_tokens = tokenizer.convert_ids_to_tokens
        self.decoded = 0

    def decode(self, tokens: list[int], **options: Any) -> str:
        self.decoded += len(tokens)
        return str(self.tokenizer.decode(tokens, **options))


@pytest.mark.parametrize("text", ["a", "\ufffd"])
def test_a_token_costs_the_same_however_long_the_answer_is(byte_level: Any, text: str) -> None:
    token = encode(byte_level, "a")[0] if text == "a" else byte_level.convert_tokens_to_ids("Ģ")  # byte 0x80
    counting = CountingTokenizer(byte_level)
    stream = TextStream(counting, ["never"])

    shown = "".join(stream.feed(token) for _ in range(2000)) + stream.finish()

    assert shown == text * 2000
    assert counting.decoded < 15 * 2000
