"""A page of metrics, a server's or a Prometheus's, tells the load since it began."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import re
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from advisor.edge.prometheus import Sample, buckets, read_samples, total
from advisor.errors import BadInput, EnvironmentFailed
from advisor.workload.seen.figures import HOUR_S
from advisor.workload.seen.given import of_file, of_metrics, seen_in
from advisor.workload.seen.metrics import of_page
from advisor.workload.seen.profile import seen_keys, told
from tests.seen.logs import LENGTHS, START, caddy, caddy_page, histogram, in_flight, jsonl, load, text, vllm_page

Answer = Callable[[str], tuple[int, str]]


@contextlib.contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """A server that answers GETs, until the block ends."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, told = answer(self.path)
            self.send_response(code)
            self.end_headers()
            self.wfile.write(told.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.mark.parametrize("lengths", sorted(LENGTHS))
def test_a_page_gives_its_load_again(lengths: str) -> None:
    """Means and arrivals are the load's own within 5 %; percentiles lie in the bucket in which the load's own do."""
    made = load("poisson", lengths, 4.0, 3.0, 8000, 3)
    found = of_page(read_samples(vllm_page(made), "page"), made[-1].at, "page")
    levels = in_flight(made)
    assert found.read and found.written
    assert found.read.mean == pytest.approx(sum(each.read for each in made) / len(made))
    assert found.written.mean == pytest.approx(sum(each.written for each in made) / len(made))
    assert found.request_rate == pytest.approx(len(made) / (made[-1].at - START), rel=0.05)
    assert found.in_flight == pytest.approx(sum(levels) / len(levels), rel=0.05)
    assert found.read.most >= max(each.read for each in made) and found.cached == pytest.approx(found.read.mean / 4)
    assert any("4 were in flight" in note for note in found.notes)


def test_the_gateways_page_counts_each_request_once() -> None:
    """Of Caddy's metrics the POSTs in the route that took them count, and no lengths are made up."""
    made = load("poisson", "uniform", 4.0, 3.0, 4000, 3)
    found = of_page(read_samples(caddy_page(made), "page"), made[-1].at, "page")
    assert found.requests == 4000 and found.in_flight == pytest.approx(12, rel=0.05)
    assert found.read is None and found.written is None


def test_a_saved_page_is_as_old_as_its_file(tmp_path: Path) -> None:
    """The rate is over the time from the server's start to the file's date, whoever reads it when."""
    made = load("poisson", "uniform", 4.0, 3.0, 2000, 3)
    path = tmp_path / "metrics.txt"
    path.write_text(vllm_page(made))
    os.utime(path, (made[-1].at, made[-1].at))
    found = of_metrics(str(path))
    assert found == of_file(path) and found.request_rate == pytest.approx(4.0, rel=0.1)


def test_no_start_no_rate() -> None:
    """Where nothing says since when is counted, or two servers say it, there are lengths and no rate; it is said."""
    page = vllm_page(load("poisson", "uniform", 4.0, 3.0, 100, 3))
    for text_ in (page.replace("process_start", "other_start"), page + 'process_start_time_seconds{a="b"} 5.0\n'):
        found = of_page(read_samples(text_, "page"), START + 100, "page")
        assert found.request_rate is None and found.in_flight is None and found.read is not None
        assert any("no rate" in note for note in found.notes)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("up 1\n", "none of the metrics that tell a load: vllm:e2e_request_latency_seconds"),
        (histogram("vllm:e2e_request_latency_seconds", [], 'engine="0"'), "has answered 0 requests"),
    ],
)
def test_a_page_without_a_load_is_refused(page: str, said: str) -> None:
    """Another program's page, and a server that nobody has asked anything yet."""
    with pytest.raises(BadInput, match=said):
        of_page(read_samples(page, "page"), START, "page")


def test_a_server_is_asked_at_its_page_or_beside_it() -> None:
    """The address of the page and that of the server give the same; one that has neither is refused."""
    page = vllm_page(load("poisson", "uniform", 4.0, 3.0, 500, 3))
    with serving(lambda path: (200, page) if path == "/metrics" else (404, "")) as url:
        assert of_metrics(f"{url}/metrics").read == of_metrics(url).read == of_metrics(f"{url}/").read
    with serving(lambda _: (404, "")) as url, pytest.raises(EnvironmentFailed, match="does not answer"):
        of_metrics(url)
    with pytest.raises(EnvironmentFailed, match="does not answer"):
        of_metrics("http://127.0.0.1:9/metrics")
    with pytest.raises(BadInput, match="no address"):
        of_metrics("ftp://127.0.0.1/metrics")


