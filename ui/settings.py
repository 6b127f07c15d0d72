"""Settings: flags over environment over `ragweave.toml` over defaults; the only reader of both.

Knows no command and opens nothing. Every default of the command line stands here, once.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from .errors import SettingsError
from .route_settings import RouteSettings, read_routes
from .steps import OFF, STEPS, unknown_step

__all__ = ["FLAGS", "Loaded", "Option", "Settings", "load_settings", "options"]

FILE = "ragweave.toml"
PREFIX = "RAGWEAVE_"
TEST_PREFIX = "RAGWEAVE_TEST_"  # belongs to the tests

# The flags that set an option; the other options are set in the environment or in the file.
FLAGS: Mapping[str, str] = {
    "kb.url": "--kb",
    "kb.tenant": "--tenant",
    "adapters.dir": "--adapters",
    "model.spec": "--model",
    "search.k": "-k",
    "search.alpha": "--alpha",
    "search.mode": "--mode",
    "chain.without": "--without",
    "chain.also": "--also",
    "ui.host": "--host",
    "ui.port": "--port",
}


class Section(BaseModel):
    """A table of the settings file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class KbSettings(Section):
    """Which knowledge base."""

    url: str = Field(
        default=".ragweave/kb", description="Knowledge base: a folder, or a weaviate:// address."
    )
    tenant: str | None = Field(default=None, description="Tenant whose documents alone are seen.")
    timeout: float = Field(default=10.0, gt=0, description="Seconds for one operation on a slow server.")
    api_key: SecretStr | None = Field(default=None, description="Key of the Weaviate server.")


class ModelSettings(Section):
    """Which chat model writes the answers."""

    spec: str = Field(
        default="none",
        description="Chat model: none (quotes), a folder or hub id, http://HOST:PORT/v1#NAME, PROVIDER:NAME.",
    )
    temperature: float | None = Field(
        default=None, ge=0, description="Sampling temperature; if unset, 0, for PROVIDER:NAME its own."
    )
    max_tokens: int | None = Field(
        default=None, gt=0, description="Longest answer in tokens; if unset, 512, for PROVIDER:NAME its own."
    )
    timeout: float | None = Field(
        default=None,
        gt=0,
        description="Seconds for one answer; if unset, 60 for a server, no limit inside this process.",
    )
    api_key: SecretStr | None = Field(default=None, description="Key of the model's server or provider.")
    device: str | None = Field(
        default=None,
        description="Where a model inside this process computes: cpu, cuda, mps; if unset, the fastest.",
    )
    dtype: str | None = Field(
        default=None,
        description="Its numbers: float32, bfloat16, float16; if unset, float32 on a CPU, its own on CUDA.",
    )
    chat_template: str | None = Field(
        default=None, description="File with a Jinja chat template, for a model that has none."
    )


class SearchSettings(Section):
    """How passages are found."""

    k: int = Field(default=8, gt=0, description="Passages to find.")
    alpha: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Weight of vectors against keywords, 0 to 1; the measured default if unset.",
    )
    mode: Literal["hybrid", "keyword", "vector"] = Field(
        default="hybrid", description="hybrid, keyword or vector."
    )


def _step_names(given: object) -> object:
    """Names of steps: a list in the file and from flags, a text with commas in the environment."""
    names = [name.strip() for name in given.split(",")] if isinstance(given, str) else given
    for name in names if isinstance(names, (list, tuple)) else ():
        if told := unknown_step(str(name)):
            raise PydanticCustomError("step", "{told}", {"told": told})
    return names


StepNames = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_step_names)]


class ChainSettings(Section):
    """What a question goes through."""

    without: StepNames = Field(default=(), description=f"Steps to leave out, of {', '.join(STEPS)}.")
    also: StepNames = Field(
        default=(), description=f"Steps to take in that are off at first: {', '.join(sorted(OFF))}."
    )
    reranker: str | None = Field(
        default=None, description="Folder or hub id of a cross-encoder that reorders the passages."
    )
    strict: bool = Field(
        default=False, description="Leave out what a model says and its sources do not support."
    )


class AdapterSettings(Section):
    """Where fine-tuned adapters are."""

    dir: str = Field(
        default=".ragweave/adapters", description="Folder of adapters: a registry, or one of peft folders."
    )
    slots: int = Field(
        default=8, ge=1, description="Adapters that compute at the same time; others wait their turn."
    )


class UiSettings(Section):
    """The web chat."""

    host: str = Field(default="127.0.0.1", description="Address that the web chat listens on.")
    port: int = Field(default=7860, ge=1, le=65535, description="Port of the web chat.")
    title: str = Field(default="Ragweave", min_length=1, description="Title of the page.")
    keys: SecretStr | None = Field(
        default=None,
        description="Keys that open the web chat, separated by commas; needed for a public --host.",
    )


class Settings(BaseSettings):
    """Every option, by section."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
    )

    kb: KbSettings = KbSettings()
    model: ModelSettings = ModelSettings()
    search: SearchSettings = SearchSettings()
    chain: ChainSettings = ChainSettings()
    adapters: AdapterSettings = AdapterSettings()
    ui: UiSettings = UiSettings()
    routes: tuple[RouteSettings, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `load_settings` merged: it asks each source itself, to know where a value came from."""
        return (init_settings,)


