from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import NoReturn

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from ragweave.adapters import AdapterError
from ragweave.ui.app import create_app, message
from ragweave.ui.feedback import FeedbackStore
from ragweave.ui.page_api import HERE

from .page_fakes import EVIL, FakeAdapters, FakeChain, FakeKnowledgeBase

KEY = "a-key-that-nobody-guesses"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kb")


@pytest.fixture(scope="module")
def app(folder: Path) -> FastAPI:
    return create_app(FakeKnowledgeBase(folder), FakeChain(), title="Handbook")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def keyed_app(folder: Path) -> FastAPI:
    return create_app(FakeKnowledgeBase(folder), FakeChain(), keys=[KEY])  # type: ignore[arg-type]


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app, base_url="http://127.0.0.1")


@pytest.fixture
def keyed(keyed_app: FastAPI) -> TestClient:
    return TestClient(keyed_app, base_url="https://docs.example", follow_redirects=False)


def test_health_and_readiness_answer(client: TestClient) -> None:
    assert client.get("/healthz").text == "ok"
    assert client.get("/readyz").text == "ok"


def test_a_store_that_is_down_makes_it_alive_but_not_ready(tmp_path: Path) -> None:
    kb = FakeKnowledgeBase(tmp_path)

    def down() -> None:
        raise OSError("no disk")

    kb.sources = down  # type: ignore[assignment, method-assign]
    client = TestClient(create_app(kb, FakeChain()), base_url="http://localhost")  # type: ignore[arg-type]

    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    assert client.get("/api/knowledge").status_code == 503


def test_steps_can_be_switched_only_where_somebody_says_which_are_off(tmp_path: Path) -> None:
    kb, chain = FakeKnowledgeBase(tmp_path), FakeChain()
    plain = create_app(kb, chain)  # type: ignore[arg-type]
    switched = create_app(kb, chain, without=["freshness"])  # type: ignore[arg-type]

    none, steps = (
        TestClient(app, base_url="http://localhost").get("/api/knowledge").json()["steps"]
        for app in (plain, switched)
    )

    assert none == []
    assert [one["name"] for one in steps if not one["on"]] == ["freshness"]
    assert steps[0]["text"].startswith("Makes a follow-up question stand alone")


def test_the_adapters_are_listed_as_they_are_now(tmp_path: Path) -> None:
    chain = FakeAdapters()
    app = create_app(FakeKnowledgeBase(tmp_path), chain, adapters=chain.list_adapters)  # type: ignore[arg-type]
    client = TestClient(app, base_url="http://localhost")
    chain.names = {"support": "Friendly."}

    listed = client.get("/api/adapters").json()

    support = {"name": "support", "version": "2", "description": "Friendly.", "rank": 16}
    assert listed == {"base": "", "adapters": [support]}


def test_adapters_that_cannot_be_listed_say_why(tmp_path: Path) -> None:
    def down() -> NoReturn:
        raise AdapterError("The server gpu:8000 does not answer.", remedy="Start it.")

    app = create_app(FakeKnowledgeBase(tmp_path), FakeChain(), adapters=down)  # type: ignore[arg-type]

    answer = TestClient(app, base_url="http://localhost").get("/api/adapters")

    assert (answer.status_code, answer.json()) == (
        503,
        {"error": "The server gpu:8000 does not answer. Start it."},
    )


def test_a_chain_without_adapters_lists_none(client: TestClient) -> None:
    assert client.get("/api/adapters").json() == {"base": "", "adapters": []}


def test_the_page_may_run_no_foreign_code(client: TestClient) -> None:
    response = client.get("/")

    policy = response.headers["content-security-policy"]
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'sha256-" in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert "frame-ancestors 'none'" in policy
    assert response.headers["x-content-type-options"] == "nosniff"


def test_the_page_loads_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/").text

    loaded = re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']([^\"']+)", page)
    assert [url for url in loaded if re.match(r"(https?:)?//", url)] == []


def test_gradios_own_telemetry_and_history_are_off(client: TestClient) -> None:
    config = client.get("/config").json()

    assert not config["analytics_enabled"]
    assert not config["run_history"]
    assert config["footer_links"] == []
    assert not config["connect_heartbeat"]  # a sixth tab would wait for ever over HTTP/1.1


