"""Where the engine is stands in a file that Caddy reads at each request: a switch, a key or nothing is ever loaded anew."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.deploy.client import again_and_again
from tests.deploy.front import Front, Upstream, gateway, planned, written
from tests.smoke.fake_engine import Behaviour

pytestmark = pytest.mark.external
SWITCHES = 60


def lead(folder: Path, upstream: Upstream) -> None:
    """As update.sh does it: whole or not at all."""
    (folder / "engine.at.new").write_text(f"127.0.0.1:{upstream.port}\n")
    (folder / "engine.at.new").replace(folder / "engine.at")


@contextmanager
def followed(tmp_path: Path, *engines: Upstream) -> Iterator[Front]:
    """A gateway that leads to the first of these engines, by the file."""
    caddyfile = written(planned(), tmp_path / "deploy") / "gateway" / "Caddyfile"
    lead(tmp_path, engines[0])
    with ExitStack() as stack:
        for engine in engines:
            stack.enter_context(engine.serving())
        yield stack.enter_context(gateway(caddyfile, engines[0].port, tmp_path, ADVISOR_UPSTREAM="{file.engine.at}"))


def test_no_switch_loses_a_connection(tmp_path: Path) -> None:
    """Sixty moves between two engines under a rush of new connections: every request is answered, by one or the other."""
    first, second = (Upstream(Behaviour(model="fake", ttft_s=0, tpot_s=0)) for _ in range(2))
    counted: Counter[object] = Counter()
    with followed(tmp_path, first, second) as front:

        def ask(_: int) -> None:
            try:
                counted[front.chat(max_tokens=1).status] += 1
            except (OSError, HTTPException) as error:
                counted[repr(error)] += 1

        with again_and_again(ask, clients=12):
            for number in range(SWITCHES):
                lead(tmp_path, (second, first)[number % 2])
                time.sleep(0.05)
    assert set(counted) == {200} and counted[200] > 100, counted
    assert min(len(first.paths), len(second.paths)) > 20, "both have answered"


def test_what_has_begun_stays_where_it_began(tmp_path: Path) -> None:
    """A stream goes on at the engine that it met; the next request meets the other; and health is asked of the other too."""
    first, second = (Upstream(Behaviour(model="fake", ttft_s=0.1, tpot_s=0.1)) for _ in range(2))
    with followed(tmp_path, first, second) as front:
        streams: list[str] = []
        going = threading.Thread(target=lambda: streams.append(front.chat(stream=True, max_tokens=20).body))
        going.start()
        end = time.monotonic() + 20
        while not first.how.running and time.monotonic() < end:
            time.sleep(0.02)
        lead(tmp_path, second)
        assert front.chat().status == 200 and second.paths and len(first.paths) == 1
        going.join(30)
        assert streams[0].count("word ") == 20 and streams[0].rstrip().endswith("[DONE]")
        assert front.ask("GET", "/healthz").status == 200


@pytest.mark.parametrize(
    "text", ["", "\n", "nowhere", "127.0.0.1:1\n", "127.0.0.1:8000-8010", "{file.engine.at}", None]
)
def test_a_file_that_leads_nowhere_is_an_error_for_its_request_alone(tmp_path: Path, text: str | None) -> None:
    """Empty, no address, a dead one, several, itself, or no file: 502 or 503, and the next good word serves again."""
    engine = Upstream(Behaviour(model="fake", ttft_s=0, tpot_s=0))
    with followed(tmp_path, engine) as front:
        with suppress(FileNotFoundError):
            (tmp_path / "engine.at").unlink()
        if text is not None:
            (tmp_path / "engine.at").write_text(text)
        assert front.chat().status in (500, 502, 503, 504)
        lead(tmp_path, engine)
        assert front.chat().status == 200
