"""The web chat: layout, events and the FastAPI application around them.

Gradio carries questions, answers and files; the scripts beside draw what the callbacks yield as text nodes.
No search and no model call stands here.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fastapi import FastAPI
from langchain_core.runnables import Runnable

from .callbacks import ask, failure_sentence, new_request_id
from .page_api import ListAdapters, PageApi
from .security import Guard
from .uploads import UPLOAD_MEGABYTES, UploadEvent

if TYPE_CHECKING:
    import gradio as gr

    from ragweave.chains import KnowledgeBase

__all__ = ["create_app", "serve"]

log = logging.getLogger(__name__)

HERE = Path(__file__).parent
THREADS = 64  # Gradio stays at 40 however high its limits are
ANSWERS = 32  # at once; its own default is 1
QUESTION_CHARACTERS = 100_000
HEAD = """<link rel="icon" type="image/svg+xml" href="/page/icon.svg">
<link rel="stylesheet" href="/page/style.css?{version}">
<script type="module" src="/page/script.js?{version}"></script>"""


def create_app(
    kb: KnowledgeBase,
    chain: Runnable[Any, Any],
    *,
    title: str = "Ragweave",
    keys: Sequence[str] = (),
    model_name: str = "",
    adapters: ListAdapters | None = None,
    without: Collection[str] | None = None,
) -> FastAPI:
    """The web chat over a knowledge base and a chain, ready for any ASGI server.

    With `adapters`, the `list_adapters` of the chain's model, people choose who words each answer. With
    `without`, the steps that the chain leaves out by itself, people switch steps on and off. Without
    `keys` the page answers to this machine's own names only; with them, to whoever signs in with one.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read while gradio is imported
    import gradio as gr
    from starlette.middleware.cors import CORSMiddleware

    api = PageApi(kb, chain, title=title, model_name=model_name, adapters=adapters, without=without)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        api.warm_up()  # so that the first visitor already finds examples
        yield

    app = FastAPI(title=title, docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.add_middleware(CORSMiddleware, allow_origins=[])  # present, so that Gradio does not open its own
    app.add_middleware(Guard, keys=tuple(keys), title=title)
    app.include_router(api.router())
    page = _page(title, _ask(chain, api), _upload(kb, api))
    page.max_threads = THREADS
    page.queue(max_size=200, default_concurrency_limit=ANSWERS)
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        theme=_theme(),
        head=HEAD.format(version=api.version),
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=UPLOAD_MEGABYTES * 2**20,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        pwa=False,
    )
    return app


