"""The same prompts to both engines, one after the other: answers side by side, waits and errors."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from advisor.edge.reading import parse_json, read_json, read_text
from advisor.errors import BadInput
from advisor.folder.write import write_tree
from advisor.migrate.stack import PROMPTS, RECORD
from advisor.quoting import cell, markdown_block, prose
from advisor.schema import RenderedFile, value
from advisor.smoke.load.events import at, event_of
from advisor.smoke.load.http import Broken, exchange, fetch_json
from advisor.watch.server import find_server

MOST_PROMPTS = 200
ANSWER_TOKENS = 128
_PATIENCE_S = 600.0  # of one answer
_LEAST_ALIKE = 0.98  # cosine of two vectors that serve one index


@value
class Said:
    """What one engine answered to one prompt."""

    text: str
    ttft_s: float | None
    whole_s: float
    error: str | None = None
    vector: tuple[float, ...] = ()


@value
class Pair:
    """Both answers to one prompt."""

    model: str
    prompt: str
    before: Said
    after: Said

    @property
    def alike(self) -> str:
        """In one word; for vectors their cosine."""
        if self.before.error or self.after.error:
            return "error"
        if self.before.vector and self.after.vector:
            return f"cosine {cosine(self.before.vector, self.after.vector):.3f}"
        return "same" if self.before.text.split() == self.after.text.split() else "different"


@value
class Comparison:
    """All pairs, and which engines were asked."""

    engines: tuple[str, str]
    pairs: tuple[Pair, ...]

    @property
    def errors(self) -> int:
        """Answers that did not come."""
        return sum(bool(said.error) for pair in self.pairs for said in (pair.before, pair.after))

    @property
    def failed(self) -> bool:
        """An answer did not come, or vectors are not those of one model."""
        vectors = [
            cosine(each.before.vector, each.after.vector)
            for each in self.pairs
            if each.before.vector and each.after.vector
        ]
        return self.errors > 0 or any(alike < _LEAST_ALIKE for alike in vectors)


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """1 for vectors of one direction; 0 where they cannot be compared."""
    length = math.sqrt(math.fsum(a * a for a in one) * math.fsum(b * b for b in other))
    return (
        math.fsum(a * b for a, b in zip(one, other, strict=True)) / length if length and len(one) == len(other) else 0.0
    )


def compare(folder: Path, prompts: Path | None, progress: Callable[[str], None] = lambda _: None) -> Comparison:
    """Ask both engines of a migration folder, and leave compare/compare.md and compare.json there.

    Raises:
        BadInput: no migration folder, no model with a plan, no prompts, or a file in the way.
        EnvironmentFailed: an engine does not answer at all, or the folder cannot be written.
    """
    record = _record(folder)
    models = [each for each in record["models"] if isinstance(at(each, "address", "to"), str)]
    if not models:
        raise BadInput(f"{folder / RECORD}: no model has a plan; there is nothing to compare")
    lines = _prompts(prompts or folder / PROMPTS)
    engines = (str(at(record, "from", "engine")), str(record.get("to")))
    for each in models:
        for side in ("from", "to"):
            find_server(str(at(each, "address", side)))
    pairs = []
    for each in models:
        for number, prompt in enumerate(lines, 1):
            progress(f"{each.get('name')}: prompt {number} of {len(lines)}")
            pairs.append(asyncio.run(_pair(each, prompt)))
    found = Comparison(engines=engines, pairs=tuple(pairs))
    write_tree(folder / "compare", _files(found), overwrite=True)
    return found


def _record(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    found = read_json(path)
    listed = found.get("models") if isinstance(found, dict) else None
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise BadInput(f"{path}: is no record of a migration; `advisor migrate URL --out {folder}` writes one")
    return dict(found)


def _prompts(path: Path) -> list[str]:
    lines = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    if not lines or len(lines) > MOST_PROMPTS:
        raise BadInput(f"{path}: has {len(lines)} prompts, one a line; accepted are 1 to {MOST_PROMPTS}")
    return lines


async def _pair(model: dict[str, Any], prompt: str) -> Pair:
    before, after = [await _ask(str(at(model, "address", side)), model, prompt) for side in ("from", "to")]
    return Pair(model=str(model["name"]), prompt=prompt, before=before, after=after)


async def _ask(base: str, model: dict[str, Any], prompt: str) -> Said:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            ask = {"embed": _vector, "complete": _completion}.get(str(model.get("kind")), _chat)
            text, first, vector = await ask(base, str(model["name"]), prompt)
    except Broken as broken:
        return Said(text="", ttft_s=None, whole_s=time.perf_counter() - began, error=str(broken)[:300])
    except TimeoutError:
        return Said(text="", ttft_s=None, whole_s=_PATIENCE_S, error=f"no answer within {_PATIENCE_S:.0f} s")
    return Said(text=text, ttft_s=first and first - began, whole_s=time.perf_counter() - began, vector=vector)


async def _chat(base: str, name: str, prompt: str) -> tuple[str, float | None, tuple[float, ...]]:
    """One streamed chat without chance in it; what is thought counts as text."""
    body = {
        "model": name, "messages": [{"role": "user", "content": prompt}], "max_tokens": ANSWER_TOKENS,
        "temperature": 0, "top_p": 1, "seed": 0, "stream": True,
    }  # fmt: skip
    said: list[str] = []
    first = None
    async with exchange("POST", f"{base}/v1/chat/completions", body) as reply:
        if reply.status != 200:
            raise Broken(f"http {reply.status}", (await reply.text())[:300])
        async for event in reply.events():
            if event == "[DONE]":
                break
            if event_of(event).texts:
                first = first or time.perf_counter()
                delta = at(parse_json(event, base), "choices", 0, "delta") or {}
                said += [
                    each
                    for key in ("reasoning", "reasoning_content", "content")
                    if isinstance(each := delta.get(key), str)
                ]
    return "".join(said), first, ()


async def _completion(base: str, name: str, prompt: str) -> tuple[str, float | None, tuple[float, ...]]:
    """What follows these words, where an engine refuses chats."""
    body = {"model": name, "prompt": prompt, "max_tokens": ANSWER_TOKENS, "temperature": 0, "top_p": 1, "seed": 0}
    status, found = await fetch_json("POST", f"{base}/v1/completions", body, timeout_s=_PATIENCE_S)
    text = at(found, "choices", 0, "text")
    if status != 200 or not isinstance(text, str):
        raise Broken(f"http {status}", "no text came")
    return text, None, ()


async def _vector(base: str, name: str, prompt: str) -> tuple[str, float | None, tuple[float, ...]]:
    status, found = await fetch_json(
        "POST", f"{base}/v1/embeddings", {"model": name, "input": prompt}, timeout_s=_PATIENCE_S
    )
    numbers = at(found, "data", 0, "embedding")
    if status != 200 or not isinstance(numbers, list) or not all(isinstance(each, int | float) for each in numbers):
        raise Broken(f"http {status}", "no vector came")
    return f"{len(numbers)} numbers", None, tuple(map(float, numbers))


def _files(found: Comparison) -> tuple[RenderedFile, ...]:
    return (
        RenderedFile(path="compare.json", text=json.dumps(document(found), indent=2, ensure_ascii=False) + "\n"),
        RenderedFile(path="compare.md", text="\n".join(_page(found)) + "\n"),
    )


def document(found: Comparison) -> dict[str, Any]:
    """`migrate --compare --json`."""
    return {
        "schema_version": 1,
        "engines": list(found.engines),
        "errors": found.errors,
        "pairs": [
            {
                "model": pair.model, "prompt": pair.prompt, "alike": pair.alike,
                "before": _plain(pair.before), "after": _plain(pair.after),
            }
            for pair in found.pairs
        ],
    }  # fmt: skip


def _plain(said: Said) -> dict[str, Any]:
    return {"text": said.text, "ttft_s": said.ttft_s, "whole_s": said.whole_s, "error": said.error}


def waits(found: Comparison) -> list[tuple[str, str, str, str]]:
    """A row an engine: its name, median wait to the first word and for the whole, errors."""
    rows = []
    for place, engine in enumerate(found.engines):
        said = [(pair.before, pair.after)[place] for pair in found.pairs]
        firsts = [each.ttft_s for each in said if each.ttft_s is not None]
        wholes = [each.whole_s for each in said if not each.error]
        first, whole = (f"{median(each):.2f} s" if each else "-" for each in (firsts, wholes))
        rows.append((engine, first, whole, str(sum(bool(each.error) for each in said))))
    return rows


def _page(found: Comparison) -> list[str]:
    lines = ["# The same prompts to both", "", "| engine | first word | whole answer | errors |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(map(cell, row)) + " |" for row in waits(found)]
    for pair in found.pairs:
        lines += ["", f"## {prose(pair.model)}: {prose(pair.prompt[:200])}", "", f"Answers: {prose(pair.alike)}."]
        for engine, said in zip(found.engines, (pair.before, pair.after), strict=True):
            lines += ["", f"{engine}, {said.whole_s:.2f} s:", "", markdown_block(said.error or said.text, "text")]
    return lines
