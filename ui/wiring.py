"""From settings to a knowledge base, a chat model and a chain. Reads no environment and no settings file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard
from urllib.parse import urldefrag, urlsplit

from .errors import ModelError, SettingsError, UsageError
from .route_settings import made_routes
from .steps import left_out

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import Runnable

    from ragweave.adapters import ChatLora
    from ragweave.chains import KnowledgeBase

    from .settings import Settings

__all__ = [
    "check_adapter",
    "how_to_fill",
    "open_chain",
    "open_kb",
    "open_model",
    "settings_model",
    "steps_off",
    "takes_adapters",
]

PROVIDER = re.compile(r"[a-z][a-z0-9_-]*:[^/\\].*")
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
FORMS = (
    "Use none (quotes), a folder or hub id of a Hugging Face model, http://HOST:PORT/v1#NAME (any "
    "OpenAI-compatible server) or PROVIDER:NAME."
)
FLOOR = 0.25  # cosine; the right passage is above .30 for 95 % of the questions of three public sets
SERVER_SECONDS = 60.0  # a server that says nothing for so long is given up


def open_kb(settings: Settings, url: str = "") -> KnowledgeBase:
    """The knowledge base that the settings name, or one of their routes' by its `url`."""
    from ragweave.chains import KnowledgeBase

    kb = settings.kb
    key = kb.api_key.get_secret_value() if kb.api_key else None
    return KnowledgeBase.open(url or kb.url, tenant=kb.tenant, api_key=key, timeout=kb.timeout)


@contextmanager
def open_chain(
    settings: Settings,
    kb: KnowledgeBase,
    model: BaseChatModel | None,
    *,
    note: Callable[[str], None] = lambda text: None,
) -> Iterator[Runnable[Any, Any]]:
    """The chain over this knowledge base, with this chat model; those of its routes are closed afterwards.

    `note` is told of routes' knowledge bases that hold nothing.
    """
    from ragweave.chains import CrossEncoderReranker, Rerank, ScoreFilter, SentenceRanker, rag_chain

    steps = settings.chain
    judge = CrossEncoderReranker(steps.reranker) if steps.reranker else SentenceRanker(kb.encoder)
    with ExitStack() as opened:
        kbs = _with_those_of_routes(settings, kb, model, opened)
        for route in settings.routes:
            if route.kb and route.kb != settings.kb.url and not kbs[route.kb].count():
                note(f"The route {route.name!r} searches an empty knowledge base. {how_to_fill(route.kb)}")
        retrievers = {url: _retriever(settings, one) for url, one in kbs.items()}
        chain = rag_chain(
            model,
            _where_no_route_fits(settings, kb, retrievers),
            route=made_routes(settings.routes, retrievers) if settings.routes else "auto",
            filter=ScoreFilter(floor=FLOOR),
            freshness="auto",
            rerank=Rerank(judge),
            strict=steps.strict,
        )
        # A call's own `without` stands instead of this one.
        yield chain.with_config(configurable={"without": steps_off(settings)})


def how_to_fill(url: str) -> str:
    """What to do about a knowledge base without documents."""
    return f"{url} holds no documents. Add some: ragweave ingest PATH --kb {url}"


def steps_off(settings: Settings) -> list[str]:
    """The steps that are left out unless a question takes them in; a reranker that was named is wanted."""
    steps = settings.chain
    return left_out(steps.without, [*steps.also, *(["rerank"] if steps.reranker else [])])


def _retriever(settings: Settings, kb: KnowledgeBase) -> Any:
    search = settings.search
    return kb.as_retriever(k=search.k, alpha=search.alpha, mode=search.mode)


def _with_those_of_routes(
    settings: Settings, kb: KnowledgeBase, model: BaseChatModel | None, opened: ExitStack
) -> dict[str, KnowledgeBase]:
    """The chain's knowledge base and those that the settings' routes name, open, by their addresses."""
    for one in settings.routes:
        if one.adapter and not takes_adapters(model):
            raise SettingsError(
                f"The route {one.name!r} names the adapter {one.adapter!r}, "
                f"but --model {settings.model.spec} takes none.",
                remedy="Give --model a folder or hub id of a base model, or http://HOST:PORT/v1#NAME.",
            )
    kbs = {settings.kb.url: kb}
    for url in dict.fromkeys(one.kb for one in settings.routes if one.kb):
        if url not in kbs:
            kbs[url] = opened.enter_context(open_kb(settings, url))
    return kbs


def _where_no_route_fits(settings: Settings, kb: KnowledgeBase, retrievers: Mapping[str, Any]) -> Any:
    """The main knowledge base; all of them where only the routes' hold documents."""
    from ragweave.chains import SeveralRetrievers

    if len(retrievers) == 1 or kb.count():
        return retrievers[settings.kb.url]
    return SeveralRetrievers(retrievers, k=settings.search.k)


