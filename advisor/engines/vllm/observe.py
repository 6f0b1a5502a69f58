"""What a running vLLM tells about itself: its log while it starts, its metrics, its errors (0.32 and 0.33)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from advisor.edge.prometheus import labels_of, total
from advisor.engines.asking import Server
from advisor.engines.looking import Reader
from advisor.engines.observing import Effective, samples_of
from advisor.engines.vllm.looking import VllmReader
from advisor.engines.vllm.running import running as running
from advisor.units import whole

EXACT_LENGTH = True
METRICS_PATH: str | None = "/metrics"
VERSION_PATH = "/version"
CUTS_LONG_PROMPTS = False
CONTEXT_KEYS: tuple[str, ...] = ("maximum context length", "max_model_len", "longer than the maximum")

_SHARDS = re.compile(r"checkpoint shards:\s+(\d+)% Completed")
_NUMBER = re.compile(r"\d{1,20}(\.\d{1,20})?")
_SAID = (
    ("Application startup complete", "ready"),
    ("Starting to load model", "loading the weights"),
    ("Loading weights took", "weights are loaded"),
    ("Warming up model", "compiling (minutes at the first start)"),
    ("torch.compile takes", "compiled"),
    ("Capturing CUDA graph", "recording CUDA graphs"),
    ("KV cache size", "KV cache is allocated"),
    ("Initializing a V1 LLM engine", "engine process is up"),
    ("Resolved architecture", "model's configuration is read"),
)
_KV = re.compile(r"KV cache size: ([\d,]+) tokens")
_CONCURRENCY = re.compile(r"Maximum concurrency for ([\d,]+) tokens per request: ([\d.]+)x")
_CONTEXT = re.compile(r"Using max model len (\d+)")
_SEQS = re.compile(r"'max_num_seqs': (\d+)")
_KEPT = (
    "vllm:prompt_tokens_total",
    "vllm:generation_tokens_total",
    "vllm:request_success_total",
    "vllm:num_preemptions_total",
    "vllm:prefix_cache_queries_total",
    "vllm:prefix_cache_hits_total",
    "vllm:num_requests_running",
    "vllm:num_requests_waiting",
    "vllm:kv_cache_usage_perc",
)


def progress(line: str) -> str | None:
    """Shards, compilation, graphs, readiness."""
    if found := _SHARDS.search(line):
        return f"loading the weights: {found[1]} %"
    return next((said for key, said in _SAID if key in line), None)


def effective(log: str, metrics: str) -> Effective:
    """KV tokens and concurrency from `vllm:cache_config_info`, else from the log; context and slots from the log."""
    labels = labels_of(samples_of(metrics), "vllm:cache_config_info")
    kv = _int(labels.get("kv_cache_size_tokens")) or _last(_KV, log)
    concurrency = _CONCURRENCY.findall(log)
    many = labels.get("kv_cache_max_concurrency") or (concurrency[-1][1] if concurrency else None)
    return Effective(
        kv_tokens=kv,
        slots=_last(_SEQS, log),
        context_tokens=_last(_CONTEXT, log) or (_int(concurrency[-1][0]) if concurrency else None),
        max_concurrency=float(many) if many and _NUMBER.fullmatch(many) else None,
        other={key: labels[key] for key in ("block_size", "cache_dtype", "enable_prefix_caching") if key in labels},
        seen_in="vllm:cache_config_info and the log" if labels else "the log",
    )


def figures(metrics: str) -> Mapping[str, float]:
    """Tokens, requests, preemptions and the KV cache, by the names of 0.32 and later."""
    samples = samples_of(metrics)
    told = ((name, total(samples, name)) for name in _KEPT)
    return {name: value for name, value in told if value is not None}


def _last(pattern: re.Pattern[str], log: str) -> int | None:
    found = pattern.findall(log)
    return _int(found[-1]) if found else None


def _int(text: str | None) -> int | None:
    return whole((text or "").replace(",", ""))


def reader(server: Server) -> Reader:
    """Its looks."""
    return VllmReader(server)
