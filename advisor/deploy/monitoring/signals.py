"""The recording rules: what the engine exports, what the gateway exports, under the same names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from advisor.deploy.monitoring.facts import Record

WINDOW = "5m"
# Caddy counts a request once, in the route that took it; scrapes and probes of the gateway are other routes or paths.
FRONT = 'job="gateway",handler="subroute"'
ENGINE = '{job="engine"}'
LONGEST_FRONT_BUCKET_S = 10.0  # of Caddy's histograms


def records(names: Mapping[str, str]) -> tuple[Record, ...]:
    """All recording rules; `names` are the engine's metrics by what they tell, empty where it exports none."""
    return (*_front(), *(_of_engine(names) if names else _in_its_place()))


def quantile(share: str, histogram: str, labels: str) -> str:
    """A quantile over all replicas, of the last minutes."""
    return f"histogram_quantile({share}, sum by (le) (rate({histogram}_bucket{labels}[{WINDOW}])))"


def _front() -> Iterator[Record]:
    answered = f"rate(caddy_http_request_duration_seconds_count{{{FRONT}}}[{WINDOW}])"
    failed = answered.replace(FRONT, FRONT + ',code=~"5..",code!="503"')
    refused = answered.replace(FRONT, FRONT + ',code="503"')
    yield Record(name="advisor:front_in_flight", expr=f"sum(caddy_http_requests_in_flight{{{FRONT}}})")
    yield Record(name="advisor:front_requests:rate5m", expr=f"sum by (code) ({answered})")
    yield Record(name="advisor:front_failed:ratio5m", expr=f"(sum({failed}) or vector(0)) / sum({answered})")
    yield Record(name="advisor:front_refused:ratio5m", expr=f"(sum({refused}) or vector(0)) / sum({answered})")
    yield Record(name="advisor:engine_reachable", expr='max(caddy_reverse_proxy_upstreams_healthy{job="gateway"})')


def _of_engine(names: Mapping[str, str]) -> Iterator[Record]:
    yield Record(name="advisor:requests_running", expr=f"sum({names['running']}{ENGINE})")
    yield Record(name="advisor:requests_waiting", expr=f"sum({names['waiting']}{ENGINE})")
    yield Record(name="advisor:kv_cache_usage:max", expr=f"max({names['kv_cache']}{ENGINE})")
    yield Record(name="advisor:preemptions:rate5m", expr=f"sum(rate({names['preemptions']}{ENGINE}[{WINDOW}]))")
    yield Record(name="advisor:prompt_tokens:rate5m", expr=f"sum(rate({names['prompt_tokens']}{ENGINE}[{WINDOW}]))")
    yield Record(name="advisor:output_tokens:rate5m", expr=f"sum(rate({names['output_tokens']}{ENGINE}[{WINDOW}]))")
    for what in ("ttft", "tpot"):
        yield Record(name=f"advisor:{what}_seconds:p50_5m", expr=quantile("0.5", names[what], ENGINE))
        yield Record(name=f"advisor:{what}_seconds:p95_5m", expr=quantile("0.95", names[what], ENGINE))


def _in_its_place() -> Iterator[Record]:
    """Time to the first byte of an answer: of a stream that is its first token."""
    first = "caddy_http_response_duration_seconds"
    labels = "{" + FRONT + ',code="200",method="POST"}'
    yield Record(name="advisor:ttft_seconds:p50_5m", expr=quantile("0.5", first, labels))
    yield Record(name="advisor:ttft_seconds:p95_5m", expr=quantile("0.95", first, labels))
