"""Loads whose figures are known, as logs of several makers and as a page of metrics."""

from __future__ import annotations

import bisect
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

START = 1_790_000_000.0
Draw = Callable[[random.Random], float]


@dataclass(frozen=True)
class Asked:
    """One request of the load."""

    at: float
    read: int
    written: int
    took: float


def poisson(rate: float) -> Callable[[random.Random], Iterator[float]]:
    """People who come independently."""

    def gaps(dice: random.Random) -> Iterator[float]:
        while True:
            yield dice.expovariate(rate)

    return gaps


def bursts(rate: float, many: int) -> Callable[[random.Random], Iterator[float]]:
    """The same number a second, but one to twice as many less one come at once."""

    def gaps(dice: random.Random) -> Iterator[float]:
        while True:
            yield dice.expovariate(rate / many)
            yield from [0.0] * (dice.randint(1, 2 * many - 1) - 1)

    return gaps


LENGTHS: dict[str, Callable[[float], Draw]] = {
    "fixed": lambda mean: lambda _: mean,
    "uniform": lambda mean: lambda dice: dice.uniform(0.2, 1.8) * mean,
    "lognormal": lambda mean: lambda dice: mean * dice.lognormvariate(-0.32, 0.8),
    "two kinds": lambda mean: lambda dice: mean * (0.25 if dice.random() < 0.75 else 3.25),
    "long tail": lambda mean: lambda dice: mean * min(dice.paretovariate(2.2), 50) * 1.2 / 2.2,
}
ARRIVALS: dict[str, Callable[[float], Callable[[random.Random], Iterator[float]]]] = {
    "poisson": poisson,
    "bursts of 5": lambda rate: bursts(rate, 5),
    "bursts of 20": lambda rate: bursts(rate, 20),
}


def load(arrivals: str, lengths: str, rate: float, latency: float, number: int, seed: int) -> list[Asked]:
    """A load of about 800 tokens read, 200 written."""
    dice = random.Random(seed)
    read, written, at, made = LENGTHS[lengths](800), LENGTHS[lengths](200), START, []
    for gap in ARRIVALS[arrivals](rate)(dice):
        at += gap
        made.append(
            Asked(at, max(round(read(dice)), 1), max(round(written(dice)), 1), latency * dice.uniform(0.5, 1.5))
        )
        if len(made) == number:
            return made
    raise AssertionError


def in_flight(made: list[Asked], looks: int = 20_000) -> list[int]:
    """How many were in flight at so many moments, evenly spread until the last came; in ascending order."""
    came, gone = sorted(each.at for each in made), sorted(each.at + each.took for each in made)
    step = (came[-1] - came[0]) / looks
    moments = [came[0] + step * (number + 0.5) for number in range(looks)]
    return sorted(bisect.bisect_right(came, moment) - bisect.bisect_right(gone, moment) for moment in moments)


def jsonl(made: list[Asked]) -> list[dict[str, Any]]:
    """As the contract has it; the text of a prompt is in it, as in many logs."""
    return [
        {
            "timestamp": each.at, "prompt_tokens": each.read, "completion_tokens": each.written,
            "duration_s": each.took, "prompt": "a secret",
        }
        for each in made
    ]  # fmt: skip


def caddy(made: list[Asked], status: int = 200) -> list[dict[str, Any]]:
    """As Caddy 2.11 writes it, in the order in which the answers ended."""
    return [
        {
            "level": "info", "ts": each.at + each.took, "logger": "http.log.access.log0", "msg": "handled request",
            "request": {
                "remote_ip": "10.0.0.1", "remote_port": "4711", "client_ip": "10.0.0.1", "proto": "HTTP/1.1",
                "method": "POST", "host": "127.0.0.1:8080", "uri": "/v1/chat/completions",
                "headers": {"Authorization": ["REDACTED"]},
            },
            "bytes_read": 5 * each.read, "user_id": "", "duration": each.took, "size": 200 * each.written,
            "status": status, "resp_headers": {"Server": ["Caddy"]},
        }
        for each in sorted(made, key=lambda each: each.at + each.took)
    ]  # fmt: skip


def text(entries: list[Any], before: str = "") -> str:
    """One a line; what is text already stays."""
    return "\n".join(entry if isinstance(entry, str) else before + json.dumps(entry) for entry in entries) + "\n"


BOUNDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)


def histogram(name: str, values: list[float], labels: str, bounds: tuple[float, ...] = BOUNDS) -> str:
    """As Prometheus's client writes it."""
    ordered = sorted(values)
    counts = [(f"{bound:.1f}", bisect.bisect_right(ordered, bound)) for bound in bounds] + [("+Inf", len(ordered))]
    lines = [f'{name}_bucket{{{labels},le="{bound}"}} {count}.0' for bound, count in counts]
    return "\n".join(
        [f"# TYPE {name} histogram", *lines, f"{name}_count{{{labels}}} {len(values)}.0",
         f"{name}_sum{{{labels}}} {sum(values)!r}", ""]
    )  # fmt: skip


def vllm_page(made: list[Asked]) -> str:
    """What vLLM shows once all were answered."""
    labels = 'engine="0",model_name="m"'
    return (
        histogram("vllm:request_prompt_tokens", [float(each.read) for each in made], labels)
        + histogram("vllm:request_generation_tokens", [float(each.written) for each in made], labels)
        + histogram("vllm:e2e_request_latency_seconds", [each.took for each in made], labels)
        + f"vllm:prefix_cache_queries_total{{{labels}}} 1000.0\nvllm:prefix_cache_hits_total{{{labels}}} 250.0\n"
        + f"vllm:num_requests_running{{{labels}}} 3.0\nvllm:num_requests_waiting{{{labels}}} 1.0\n"
        + f"process_start_time_seconds {START!r}\n"
    )


def caddy_page(made: list[Asked]) -> str:
    """What the gateway shows: the same requests in the route that took them; probes are GETs."""
    name, seconds = "caddy_http_request_duration_seconds", [each.took for each in made]
    both = 'handler="subroute",server="srv0",code="200"'
    return (
        histogram(name, seconds, f'{both},method="POST"', (0.1, 1, 2.5, 5, 10))
        + histogram(name, [0.001] * 5000, f'{both},method="GET"', (0.1, 1, 2.5, 5, 10))
        + f"process_start_time_seconds {START!r}\n"
    )
