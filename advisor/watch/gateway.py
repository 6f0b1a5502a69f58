"""The gateway's own metrics: in front of an Ollama, which counts nothing, they tell who waits and how long."""

from __future__ import annotations

from advisor.edge.prometheus import Sample, read_samples
from advisor.engines.asking import ask_bytes
from advisor.errors import BadInput, EnvironmentFailed

IN_FLIGHT = "caddy_http_requests_in_flight"
_HANDLER = "reverse_proxy"  # a request passes several handlers, each of which counts it


def in_flight(metrics_port: int) -> int | None:
    """Requests that the gateway of this machine has passed on and not finished; None: it does not answer."""
    where = f"http://127.0.0.1:{metrics_port}/metrics"
    try:
        samples = read_samples(ask_bytes(where, here=True).decode(errors="replace"), where)
    except (BadInput, EnvironmentFailed):
        return None
    return passed_on(samples)


def passed_on(samples: tuple[Sample, ...]) -> int | None:
    """The same of a page; None: it is no page of a gateway."""
    found = [each.value for each in samples if each.name == IN_FLIGHT and each.labels.get("handler") == _HANDLER]
    if not found:
        return 0 if any(each.name.startswith("caddy_") for each in samples) else None
    return round(sum(found))
