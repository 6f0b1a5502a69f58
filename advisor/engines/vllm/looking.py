"""A vLLM observed: its metrics, by the names of 0.32 and later."""

from __future__ import annotations

import math

from advisor.edge.prometheus import Sample, buckets, read_samples, total
from advisor.engines.asking import Server, ask_bytes
from advisor.engines.looking import Loaded, Reading
from advisor.errors import BadInput, EnvironmentFailed

NOT_TOLD = (
    "the page has no vllm:num_requests_running: the server was started with --disable-log-stats, "
    "or it is no vLLM of 0.32 or later"
)
_TOTALS = {
    "prompt_tokens": "vllm:prompt_tokens_total",
    "output_tokens": "vllm:generation_tokens_total",
    "requests": "vllm:request_success_total",
    "preemptions": "vllm:num_preemptions_total",
    "cache_queries": "vllm:prefix_cache_queries_total",
    "cache_hits": "vllm:prefix_cache_hits_total",
    "refused": "vllm:admission_rejections_total",
}


class VllmReader:
    """Looks at one vLLM."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def read(self, now_s: float) -> Reading:
        """One look at its metrics."""
        where = f"{self._server.base}/metrics"
        page = ask_bytes(where, self._server.here).decode(errors="replace")
        try:
            return reading_of(read_samples(page, where), now_s)
        except BadInput as error:
            raise EnvironmentFailed(str(error)) from None


def reading_of(samples: tuple[Sample, ...], now_s: float) -> Reading:
    """What a page of metrics says, whichever server it came from."""
    totals = {name: found for name, metric in _TOTALS.items() if (found := total(samples, metric)) is not None}
    running, waiting = (total(samples, f"vllm:num_requests_{each}") for each in ("running", "waiting"))
    reasons = [each for each in samples if each.labels.get("reason") == "deferred"]
    deferred = total(reasons, "vllm:num_requests_waiting_by_reason")
    told = (each.labels.get("model_name", "") for each in samples if each.name == "vllm:num_requests_running")
    shares = [each.value for each in samples if each.name == "vllm:kv_cache_usage_perc" and math.isfinite(each.value)]
    return Reading(
        at_s=now_s,
        running=None if running is None else round(running),
        waiting=None if waiting is None else round(waiting),
        deferred=None if deferred is None else round(deferred),
        kv_used=max(shares, default=None),
        loaded=tuple(Loaded(name=name) for name in dict.fromkeys(told) if name),
        totals=totals,
        ttft=buckets(samples, "vllm:time_to_first_token_seconds"),
        tpot=buckets(samples, "vllm:request_time_per_output_token_seconds"),
        gaps=() if running is not None else (NOT_TOLD,),
    )
