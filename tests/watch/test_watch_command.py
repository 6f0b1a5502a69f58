"""`advisor watch` through its front door, and a watch of a load that grows."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from advisor.commands.watching import line, lines
from advisor.deploy import replicas
from advisor.engines.asking import Server
from advisor.engines.looking import Reader, Reading
from advisor.errors import EnvironmentFailed
from advisor.folder.write import write_tree
from advisor.pipeline import files_of
from advisor.watch.crossover import Forecast
from advisor.watch.session import Bounds, View, reader_for, watch
from advisor.watch.target import Target, target_of
from tests.deploy.test_replicas import planned
from tests.migrate.servers import Front, Model, Refused, dimensions, ollama, serving, vllm
from tests.migrate.test_stack import migrated
from tests.watch.test_readers import PAGE

FORECAST = Forecast(
    engine="ollama", other="vllm", own=((1.0, 80.0), (16.0, 100.0)), others=((1.0, 40.0), (16.0, 300.0)), predicted=3.0, capacity=20.0
)  # fmt: skip
HERE = Target(server=Server(engine="ollama", base="http://127.0.0.1:1", version="0.34.2", here=True))


class Growing:
    """An engine with one more in flight every five seconds, that writes as predicted."""

    def __init__(self) -> None:
        self.written = 0.0

    def read(self, now_s: float) -> Reading:
        """One look."""
        flying = min(1 + int(now_s // 5), 16)
        self.written += 80 + 20 * (flying - 1) / 15
        return Reading(at_s=now_s, running=flying, slots=16, totals={"output_tokens": self.written, "requests": now_s})


class Failing(Growing):
    """The same, that does not answer in some seconds."""

    def __init__(self, silent: range) -> None:
        super().__init__()
        self.silent = silent

    def read(self, now_s: float) -> Reading:
        """One look, or none."""
        if int(now_s) in self.silent:
            raise EnvironmentFailed("refused")
        return super().read(now_s)


def views(seconds: float | None, reader: Reader | None = None) -> list[View]:
    """A watch of that engine by a clock that does not wait."""
    now = [0.0]

    def pause(more: float) -> None:
        now[0] += more

    return list(
        watch(HERE, Bounds(), FORECAST, seconds=seconds, every_s=1.0, reader=reader or Growing(), clock=lambda: now[0], pause=pause)
    )  # fmt: skip


def test_a_load_that_grows_reaches_the_crossover() -> None:
    """It is reached at the look at which so many are in flight, and the trend says when the plan's capacity is."""
    told = views(60.0)
    first = next(view for view in told if view.crossover.reached)
    assert first.step.in_flight is not None and first.crossover.in_flight is not None
    assert first.step.in_flight - 1 < first.crossover.in_flight <= first.step.in_flight
    last = told[-1]
    assert (last.looks, last.watched_s, last.most_in_flight) == (61, 60.0, 13)
    (flying,) = last.breaks
    assert flying.what == "requests in flight" and flying.date == "1970-01-01 00:01 UTC" and not flying.reached
    assert last.crossover.basis == "seen" and len(last.crossover.seen) > 10


def test_a_server_that_is_silent_for_a_while() -> None:
    """A missed look is passed over; one that stays away ends the watch, and what was seen until then is kept."""
    told = views(60.0, Failing(range(20, 25)))
    assert not told[-1].gone and told[-1].looks == 56 and told[-1].watched_s == 60
    told = views(None, Failing(range(20, 999)))
    assert told[-1].gone == "refused" and told[-1].looks == 20 and told[-1].most_in_flight == 4
    with pytest.raises(EnvironmentFailed, match="refused"):
        views(60.0, Failing(range(999)))


def test_a_server_that_dies_leaves_what_was_seen(busy: Front) -> None:
    """Exit code 3 with the reason, and the document of everything until then."""
    asked = iter(range(10**6))
    page = busy.answers["/metrics"]
    busy.answers["/metrics"] = lambda _: page if next(asked) < 6 else None
    done = run(busy.url, "--for", "60s", "--every", "0.2s", "--gpu", "RTX 4090", "--json")
    assert done.returncode == 3 and "answers no more after" in done.stderr, done.stderr
    found = json.loads(done.stdout)
    assert "404" in found["gone"] and found["last"]["waiting"] == 3 and found["causes"]


