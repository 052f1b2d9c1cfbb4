"""The explorer's page and files, as a browser asks for them. A real browser opens them in tests/outside."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import parse, validate
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.testclient import TestClient

from pages.explorer import Explorer, wants_explorer
from settings import Settings
from tests.clients import ROOT

DOCUMENTS = sorted((ROOT / "explorer" / "src" / "documents").glob("*.graphql"))
HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def browser(tmp_path: Path) -> TestClient:
    explorer = Explorer(tmp_path)
    page = Route("/graphql", explorer.__call__)
    return TestClient(Starlette(routes=[page, explorer.route]), base_url="http://wingding.test:8000")


def build(folder: Path) -> None:
    (folder / "assets").mkdir()
    (folder / "assets" / "explorer-ABC.js").write_text("1")
    (folder / "index.html").write_text("<p>built</p>")


def test_the_page_allows_no_outside_host(browser, tmp_path):
    build(tmp_path)

    answer = browser.get("/graphql", headers={"Accept": HTML})

    assert (answer.status_code, answer.text) == (200, "<p>built</p>")
    assert answer.headers["content-security-policy"].split("; ") == [
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self' data:",
        "img-src 'self' data:",
        "connect-src 'self' ws://wingding.test:8000 wss://wingding.test:8000",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    assert (answer.headers["cache-control"], answer.headers["vary"]) == ("no-cache", "Accept")


def test_a_host_that_is_no_host_does_not_reach_the_policy(browser, tmp_path):
    build(tmp_path)

    answer = browser.get("/graphql", headers={"Accept": HTML, "Host": "evil.test; script-src *"})

    assert "connect-src 'self'; " in answer.headers["content-security-policy"]
    assert "evil" not in answer.headers["content-security-policy"]


def test_files_are_kept_for_good(browser, tmp_path):
    build(tmp_path)

    answer = browser.get("/graphql/explorer/assets/explorer-ABC.js")

    assert (answer.status_code, answer.text) == (200, "1")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["missing.js", "%2e%2e/index.html", "..%2findex.html"])
def test_nothing_else_is_served_or_kept(browser, tmp_path, path):
    build(tmp_path)

    answer = browser.get(f"/graphql/explorer/assets/{path}")

    assert answer.status_code == 404
    assert "cache-control" not in answer.headers


def test_a_page_that_is_not_built_says_how_to_build_it(browser, tmp_path):
    before = browser.get("/graphql", headers={"Accept": HTML})
    build(tmp_path)
    after = browser.get("/graphql", headers={"Accept": HTML})

    assert before.status_code == 503
    assert "<code>make explorer</code>" in before.text
    assert after.text == "<p>built</p>"


@pytest.mark.parametrize(
    ("method", "accept", "query", "wanted"),
    [
        ("GET", HTML, b"", True),
        ("GET", "TEXT/HTML", b"operationName=x", True),
        ("GET", HTML, b"query={viewer{email}}", False),
        ("GET", "application/json", b"", False),
        ("GET", "*/*", b"", False),
        ("GET", "", b"", False),
        ("POST", HTML, b"", False),
    ],
)
def test_the_page_is_for_people_who_open_the_address(method, accept, query, wanted):
    scope = {"type": "http", "method": method, "query_string": query, "headers": [(b"accept", accept.encode())]}

    assert wants_explorer(Request(scope)) is wanted


@pytest.mark.parametrize(
    ("environment", "explorer", "is_there"),
    [("development", "", True), ("development", "off", False), ("production", "", False), ("production", "on", True)],
)
def test_production_has_it_only_when_asked_for(environment, explorer, is_there):
    assert Settings(environment=environment, explorer=explorer).has_explorer is is_there


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_the_first_tabs_fit_the_schema(schema, document):
    graphql_schema = schema.graphql

    assert validate(graphql_schema, parse(document.read_text())) == []