@contextmanager
def settings_model(settings: Settings) -> Iterator[BaseChatModel | None]:
    """The chat model that the settings name; what it holds is given back afterwards."""
    chosen, adapters = settings.model, settings.adapters
    folder = Path(adapters.dir).expanduser()
    # A server has adapters of its own; it loads those of a folder only where one was named.
    own = "://" not in chosen.spec or adapters.dir != type(adapters).model_fields["dir"].default
    local = {
        "slots": adapters.slots,
        "device": chosen.device,
        "dtype": chosen.dtype,
        "chat_template": chosen.chat_template,
    }
    model = open_model(
        chosen.spec,
        api_key=chosen.api_key.get_secret_value() if chosen.api_key else None,
        temperature=chosen.temperature,
        max_tokens=chosen.max_tokens,
        timeout=chosen.timeout,
        registry=folder if own and folder.is_dir() else None,
        local={name: value for name, value in local.items() if value is not None},
    )
    try:
        yield model
    finally:
        if takes_adapters(model):
            model.close()


def open_model(
    spec: str,
    *,
    api_key: str | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    timeout: float | None = None,
    registry: Path | None = None,
    local: Mapping[str, Any] | None = None,
) -> BaseChatModel | None:
    """The chat model of a `--model` value; None for `none`, which answers in quotes.

    `registry` is the folder of its adapters, `local` holds the arguments of `ChatLora` that a model inside
    this process has. Raises `ModelError` where the
    value has no known form, its package is missing, or a key is.
    """
    sampling = {"temperature": temperature, "max_tokens": max_tokens, "timeout": timeout}
    given: dict[str, Any] = {name: value for name, value in sampling.items() if value is not None}
    if spec in ("", "none"):
        return None
    if spec.startswith(("http://", "https://")):
        return _server_model(spec, api_key, {"timeout": SERVER_SECONDS, "registry": registry} | given)
    if PROVIDER.fullmatch(spec):
        return _provider_model(spec, api_key, {"timeout": SERVER_SECONDS, "max_retries": 2} | given)
    from ragweave.adapters import ChatLora

    return ChatLora(_folder_or_hub_id(spec), registry=registry, **given, **(local or {}))


def takes_adapters(model: object) -> TypeGuard[ChatLora]:
    """Whether a model is one of ours, whose adapters can be listed and asked for."""
    return callable(getattr(model, "list_adapters", None))


def check_adapter(model: BaseChatModel | None, name: str, spec: str) -> None:
    """Raise before anything is searched where the model has no such adapter, whatever it is asked.

    Raises `UsageError` for a model that takes none, `UnknownAdapter` for a name that it does not have.
    """
    from ragweave.adapters import UnknownAdapter

    if name in ("", "base"):
        return
    if not takes_adapters(model):
        raise UsageError(
            f"--adapter {name!r} was given, but --model {spec} takes no adapters.",
            remedy="Give --model a folder or hub id of a base model, or http://HOST:PORT/v1#NAME.",
        )
    plain = name.partition("@")[0]
    known = [info.name for info in model.list_adapters()]
    if plain not in known:
        raise UnknownAdapter(name, known)


def _folder_or_hub_id(spec: str) -> str:
    """The value as it is, where it can be one of the two; a misspelt path is never taken for a hub id."""
    folder = Path(spec).expanduser()
    if folder.is_dir():
        return str(folder)
    if folder.exists():
        raise ModelError(f"--model {spec!r} is a file.", remedy="Give the folder that it lies in.")
    if HUB_ID.fullmatch(spec) and ("/" not in spec or not folder.parent.is_dir()):
        return spec
    there = [one.name for one in folder.parent.iterdir() if one.is_dir()] if folder.parent.is_dir() else []
    close = get_close_matches(folder.name, there, n=1)
    raise ModelError(
        f"--model {spec!r} names no folder, and is no other known form.",
        remedy=f"Did you mean {str(folder.parent / close[0])!r}? {FORMS}" if close else FORMS,
    )


def _server_model(spec: str, api_key: str | None, given: dict[str, Any]) -> BaseChatModel:
    address, name = urldefrag(spec)
    if not name or not urlsplit(address).hostname:
        raise ModelError(
            f"--model {spec!r} names no {'model' if not name else 'host'}.",
            remedy=f"Write http://HOST:PORT/v1#NAME; NAME is one that {address.rstrip('/')}/models lists.",
        )
    from ragweave.adapters import ChatLora

    return ChatLora(spec, api_key=api_key, **given)


def _provider_model(spec: str, api_key: str | None, given: dict[str, Any]) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    if api_key:
        given["api_key"] = api_key
    try:
        model: BaseChatModel = init_chat_model(spec, **given)
    except ImportError as error:
        package = re.search(r"langchain[-_]\w+", str(error))
        name = package.group().replace("_", "-") if package else f"langchain-{spec.split(':')[0]}"
        raise ModelError(
            f"--model {spec!r} needs the package {name}, which is not installed.",
            remedy=f"Install it: pip install {name}.",
        ) from error
    except ValueError as error:  # an unknown provider, or a value that its model does not take
        raise ModelError(
            f"--model {spec!r} cannot be opened: {' '.join(str(error).split())}", remedy=FORMS
        ) from error
    return model