def test_a_key_is_no_riddle() -> None:
    """What asks for a key is said to, and which address is meant instead."""
    with serving(Front({"/api/version": Refused(401), "/version": Refused(401)})) as front:
        done = run(front.url, "--for", "1s")
    assert done.returncode == 3 and "asks for a key" in done.stderr and "the engine itself" in done.stderr, done.stderr


def test_a_key_in_an_address_is_not_repeated() -> None:
    """It is refused, and stands in no message."""
    done = run("http://me:hunter2@127.0.0.1:8000")
    assert done.returncode == 2 and "before the @" in done.stderr and "hunter2" not in done.stderr + done.stdout


def test_what_is_not_told_is_no_zero() -> None:
    """An engine whose slots nobody sees has no rate, and a target that nobody can see is said to be one."""
    with serving(ollama(Model("own", info=dimensions(7, 77, 7), loaded=512))) as front:
        told = run(front.url, "--for", "2s", "--ttft-ms", "2000", "--json")
        lined = run(front.url, "--for", "1s", "--every", "0.5s", "--ttft-ms", "2000")
    found = json.loads(told.stdout)
    assert found["last"]["in_flight"] is None and found["last"]["output_tokens_per_s"] is None
    assert any("a target of 2.0 s" in gap for gap in found["gaps"]), found["gaps"]
    assert any("cannot be asked from here" in gap for gap in found["gaps"]), found["gaps"]
    assert "0.0 tokens/s" not in lined.stdout and "nothing is told" in lined.stdout


def test_lines_of_a_log_end_with_the_whole(busy: Front) -> None:
    """Where no terminal is drawn on, what follows from all looks stands below them: crossover, flag, what is not told."""
    done = run(busy.url, "--for", "1s", "--every", "0.2s", "--gpu", "RTX 4090")
    looks, _, whole = done.stdout.partition("\n\n")
    assert looks.count("answered 3") >= 4 and "crossover" in whole and "--max-num-seqs" in whole


def test_the_view_says_all_of_it() -> None:
    """One line a look for a log; on a terminal every figure, and what is not told is named."""
    last = views(60.0)[-1]
    assert "answered 13 of 16 slots" in line(last) and "each person" in line(last)
    shown = "\n".join(text.plain for text in lines(last, HERE, 100))
    for words in (
        "ollama 0.34.2",
        "waiting",
        "not told",
        "crossover",
        "in flight (seen), reached",
        "1970-01-01 00:01 UTC",
    ):
        assert words in shown, shown


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """`advisor watch WORDS`."""
    return subprocess.run(
        [sys.executable, "-m", "advisor.cli", "watch", *words], capture_output=True, text=True, check=False, timeout=120
    )  # fmt: skip


@pytest.fixture
def busy() -> Iterator[Front]:
    """A vLLM at which three wait although there is room."""
    front = vllm("m", "Qwen/Qwen2.5-7B-Instruct")
    front.answers["/metrics"] = PAGE.replace(
        'waiting{engine="0",model_name="m"} 2.0', 'waiting{engine="0",model_name="m"} 3.0'
    ).encode()
    with serving(front):
        yield front


def test_one_document_at_the_end(busy: Front) -> None:
    """`--json`: one document with the whole, exit code 1 where something is wrong."""
    done = run(busy.url, "--for", "1s", "--every", "0.2s", "--gpu", "RTX 4090", "--json")
    assert done.returncode == 1, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["engine"] == "vllm" and found["last"]["waiting"] == 3 and found["looks"] >= 4
    assert [each["id"] for each in found["causes"]] == ["queue-with-free-kv"]
    crossover = found["crossover"]
    assert crossover["basis"] == "predicted" and crossover["least"] <= crossover["in_flight"] <= crossover["most"]


def test_a_line_a_look(busy: Front) -> None:
    """`--lines`: an object a look, the last one the whole."""
    done = run(busy.url, "--for", "1s", "--every", "0.2s", "--gpu", "RTX 4090", "--lines")
    told = [json.loads(each) for each in done.stdout.splitlines()]
    assert len(told) >= 5 and all(each["running"] == 3 for each in told[:-1]) and told[-1]["looks"] == len(told) - 1