def prometheus(samples: tuple[Sample, ...], levels: dict[float, float]) -> Answer:
    """Answers as a Prometheus does that has seen these counters rise, and these levels, within the day."""

    def series(query: str) -> list[dict[str, object]]:
        if query == "vector(1)":
            return [{"metric": {}, "value": [0, "1"]}]
        name = query.partition("increase(")[2].partition("{")[0]
        if "by (le)" in query:
            found = buckets(samples, name.removesuffix("_bucket"))
            return [{"metric": {"le": f"{bound}".replace("inf", "+Inf")}, "value": [0, f"{n}"]} for bound, n in found]
        counted = total(samples, name)
        return [] if counted is None else [{"metric": {}, "value": [0, f"{counted}"]}]

    def ranged(query: str) -> list[dict[str, object]]:
        if "vllm:num_requests_running" in query:
            return [{"metric": {}, "values": [[at, f"{level}"] for at, level in levels.items()]}]
        return [{"metric": {}, "values": [[at, "NaN" if at < HOUR_S else "2.5"] for at in levels]}]

    def answer(path: str) -> tuple[int, str]:
        where, _, asked = path.partition("?")
        query = urllib.parse.parse_qs(asked).get("query", [""])[0]
        found = ranged(query) if where.endswith("query_range") else series(query)
        return 200, json.dumps({"status": "success", "data": {"resultType": "any", "result": found}})

    return answer


def test_a_prometheus_tells_its_last_day() -> None:
    """Lengths come from what rose within it, levels from each minute, the rate from its busiest hour."""
    made = load("poisson", "uniform", 4.0, 3.0, 8000, 3)
    now = time.time()
    levels = {now - 3 * HOUR_S + 60 * number: float(10 + number % 5) for number in range(181)}
    with serving(prometheus(read_samples(vllm_page(made), "page"), levels)) as url:
        found = of_metrics(url)
    assert found.read and found.read.mean == pytest.approx(sum(each.read for each in made) / len(made))
    assert found.span_s == pytest.approx(3 * HOUR_S) and found.busiest_rate == 2.5
    assert found.in_flight_p95 == 14 and found.dispersion == pytest.approx(2 / 12, rel=0.05)


def test_a_prometheus_that_has_only_begun_is_refused() -> None:
    """Minutes of history give no rate within some percent."""
    page = read_samples(vllm_page(load("poisson", "uniform", 4.0, 3.0, 100, 3)), "page")
    with serving(prometheus(page, {1e9 + 15 * n: 3.0 for n in range(9)})) as url, pytest.raises(BadInput) as refused:
        of_metrics(url)
    assert "has kept 2 min of it; 10 min are needed" in str(refused.value)


def test_a_prometheus_that_watches_nothing_is_refused() -> None:
    """It answers, and has none of the metrics."""
    empty = json.dumps({"status": "success", "data": {"result": [{"metric": {}, "values": []}]}})
    with serving(lambda _: (200, empty)) as url, pytest.raises(BadInput, match="vllm:num_requests_running"):
        of_metrics(url)


def test_the_gateways_log_and_the_engines_page_together(tmp_path: Path) -> None:
    """Arrivals are the log's, lengths the page's: what one does not show, the other does."""
    made = load("bursts of 5", "uniform", 4.0, 3.0, 2000, 3)
    page, log = tmp_path / "metrics.txt", tmp_path / "gateway.log"
    page.write_text(vllm_page(made))
    log.write_text(text(caddy(made)))
    found = seen_in(log, str(page))
    assert found is not None and found.dispersion is not None and found.dispersion > 3
    assert found.read == of_metrics(str(page)).read


@pytest.mark.parametrize("odd", ["NaN", "+Inf", "-5"])
@pytest.mark.parametrize("end", ["count", "sum"])
def test_a_counter_that_is_none_is_named(odd: str, end: str) -> None:
    """What the counter is and what it must be is said; it is not taken for a page without it, nor for an idle server."""
    name = f"vllm:e2e_request_latency_seconds_{end}"
    page = re.sub(
        rf"(?m)^({re.escape(name)}.*) \S+$", rf"\1 {odd}", vllm_page(load("poisson", "uniform", 4.0, 3.0, 50, 3))
    )
    with pytest.raises(BadInput, match=f"page: {re.escape(name)} is no count"):
        of_page(read_samples(page, "page"), START + 1e6, "page")


def test_a_long_idle_server_does_not_hide_who_is_there() -> None:
    """Of a server that had little to do for weeks at least as many people count as are there at the moment."""
    page = vllm_page(load("poisson", "uniform", 4.0, 3.0, 500, 3))  # 3 run and 1 waits
    found = of_page(read_samples(page, "page"), START + 1e7, "page")
    assert found.in_flight is not None and found.in_flight < 0.01
    assert seen_keys(found)["users"].value == 4
    assert not any("in the busiest hour" in line for line in [*told(found, "page"), seen_keys(found)["users"].remark])


@pytest.mark.parametrize("before", ["", "gateway-1  | "])
def test_a_log_is_no_page(before: str, tmp_path: Path) -> None:
    """A file tells by its first line which of both it is."""
    made = load("poisson", "uniform", 4.0, 3.0, 50, 3)
    path = tmp_path / "file"
    path.write_text(text(jsonl(made), before))
    assert of_file(path).source == "log"
    for page in (vllm_page(made), "\n".join(line for line in vllm_page(made).splitlines() if line[0] != "#") + "\n"):
        path.write_text(page)
        assert of_file(path).source == "metrics"
