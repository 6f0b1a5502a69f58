"""What a running Ollama (0.30 and later) tells about itself: the log of its llama-server."""

from __future__ import annotations

import re
from collections.abc import Mapping

from advisor.engines.asking import Server
from advisor.engines.looking import Reader
from advisor.engines.observing import Effective
from advisor.engines.ollama.looking import OllamaReader
from advisor.engines.ollama.running import running as running

EXACT_LENGTH = False  # no `ignore_eos`: an answer may be shorter than asked for
METRICS_PATH: str | None = None
VERSION_PATH = "/api/version"
CUTS_LONG_PROMPTS = True  # a chat over its context loses its beginning, without an error
CONTEXT_KEYS: tuple[str, ...] = ("context", "too long", "exceeds")

_SAID = (
    ("llama_server: model loaded", "model is loaded"),
    ("load_tensors: loading model tensors", "loading the weights"),
    ("llama_kv_cache: size", "KV cache is allocated"),
    ("warming up the model", "warming up"),
    ("starting llama-server", "llama-server starts"),
    ("Listening on", "server is up"),
    ("copying file", "copying the model into the store"),
    ("pulling", "fetching the model"),
)
_COPIED = re.compile(r"(copying file|pulling)[^%]*?(\d+)%")
_SLOTS = re.compile(r"n_slots = (\d+), n_ctx_slot = (\d+)")
_KV = re.compile(r"llama_kv_cache: size = +[\d.]+ MiB \( *(\d+) cells, +\d+ layers, +(\d+)/ *(\d+) seqs\)")
_FLASH = re.compile(r"flash_attn +=\s+(\w+)")
_BATCH = re.compile(r"llama_context: n_batch +=\s+(\d+)")
_THREADS = re.compile(r"n_threads = (\d+)")


def progress(line: str) -> str | None:
    """Copy, weights, KV cache, readiness."""
    if found := _COPIED.search(line):
        return f"{'copying' if found[1].startswith('copy') else 'fetching'} the model: {found[2]} %"
    return next((said for key, said in _SAID if key in line), None)


def effective(log: str, metrics: str) -> Effective:  # noqa: ARG001 - every engine is asked the same way
    """Slots and context of the model that was loaded last; a silent drop to one slot shows here."""
    slots = _SLOTS.findall(log)
    if not slots:
        return Effective(seen_in="the llama-server log")
    number, context = int(slots[-1][0]), int(slots[-1][1])
    cells = _KV.findall(log)
    other = {
        name: found[-1]
        for name, pattern in (("flash_attn", _FLASH), ("n_batch", _BATCH), ("n_threads", _THREADS))
        if (found := pattern.findall(log))
    }
    return Effective(
        kv_tokens=int(cells[-1][0]) * int(cells[-1][2]) if cells else None,
        slots=number,
        context_tokens=context,
        max_concurrency=float(number),
        other=other,
        seen_in="the llama-server log",
    )


def figures(metrics: str) -> Mapping[str, float]:  # noqa: ARG001
    """Nothing: Ollama has no metrics."""
    return {}


def reader(server: Server) -> Reader:
    """Its looks."""
    return OllamaReader(server)
