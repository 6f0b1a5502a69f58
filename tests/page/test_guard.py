"""Who may ask the page, and what it lets a browser do."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from tests.page.asking import TOKEN, YES, at, client


@pytest.fixture(scope="module")
def page() -> TestClient:
    """One page for all of them."""
    return client()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/answer?users=1",
        "/static/page.css",
        "/api/openapi.json",
        f"/{TOKEN}",
        f"/{TOKEN}x/",
        f"//{TOKEN}/",
        "/x/y",
        f"/?token={TOKEN}",
    ],
)
def test_nothing_is_answered_without_the_token(page: TestClient, path: str) -> None:
    """Any address that does not begin with the token gets an empty 404, without a header that tells what stands here."""
    answer = page.get(path)
    assert (answer.status_code, answer.content) == (404, b"")
    assert "server-timing" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_no_method_helps_without_the_token(page: TestClient, method: str) -> None:
    """Whatever the method, there is nothing."""
    assert page.request(method, "/runs").content == b""
    assert page.request(method, "/runs").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"}, {"host": "evil.example:80"}, {"host": "127.0.0.1:81"}, {"host": "127.0.0.1.evil.example"},
        {"host": ""}, {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "https://127.0.0.1"},
        {"origin": "http://127.0.0.1:8080"}, {"host": "localhost", "origin": "http://127.0.0.1"},
    ],
)  # fmt: skip
def test_a_foreign_host_or_origin_is_refused(page: TestClient, headers: dict[str, str]) -> None:
    """A name that was pointed at loopback, and a page of another site, get nothing even with the token."""
    assert page.get(at("static/page.css"), headers=headers).content == b""
    assert page.post(at("runs"), headers=headers).status_code == 404


@pytest.mark.parametrize(
    "headers", [{}, {"host": "localhost"}, {"host": "LOCALHOST:80"}, {"origin": "http://127.0.0.1"}]
)
def test_the_page_itself_is_answered(page: TestClient, headers: dict[str, str]) -> None:
    """Its own origin, none at all, and either name of loopback."""
    assert page.get(at("static/page.css"), headers=headers).status_code == 200


def test_every_answer_forbids_what_the_page_does_not_need(page: TestClient) -> None:
    """Nothing from elsewhere, no frame around it, nothing kept, no cookie; and how long it took."""
    for path in (at(**YES), at("answer", **YES), at("nowhere"), at("static/page.js"), at(users="fifty")):
        answer = page.get(path)
        assert answer.headers["content-security-policy"].startswith("default-src 'self'; ")
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["cache-control"] == "no-store"
        assert answer.headers["server-timing"].startswith("answer;dur=") and "set-cookie" not in answer.headers


def test_nothing_changes_by_get(page: TestClient) -> None:
    """What starts, ends or looks anew answers to POST alone."""
    for path in ("probe", "runs", "runs/x/cancel", "api/predict"):
        assert page.get(at(path)).status_code in (404, 405)


def test_a_body_that_never_ends_is_broken_off(page: TestClient) -> None:
    """Beyond a megabyte nothing is taken in."""
    assert page.post(at("api/predict"), content=b"x" * (1 << 21)).status_code == 413
