"""Settings: which of flag, environment, file and default wins, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragweave.ui.errors import SettingsError
from ragweave.ui.settings import load_settings, options

pytestmark = pytest.mark.usefixtures("workplace")


def write(text: str, file: str = "ragweave.toml") -> Path:
    Path(file).write_text(text, encoding="utf-8")
    return Path(file)


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write('[ui]\nport = 1001\nhost = "::1"\n[kb]\nurl = "file"\ntenant = "file"\n')
    monkeypatch.setenv("RAGWEAVE_KB_URL", "environment")
    monkeypatch.setenv("RAGWEAVE_UI_PORT", "1002")

    loaded = load_settings({"ui.port": 1003, "ui.host": None})

    assert (loaded.settings.ui.port, loaded.origins["ui.port"]) == (1003, "--port")
    assert (loaded.settings.kb.url, loaded.origins["kb.url"]) == ("environment", "RAGWEAVE_KB_URL")
    assert (loaded.settings.kb.tenant, loaded.origins["kb.tenant"]) == ("file", "ragweave.toml")
    assert (loaded.settings.ui.host, loaded.origins["ui.host"]) == ("::1", "ragweave.toml")
    assert (loaded.settings.search.k, loaded.origins["search.k"]) == (8, "default")


def test_another_file_replaces_the_one_of_the_working_directory() -> None:
    write("[search]\nk = 3\n")
    other = write("[search]\nalpha = 0.3\n", "other.toml")

    loaded = load_settings(config=other)

    assert (loaded.settings.search.k, loaded.settings.search.alpha, loaded.file) == (8, 0.3, other)


def test_steps_are_a_list_in_the_file_and_a_text_with_commas_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write('[chain]\nwithout = ["ground"]\nalso = ["freshness"]\n')
    monkeypatch.setenv("RAGWEAVE_CHAIN_WITHOUT", "rerank, filter")

    chain = load_settings().settings.chain

    assert (chain.without, chain.also) == (("rerank", "filter"), ("freshness",))


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGWEAVE_UI_PORT", "")

    assert load_settings().settings.ui.port == 7860


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[ui]\nprt = 1", r"Unknown option 'ui.prt' in ragweave.toml. Did you mean 'ui.port'\?"),
        ("[uj]\nport = 1", r"Unknown table 'uj' in ragweave.toml. Did you mean 'ui'\?"),
        ("port = 1", "Unknown table 'port'"),
        ("ui = 1", "Unknown table 'ui'"),
        ('[kb]\napi_key = "s3cret"', "holds the secret kb.api_key.*environment: RAGWEAVE_KB_API_KEY"),
        ("[ui\n", "ragweave.toml cannot be read"),
        ('[chain]\nwithout = ["rerenk"]', r"there is no step 'rerenk', did you mean 'rerank'\?"),
        ("[chain]\nalso = 3", r"chain.also \(ragweave.toml\) cannot be 3"),
        ("[ui]\nport = 70000", r"ui.port \(ragweave.toml\) cannot be 70000.*Default: 7860"),
        ('[search]\nmode = "fuzzy"', "search.mode .*cannot be 'fuzzy'.*'hybrid', 'keyword' or 'vector'"),
        ("[search]\nk = 0", "search.k .*cannot be 0"),
    ],
)
def test_a_wrong_file_is_an_error_that_says_what_is_right(text: str, message: str) -> None:
    write(text)

    with pytest.raises(SettingsError, match=message) as raised:
        load_settings()

    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("RAGWEAVE_UI_PRT", "RAGWEAVE_UI_PORT"),
        ("RAGWEAVE_KB", "RAGWEAVE_KB_URL"),
        ("RAGWEAVE_MODEL_KEY", "RAGWEAVE_MODEL_API_KEY"),
        ("RAGWEAVE_TESTS", "RAGWEAVE_"),
    ],
)
def test_an_unknown_variable_is_an_error_that_names_the_nearest(
    name: str, nearest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")

    with pytest.raises(SettingsError, match=f"Unknown variable '{name}'.*Did you mean '{nearest}"):
        load_settings()


def test_variables_of_the_tests_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGWEAVE_TEST_REQUIRE", "weaviate")

    assert load_settings().file is None


def test_a_missing_file_that_was_named_is_an_error() -> None:
    with pytest.raises(SettingsError, match="nowhere.toml cannot be read"):
        load_settings(config=Path("nowhere.toml"))


def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = [option for option in options() if option.secret]
    for option in secrets:
        monkeypatch.setenv(option.environment, "s3cret")

    loaded = load_settings()

    assert {loaded.value(option.name) for option in secrets} == {"(set)"}
    assert "s3cret" not in repr(loaded)


def test_there_are_at_most_25_options_and_each_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"search.mode": "vector", "search.alpha": "1", "ui.port": "9"}
    values |= {"chain.without": "rerank", "chain.also": "freshness", "chain.strict": "true"}
    for option in options():
        monkeypatch.setenv(option.environment, values.get(option.name, "7"))

    loaded = load_settings()

    assert len(options()) <= 25
    assert set(loaded.origins.values()) == {option.environment for option in options()}
    assert all(loaded.value(option.name) != option.default for option in options())