def serve(app: FastAPI, *, host: str, port: int) -> None:
    """Serve until interrupted; says the address on standard error once it answers."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            if self.started:
                shown = f"[{host}]" if ":" in host else host
                sys.stderr.write(f"Ragweave is ready: http://{shown}:{port}\n")
                sys.stderr.flush()

    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", server_header=False, timeout_graceful_shutdown=3
    )
    Server(config).run()


def _theme() -> gr.themes.Base:
    import gradio as gr

    return gr.themes.Base(
        font=["system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )


def _page(title: str, on_ask: Callable[..., Any], on_upload: Callable[..., Any]) -> gr.Blocks:
    """Three columns for the script to fill, the composer, and the hidden channels between the two."""
    import gradio as gr

    with gr.Blocks(title=title, analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600)) as page:
        with gr.Column(elem_id="rw-app"):
            gr.Column(elem_id="rw-nav")
            with gr.Row(elem_id="rw-columns"):
                gr.Column(elem_id="rw-conversations")
                with gr.Column(elem_id="rw-main"):
                    gr.Column(elem_id="rw-thread")
                    with gr.Row(elem_id="rw-composer"):
                        upload = gr.UploadButton(
                            "Add documents",
                            file_count="multiple",
                            elem_id="rw-upload",
                            size="sm",
                            min_width=0,
                        )
                        question = gr.Textbox(
                            label="Question",
                            placeholder="Ask about your documents",
                            lines=1,
                            max_lines=8,
                            max_length=QUESTION_CHARACTERS,
                            autofocus=True,
                            container=False,
                            elem_id="rw-question",
                        )
                        send = gr.Button("Send", variant="primary", elem_id="rw-send", size="sm", min_width=0)
                        stop = gr.Button("Stop", elem_id="rw-stop", size="sm", min_width=0)
                gr.Column(elem_id="rw-sources")
            gr.Column(elem_id="rw-library")
        history = gr.Textbox(visible="hidden", elem_id="rw-history", label="History")
        channels = ("rw-turn", "rw-cards", "rw-trace", "rw-receipt")
        turn, sources, trace, receipt = (_channel(name) for name in channels)
        asked = gr.on(
            [question.submit, send.click],
            on_ask,
            inputs=[question, history],
            outputs=[question, turn, sources, trace],
            show_progress="hidden",
            concurrency_limit=ANSWERS,
            api_visibility="private",
        )
        stop.click(None, cancels=[asked], api_visibility="private")
        upload.upload(
            on_upload,
            inputs=[upload],
            outputs=[upload, receipt],
            show_progress="hidden",
            concurrency_limit=2,
            api_visibility="private",
        )
    return cast(gr.Blocks, page)  # what `with` gives is untyped


def _channel(elem_id: str) -> gr.Markdown:
    """A hidden place whose one element carries a JSON value to the script."""
    import gradio as gr

    # Our own markup around attribute-escaped JSON; the sanitiser would drop the data attribute.
    return gr.Markdown("", visible="hidden", elem_id=elem_id, sanitize_html=False, latex_delimiters=[])


def message(value: Any) -> str:
    """A value as the markup of a channel: one line, every character that HTML or Markdown knows escaped."""
    text = json.dumps(value, ensure_ascii=True)
    safe = "".join(char if char.isalnum() else f"&#{ord(char)};" for char in text)
    return f'<div data-json="{safe}"></div>'


def _ask(chain: Runnable[Any, Any], api: PageApi) -> Callable[[str, str], Iterator[tuple[Any, ...]]]:
    import gradio as gr

    def on_ask(question: str, history: str) -> Iterator[tuple[Any, ...]]:
        if not question.strip():
            return
        request_id, first = new_request_id(), True
        given = _history(history)
        updates = ask(
            chain,
            question,
            given["messages"],
            adapter=given["adapter"],
            without=given["without"] if api.switchable else None,
            request_id=request_id,
            name=api.uploads.name,
        )
        for update in updates:
            value = asdict(update) | {name: given[name] for name in ("replaces", "conversation")}
            cards, trace = value.pop("sources"), value.pop("trace")
            yield (
                "" if first else gr.skip(),
                message(value),
                gr.skip() if cards is None else message({"id": request_id, "sources": cards}),
                gr.skip() if trace is None else message({"id": request_id, "trace": trace}),
            )
            first = False

    return on_ask


def _history(text: str) -> dict[str, Any]:
    """What the page says of the conversation so far; nothing, if it is not what the page would say."""
    try:
        given = json.loads(text or "{}")
        messages = [
            {"role": str(one["role"]), "content": str(one["content"])} for one in given.get("messages", [])
        ]
        adapter, without = given.get("adapter"), given.get("without")
        return {
            "messages": messages,
            "replaces": str(given.get("replaces", "")),
            "conversation": str(given.get("conversation", "")),
            "adapter": None if adapter is None else str(adapter),
            "without": None if without is None else [str(step) for step in without],
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        return {"messages": [], "replaces": "", "conversation": "", "adapter": None, "without": None}


def _upload(kb: KnowledgeBase, api: PageApi) -> Callable[[list[str] | None], Iterator[tuple[Any, Any]]]:
    import gradio as gr

    def on_upload(files: list[str] | None) -> Iterator[tuple[Any, Any]]:
        request_id = new_request_id()
        pairs = [(Path(file), getattr(file, "orig_name", None) or Path(file).name) for file in files or []]
        try:
            for event in api.uploads.add(kb, pairs):
                yield gr.skip(), message(event.as_dict() | {"id": request_id})
        except Exception as error:  # the edge: shown as one sentence
            log.exception("Upload %s failed", request_id)
            failure = {"name": "", "reason": failure_sentence(error), "remedy": f"Request {request_id}."}
            lost = UploadEvent(finished=True, total=len(pairs), failed=(failure,))
            yield gr.skip(), message(lost.as_dict() | {"id": request_id})
        yield None, gr.skip()

    return on_upload