@dataclass(frozen=True, slots=True)
class Option:
    """One option as users meet it."""

    name: str  # "ui.port"
    description: str
    default: object
    secret: bool

    @property
    def environment(self) -> str:
        """The variable that sets it."""
        return PREFIX + self.name.replace(".", "_", 1).upper()

    @property
    def flag(self) -> str:
        """The flag that sets it, or an empty string."""
        return FLAGS.get(self.name, "")


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force, and where each of them came from."""

    settings: Settings
    origins: Mapping[str, str]  # option name -> "--port", "RAGWEAVE_UI_PORT", the file's path, or "default"
    file: Path | None

    def value(self, name: str) -> object:
        """The value of an option; for a secret only whether it is set."""
        section, key = name.split(".", 1)
        if section == "routes":
            return next(route.shown() for route in self.settings.routes if route.name == key)
        found: object = getattr(getattr(self.settings, section), key)
        return "(set)" if isinstance(found, SecretStr) else found


def options() -> list[Option]:
    """Every option, in the order of the sections."""
    return [
        Option(f"{section}.{key}", field.description or "", _default(field), _is_secret(field))
        for section, model in _sections().items()
        for key, field in model.model_fields.items()
    ]


def load_settings(flags: Mapping[str, object] | None = None, *, config: Path | None = None) -> Loaded:
    """Merge flags (by option name; None is not given), environment and file.

    `config` replaces `ragweave.toml` of the working directory. Raises `SettingsError` for an unknown key,
    a wrong type, a secret in the file, or a file that cannot be read.
    """
    file, from_file, routes = _read_file(config)
    _check_environment()
    environment = dict(_flatten(EnvSettingsSource(Settings)()))
    merged: dict[str, dict[str, Any]] = {}
    origins = {option.name: "default" for option in options()}
    layers = (
        ({name: str(file) for name in from_file}, from_file),
        ({option.name: option.environment for option in options()}, environment),
        (FLAGS, {name: value for name, value in (flags or {}).items() if value is not None}),
    )
    for names, values in layers:
        for name, value in values.items():
            section, key = name.split(".", 1)
            merged.setdefault(section, {})[key] = value
            origins[name] = names[name]
    origins |= {f"routes.{route.name}": str(file) for route in routes}
    try:
        return Loaded(Settings.model_validate({**merged, "routes": routes}), origins, file)
    except ValidationError as error:
        raise _wrong_value(error, origins) from error


def _sections() -> dict[str, type[Section]]:
    return {
        name: field.annotation
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
    }


def _default(field: FieldInfo) -> object:
    return None if field.default == () else field.default  # an empty list is no value to show


def _is_secret(field: FieldInfo) -> bool:
    return SecretStr in getattr(field.annotation, "__args__", (field.annotation,))


def _flatten(tables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for section, table in tables.items():
        for key, value in table.items():
            yield f"{section}.{key}", value


def _read_file(config: Path | None) -> tuple[Path | None, dict[str, Any], tuple[RouteSettings, ...]]:
    file = config or Path(FILE)
    if config is None and not file.is_file():
        return None, {}, ()
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # tomllib's and Unicode's errors are ValueErrors
        raise SettingsError(
            f"The settings file {file} cannot be read: {error}.",
            remedy="Give --config the path of a TOML file, or correct the line named.",
        ) from error
    known = {option.name: option for option in options()}
    routes = read_routes(tables.pop("routes", []), file)
    for section, table in tables.items():
        if section not in _sections() or not isinstance(table, dict):
            raise _unknown(section, f"in {file}", [*_sections(), "routes"], "table")
        for key in table:
            name = f"{section}.{key}"
            if name not in known:
                raise _unknown(name, f"in {file}", list(known), "option")
            if known[name].secret:
                raise SettingsError(
                    f"{file} holds the secret {name}.",
                    remedy=f"Delete it there and set it in the environment: {known[name].environment}.",
                )
    return file, dict(_flatten(tables)), routes


def _check_environment() -> None:
    known = [option.environment for option in options()]
    for name in sorted(os.environ):
        upper = name.upper()
        if upper.startswith(PREFIX) and not upper.startswith(TEST_PREFIX) and upper not in known:
            raise _unknown(name, "in the environment", known, "variable")


def _unknown(name: str, where: str, known: list[str], kind: str) -> SettingsError:
    close = get_close_matches(name, known, n=1, cutoff=0.0)  # always names one
    return SettingsError(
        f"Unknown {kind} {name!r} {where}.",
        remedy=f"Did you mean {close[0]!r}? `ragweave config show` lists every option.",
    )


def _sentence(message: str) -> str:
    return message if message.endswith("?") else f"{message.lower()}."


def _wrong_value(error: ValidationError, origins: Mapping[str, str]) -> SettingsError:
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"][:2])
    option = next((option for option in options() if option.name == name), None)
    given = "its value" if option is None or option.secret else repr(first["input"])
    return SettingsError(
        f"The setting {name} ({origins.get(name, 'default')}) cannot be {given}: {_sentence(first['msg'])}",
        remedy=f"{option.description if option else ''} Default: {option.default if option else ''}.".strip(),
    )
