"""The page as a test asks it: through starlette's client, with the token, from the page itself."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.testclient import TestClient

from advisor.page.app import app
from advisor.page.views import Page

TOKEN = "a-token"
QWEN = "Qwen/Qwen2.5-7B-Instruct"
YES = {"users": "50", "gpu": "2x RTX 4090", "model": QWEN}
NO = {"users": "80", "gpu": "2x L40S", "model": "Qwen/Qwen2.5-32B-Instruct", "profile": "rag"}
SCRIPT = {"HX-Request": "true"}


def client(page: Page | None = None) -> TestClient:
    """A browser without cookies that opened the printed address; redirects are looked at."""
    made = TestClient(app(TOKEN, 80, page), base_url="http://127.0.0.1", follow_redirects=False)
    made.headers["user-agent"] = "test"
    return made


def at(path: str = "", **asked: str) -> str:
    """The address of a part of the page, with a question."""
    return f"/{TOKEN}/{path}" + (f"?{urlencode(asked)}" if asked else "")
