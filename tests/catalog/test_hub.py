"""The Hub, without a network: what it answers, and what is said when it does not."""

from __future__ import annotations

import io
import json
import os
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from advisor.errors import BadInput
from advisor.models.names import find_model, find_model_and_format
from advisor.physics.memory.stored import stored
from advisor.physics.memory.weights import weight_bytes
from tests.catalog.test_folder import LLAMA


def answers(monkeypatch: pytest.MonkeyPatch, pages: dict[str, Any]) -> list[str]:
    """Let `urlopen` give these pages by the end of their address; an exception is raised; others are 404."""
    asked: list[str] = []

    def urlopen(request: urllib.request.Request, timeout: float) -> io.BytesIO:
        asked.append(request.full_url)
        page = next((page for end, page in pages.items() if request.full_url.endswith(end)), None)
        if isinstance(page, Exception):
            raise page
        if page is None:
            raise urllib.error.HTTPError(request.full_url, 404, "Not Found", Message(), None)
        return io.BytesIO(json.dumps(page).encode() if not isinstance(page, bytes) else page)

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    return asked


def test_unknown_repository_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository that the catalogue does not hold comes from its config and the Hub's own count."""
    pages = {"raw/main/config.json": LLAMA, "api/models/someone/newthing": {"safetensors": {"total": 8030261249}}}
    answers(monkeypatch, pages)
    model = find_model("someone/newthing")
    assert (model.hf_id, model.origin, model.layers, model.parameters) == ("someone/newthing", "hub", 32, 8030261249)


def test_count_by_formula_when_the_hub_gives_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a count the total follows from the dimensions, and the confidence says so."""
    answers(monkeypatch, {"raw/main/config.json": LLAMA})
    model = find_model("someone/newthing")
    assert (model.parameters, model.confidence) == (8030261248, "medium")


def http(code: int) -> urllib.error.HTTPError:
    """The Hub's refusal."""
    return urllib.error.HTTPError("https://huggingface.co", code, "no", Message(), None)


REFUSALS = [
    (urllib.error.URLError("Name or service not known"), "could not be reached.*Name or service"),
    (TimeoutError("timed out"), "could not be reached.*timed out"),
    (http(401), "login"),
    (http(404), "no config.json under that name"),
    (http(500), "HTTP 500"),
    (b"<html>", "not JSON"),
    ([1], "no mapping"),
]


@pytest.mark.parametrize(("page", "told"), REFUSALS)
def test_refusals_are_explained(monkeypatch: pytest.MonkeyPatch, page: Any, told: str) -> None:
    """What the Hub answers, or why it does not, is said, with the nearest catalogue models."""
    answers(monkeypatch, {"raw/main/config.json": page})
    with pytest.raises(BadInput, match=told):
        find_model("someone/newthing")


def test_offline_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `offline` no address is opened."""
    asked = answers(monkeypatch, {})
    with pytest.raises(BadInput, match="not in the catalogue"):
        find_model("someone/newthing", offline=True)
    assert asked == []


def test_catalogue_models_ask_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the catalogue knows needs no network."""
    asked = answers(monkeypatch, {})
    find_model("Qwen/Qwen3-8B")
    find_model("someone/Qwen3-8B-AWQ")
    assert asked == []


INDEX = {"raw/main/model.safetensors.index.json": {"metadata": {"total_size": 19_876_543_210}}}
HYBRID = "someone/Qwen3.5-27B-AWQ"


def test_the_hub_tells_the_bytes_of_a_named_repository_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where makers differ the index is asked, its total counts to the byte, and the second run asks nobody."""
    asked = answers(monkeypatch, INDEX)
    for _ in range(2):
        model, fmt = find_model_and_format(HYBRID)
        assert fmt is not None
        size = stored(model, fmt)
        assert (size.low_bytes, size.high_bytes, size.kind) == (19_876_543_210, 19_876_543_210, "exact")
        assert weight_bytes(model, fmt).total_bytes == pytest.approx(19_876_543_210)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "page", [None, b"<html>", {"metadata": {"total_size": -1}}, {"metadata": 3}, TimeoutError("x")]
)
def test_a_hub_that_does_not_tell_leaves_the_range(monkeypatch: pytest.MonkeyPatch, page: Any) -> None:
    """No index, nonsense or no network: the size is computed, and its upper end is planned."""
    answers(monkeypatch, {} if page is None else {"raw/main/model.safetensors.index.json": page})
    model, fmt = find_model_and_format(HYBRID)
    assert fmt is not None
    size = stored(model, fmt)
    assert (size.kind, size.low_bytes < size.loaded_bytes <= size.high_bytes) == ("computed", True)
    assert find_model_and_format(HYBRID, offline=True)[0].stored_bytes == {}


def test_a_broken_memory_of_the_hub_is_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of remembered sizes that holds nonsense counts as empty."""
    place = Path(os.environ["XDG_CACHE_HOME"]) / "advisor" / "hub_bytes.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("[1, 2")
    asked = answers(monkeypatch, INDEX)
    assert find_model(HYBRID).stored_bytes == {"awq-int4": 19_876_543_210}
    assert len(asked) == 1 and json.loads(place.read_text()) == {HYBRID.lower(): 19_876_543_210}