def test_foreign_host_names_are_refused_without_keys(client: TestClient) -> None:
    response = client.get("/api/knowledge", headers={"host": "rebound.example"})

    assert response.status_code == 421


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1:7860", "[::1]:7860"])
def test_this_machines_names_are_served(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 200


def test_other_web_sites_cannot_post(client: TestClient) -> None:
    response = client.post(
        "/gradio_api/queue/join", json={}, headers={"origin": "https://evil.example", "host": "127.0.0.1"}
    )

    assert response.status_code == 403


def test_no_origin_is_let_in_by_cors(client: TestClient) -> None:
    for path in ("/", "/config", "/api/knowledge"):
        response = client.get(path, headers={"origin": "https://evil.example"})

        assert "access-control-allow-origin" not in response.headers


def test_the_page_learns_what_the_base_holds(client: TestClient) -> None:
    knowledge = client.get("/api/knowledge").json()

    assert (knowledge["title"], knowledge["documents"], knowledge["passages"]) == ("Handbook", 2, 2)
    assert knowledge["updated"] == "25 Nov 2026"


def test_a_thumb_is_stored_under_the_knowledge_base(client: TestClient, folder: Path) -> None:
    given = {"request_id": "0a1b2c3d", "verdict": "down", "question": "q", "answer": "a", "sources": ["x.md"]}

    assert client.post("/api/feedback", json=given).json() == {"stored": True}

    assert FeedbackStore(folder / "feedback.sqlite").all()[0]["verdict"] == "down"


def test_a_thumb_of_another_shape_is_refused(client: TestClient) -> None:
    given = {"request_id": "../../x", "verdict": "sideways", "question": "q", "answer": "a"}

    assert client.post("/api/feedback", json=given).status_code == 422


@pytest.mark.parametrize("name", ["icon.svg", "style.css", *(path.name for path in HERE.glob("*.js"))])
def test_the_pages_own_files_are_served(client: TestClient, name: str) -> None:
    assert client.get(f"/page/{name}").status_code == 200


@pytest.mark.parametrize("name", ["app.py", "..%2fapp.py", "__main__.py"])
def test_no_other_file_is_served(client: TestClient, name: str) -> None:
    assert client.get(f"/page/{name}").status_code == 404


def test_with_keys_nothing_is_served_without_one(keyed: TestClient) -> None:
    for path in ("/config", "/api/knowledge", "/gradio_api/info", "/page/script.js"):
        assert keyed.get(path).status_code == 401
    assert keyed.get("/healthz").status_code == 200
    assert keyed.post("/api/feedback", json={}).status_code == 401


def test_a_browser_is_asked_for_the_key(keyed: TestClient) -> None:
    response = keyed.get("/", headers={"accept": "text/html"})

    assert response.status_code == 401
    assert '<input id="key" name="key" type="password"' in response.text


def test_the_right_key_opens_a_session(keyed: TestClient) -> None:
    response = keyed.post("/sign-in", data={"key": KEY})

    assert response.status_code == 303
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "secure" in cookie
    assert KEY not in cookie
    assert keyed.get("/api/knowledge").status_code == 200


def test_a_wrong_key_opens_nothing(keyed: TestClient) -> None:
    response = keyed.post("/sign-in", data={"key": "guess"})

    assert response.status_code == 401
    assert "set-cookie" not in response.headers


def test_a_program_sends_the_key_as_a_bearer_token(keyed: TestClient) -> None:
    assert keyed.get("/api/knowledge", headers={"authorization": f"Bearer {KEY}"}).status_code == 200
    assert keyed.get("/api/knowledge", headers={"authorization": "Bearer guess"}).status_code == 401


@pytest.mark.parametrize(
    "text", ["plain", EVIL, "quote \" and ' and `", "a\n\nb", "日本 🎉 ü", "$x$ **b** [a](b)"]
)
def test_a_message_carries_any_text_as_one_attribute(text: str) -> None:
    carried = message({"text": text})

    found = re.fullmatch(r'<div data-json="([^"<>\n]*)"></div>', carried)
    assert found is not None
    assert json.loads(html.unescape(found[1])) == {"text": text}
