"""Our own load through a real gateway: its log and its metrics tell the load again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from advisor.smoke.load.client import Server
from advisor.smoke.load.generator import Run, drive
from advisor.smoke.load.prompts import Scale
from advisor.workload.seen.figures import observed
from advisor.workload.seen.given import of_metrics
from advisor.workload.seen.log import read_log
from tests.deploy.front import KEY, Upstream, gateway, planned, written
from tests.smoke.fake_engine import Behaviour

pytestmark = pytest.mark.external


@pytest.mark.parametrize("load", [{"in_flight": 6}, {"request_rate": 20.0}])
def test_what_the_load_generator_sent_is_in_the_gateways_log(load: dict[str, float], tmp_path: Path) -> None:
    """Requests, how long they took and how many were in flight, within 5 % of what the load generator measured."""
    folder = written(planned(), tmp_path)
    sent = Run(requests=60, input_tokens=64, output_tokens=20, **load)  # type: ignore[arg-type]  # both are numbers
    with (
        Upstream(Behaviour(ttft_s=0.1, tpot_s=0.01)).serving() as upstream,
        gateway(folder / "gateway" / "Caddyfile", upstream.port, tmp_path) as front,
    ):
        server = Server(base_url=f"http://127.0.0.1:{front.port}", model="fake", exact_length=True, key=KEY)
        measured = asyncio.run(drive(server, sent, Scale(fixed=0, per_word=1)))
        page = of_metrics(f"http://127.0.0.1:{front.metrics_port}/metrics")
        text = front.said()
    log = tmp_path / "access.log"
    log.write_text(text)
    found = observed(read_log(log))
    assert measured.completed == 60 == found.requests == page.requests and measured.e2e_s is not None
    assert found.latency_s == pytest.approx(measured.e2e_s.mean, rel=0.05)
    assert page.latency_s == pytest.approx(measured.e2e_s.mean, rel=0.05)
    level = measured.requests_per_s * measured.e2e_s.mean * measured.seconds / found.span_s if found.span_s else None
    assert found.in_flight == pytest.approx(level, rel=0.05)
    assert KEY not in text and json.dumps(KEY) not in repr(found)