def test_the_live_view_on_a_terminal(busy: Front) -> None:
    """Drawn anew in place until Ctrl-C, which ends it like the end of its time; what is wrong and what to set stands in it."""
    keeper, terminal = pty.openpty()
    words = [sys.executable, "-m", "advisor.cli", "watch", busy.url, "--every", "0.2s", "--gpu", "RTX 4090"]
    process = subprocess.Popen(
        words, stdout=terminal, stderr=terminal, stdin=terminal, env={**os.environ, "COLUMNS": "90"}
    )
    os.close(terminal)
    shown = ""
    while "--max-num-seqs" not in shown:
        assert process.poll() is None, shown
        shown += os.read(keeper, 65536).decode(errors="replace")
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(OSError):  # the terminal is gone with its last program
        while more := os.read(keeper, 65536):
            shown += more.decode(errors="replace")
    os.close(keeper)
    assert process.wait(timeout=20) == 1 and "Traceback" not in shown
    assert "3 wait while 25% of the KV cache is in use" in shown and "\x1b[" in shown


def test_quiet_engines_are_well() -> None:
    """Nothing wrong: exit code 0, a line a look, and why nobody predicts a crossover."""
    with serving(ollama(Model("own", info=dimensions(7, 77, 7), loaded=512))) as front:
        done = run(front.url, "--for", "1s", "--every", "0.5s")
        told = run(front.url, "--for", "1s", "--json")
    assert done.returncode == 0 and len(done.stdout.splitlines()) >= 2, done.stderr
    assert "nobody can say" in json.loads(told.stdout)["crossover"]["reason"]


def test_a_migration_is_watched_where_it_stands(tmp_path: Path) -> None:
    """The engine that its gateway stands in front of: at first the old one."""
    front = ollama(Model("llama3.1:8b", info=dimensions(32, 4096, 32)))
    migrated(front, tmp_path)
    with serving(front):
        done = run(str(tmp_path / "migration"), "--for", "1s", "--json")
    assert json.loads(done.stdout)["url"] == front.url, done.stderr


@pytest.mark.parametrize("silent", [None, 0, 1])
def test_every_replica_of_a_plan_is_looked_at(
    silent: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replicas with ports of their own are one engine: all that is in flight is told, and which of them is silent."""
    write_tree(tmp_path, files_of(planned()), overwrite=True)
    fronts = [vllm("m", "x"), vllm("m", "x")]
    for number, front in enumerate(fronts):
        front.answers["/metrics"] = PAGE.encode()
        if number == silent:
            front.answers.clear()
    with serving(fronts[0]), serving(fronts[1]):
        monkeypatch.setattr(replicas, "ports", lambda _: tuple(front.port for front in fronts))
        target = target_of(str(tmp_path))
        found = reader_for(target).read(1.0)
    assert found.in_flight == (10 if silent is None else 5)  # 3 run and 2 wait at each
    gaps = [gap for gap in found.gaps if "a replica does not answer" in gap]
    assert len(gaps) == (silent is not None)
    assert silent is None or str(fronts[silent].port) in gaps[0]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["http://127.0.0.1:1"], 3, "127.0.0.1:1"), (["ftp://x"], 2, "http://HOST:PORT"), (["."], 2, "plan.json"),
        (["http://127.0.0.1:1", "--for", "soon"], 2, "10m"), (["http://127.0.0.1:1", "--for", "0s"], 2, "10m"),
        (["http://127.0.0.1:1", "--every", "-1s"], 2, "10m"), (["http://127.0.0.1:1", "--json", "--lines"], 2, "exclude"),
        (["http://127.0.0.1:1", "--ttft-ms", "x"], 2, "--ttft-ms"), ([], 2, "URL"),
    ],
)  # fmt: skip
def test_what_cannot_be_watched(words: list[str], code: int, told: str) -> None:
    """Bad input is 2, an engine that does not answer 3; one message, nothing on standard output."""
    done = run(*words)
    assert done.returncode == code and told in done.stderr and not done.stdout, done.stderr
