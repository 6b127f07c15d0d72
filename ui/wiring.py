"""From settings to a knowledge base, a chat model and a chain. Reads neither files nor environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urlsplit

from .errors import ModelError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import Runnable

    from ragweave.chains import KnowledgeBase

    from .settings import ModelSettings, Settings

__all__ = ["open_chain", "open_kb", "open_model"]

PROVIDER = re.compile(r"[a-z][a-z0-9_-]*:[^/\\].*")
FORMS = "Use none (quotes), http://HOST:PORT/v1#NAME (any OpenAI-compatible server) or PROVIDER:NAME."


def open_kb(settings: Settings) -> KnowledgeBase:
    """The knowledge base that the settings name."""
    from ragweave.chains import KnowledgeBase

    kb = settings.kb
    key = kb.api_key.get_secret_value() if kb.api_key else None
    return KnowledgeBase.open(kb.url, tenant=kb.tenant, api_key=key, timeout=kb.timeout)


def open_chain(settings: Settings, kb: KnowledgeBase) -> Runnable[Any, Any]:
    """The chain over this knowledge base, with the chat model that the settings name."""
    from ragweave.chains import rag_chain

    search = settings.search
    retriever = kb.as_retriever(k=search.k, alpha=search.alpha, mode=search.mode)
    return rag_chain(open_settings_model(settings.model), retriever)


def open_settings_model(model: ModelSettings) -> BaseChatModel | None:
    """The chat model that the settings name."""
    return open_model(
        model.spec,
        api_key=model.api_key.get_secret_value() if model.api_key else None,
        temperature=model.temperature,
        max_tokens=model.max_tokens,
        timeout=model.timeout,
    )


def open_model(
    spec: str,
    *,
    api_key: str | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    timeout: float = 60.0,
) -> BaseChatModel | None:
    """The chat model of a `--model` value; None for `none`, which answers in quotes.

    Raises `ModelError` where the value has no known form, its package is missing, or a key is.
    """
    sampling = {"temperature": temperature, "max_tokens": max_tokens, "timeout": timeout, "max_retries": 2}
    given = {name: value for name, value in sampling.items() if value is not None}
    if spec in ("", "none"):
        return None
    if spec.startswith(("http://", "https://")):
        return _server_model(spec, api_key, given)
    if PROVIDER.fullmatch(spec):
        return _provider_model(spec, api_key, given)
    raise ModelError(
        f"--model {spec!r} names a folder or a model of the Hugging Face hub: models inside this process "
        "come with the adapters, in a later release.",
        remedy=FORMS,
    )


def _server_model(spec: str, api_key: str | None, given: dict[str, Any]) -> BaseChatModel:
    address, name = urldefrag(spec)
    if not name or not urlsplit(address).hostname:
        raise ModelError(
            f"--model {spec!r} names no {'model' if not name else 'host'}.",
            remedy=f"Write http://HOST:PORT/v1#NAME; NAME is one that {address.rstrip('/')}/models lists.",
        )
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    # Servers without keys still get one: the client refuses to start without.
    return ChatOpenAI(base_url=address, model=name, api_key=SecretStr(api_key or "none"), **given)


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
