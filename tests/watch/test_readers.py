"""What is read of a running engine is what it tells, and what it does not tell is said."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from advisor.edge.prometheus import read_samples
from advisor.engines.looking import Reading
from advisor.engines.ollama import runners
from advisor.engines.ollama.looking import APART_S, QUICK_LOOKS, OllamaReader, begun, paces, written
from advisor.engines.ollama.runners import Slot
from advisor.engines.vllm.looking import reading_of
from advisor.errors import EnvironmentFailed
from advisor.watch.evidence import causes
from advisor.watch.gateway import in_flight
from advisor.watch.replicas import ReplicasReader
from advisor.watch.server import find_server, reader_of
from advisor.watch.session import GatewayReader
from advisor.watch.steps import step_of
from advisor.wire import to_data
from tests.migrate.servers import Front, Model, ollama, serving, vllm

BLOB = "/store/blobs/sha256-" + "a" * 64
# The names and the shape of a page of vLLM 0.32.
PAGE = """# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 3.0
vllm:num_requests_waiting{engine="0",model_name="m"} 2.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:prompt_tokens_total{engine="0",model_name="m"} 1000.0
vllm:generation_tokens_total{engine="0",model_name="m"} 500.0
vllm:request_success_total{engine="0",finished_reason="stop",model_name="m"} 7.0
vllm:request_success_total{engine="0",finished_reason="length",model_name="m"} 3.0
vllm:num_preemptions_total{engine="0",model_name="m"} 1.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.5",model_name="m"} 10.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="+Inf",model_name="m"} 10.0
"""


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for processes that only the test has."""
    monkeypatch.setattr(runners, "PROCESSES", tmp_path)
    return tmp_path


def process(folder: Path, number: int, port: int, parent: int = 7, slots: int = 2, blob: str = BLOB) -> None:
    """A llama-server as Ollama 0.34.2 starts one."""
    words = [
        "/usr/lib/ollama/llama-server",
        "--model",
        blob,
        "--port",
        str(port),
        "--offline",
        "-c",
        str(1024 * slots),
        "-np",
        str(slots),
        "",
    ]
    (folder / str(number)).mkdir()
    (folder / str(number) / "cmdline").write_bytes("\0".join(words).encode())
    (folder / str(number) / "stat").write_text(f"{number} (llama (x) server) S {parent} 1 1")


def slot(number: int, busy: bool, task: int | None = None, read: int = 0, decoded: int = 0) -> dict[str, Any]:
    """One slot as a llama-server b11434 tells of it."""
    told = {"id": number, "n_ctx": 1024, "is_processing": busy, "prompt": "a secret"}
    return (
        told
        if task is None
        else told | {"id_task": task, "n_prompt_tokens": read, "next_token": [{"n_decoded": decoded}]}
    )


@pytest.fixture
def llama() -> Iterator[Front]:
    """A llama-server whose slots a test sets."""
    with serving(Front({"/slots": [slot(0, False), slot(1, False)]})) as front:
        yield front


def engine(*models: Model) -> Front:
    """An Ollama with one loaded model whose weights lie at `BLOB`."""
    return ollama(*(models or (Model("m:latest", loaded=1024, show={"modelfile": f"FROM {BLOB}\n"}),)))


def test_slots_of_an_ollama_here(processes: Path, llama: Front) -> None:
    """Busy slots are requests that are answered; tokens, requests and filled contexts are counted look by look."""
    process(processes, 11, llama.port)
    process(processes, 12, 1, blob="/other/blobs/sha256-" + "a" * 64)
    (processes / "self").mkdir()
    with serving(engine()) as front:
        reader = OllamaReader(find_server(front.url))
        idle = reader.read(100.0)
        assert (idle.running, idle.slots, idle.waiting) == (0, 2, None) and "no metrics" in idle.gaps[0]
        assert idle.loaded[0].slots == 2 and idle.loaded[0].context_tokens == 1024
        llama.answers["/slots"] = [slot(0, True, 5, read=1020), slot(1, False)]
        assert reader.read(101.0).running == 1
        llama.answers["/slots"] = [slot(0, True, 5, read=1020, decoded=30), slot(1, True, 6, read=10, decoded=5)]
        now = reader.read(102.0)
    assert now.running == 2 and now.in_flight == 2
    assert now.totals == {"prompt_tokens": 1030, "output_tokens": 35, "requests": 2, "loads": 0, "filled_contexts": 1}
    assert "secret" not in repr(now)


def test_two_ollamas_with_one_store(processes: Path, llama: Front) -> None:
    """Whose slots are whose cannot be told: nothing is taken for this one's, and it is said."""
    process(processes, 11, llama.port, parent=7)
    process(processes, 12, llama.port, parent=8)
    with serving(engine()) as front:
        found = OllamaReader(find_server(front.url)).read(1.0)
    assert found.running is None and found.in_flight is None and "several Ollamas" in found.gaps[1]


@pytest.mark.parametrize(
    "words", [b"", b"llama-server", b"/x/llama-server\0--model\0/a.gguf\0--port\0x\0-np\0\0", b"\xff\0\xfe"]
)
def test_processes_that_are_none(words: bytes, processes: Path) -> None:
    """Other programs, other command lines and such as vanish are passed over."""
    (processes / "9").mkdir()
    (processes / "9" / "cmdline").write_bytes(words)
    (processes / "10").mkdir()
    with serving(engine()) as front:
        found = OllamaReader(find_server(front.url)).read(1.0)
    assert found.running is None and found.loaded[0].name == "m:latest"


@pytest.mark.parametrize(
    "slots", [b"no", {"error": {"code": 501}}, [], [3], [{"is_processing": "yes", "next_token": 3}]]
)
def test_slots_that_are_none(slots: Any, processes: Path, llama: Front) -> None:
    """A runner that does not tell, or tells oddly, has nobody in flight that is known of."""
    process(processes, 11, llama.port)
    llama.answers["/slots"] = slots
    with serving(engine()) as front:
        assert not OllamaReader(find_server(front.url)).read(1.0).running


def test_loads_are_counted(processes: Path) -> None:
    """A model that comes into memory between two looks was loaded once."""
    front = engine()
    with serving(front):
        reader = OllamaReader(find_server(front.url))
        for names in (["a"], ["a", "b"], ["b"], ["a"]):
            front.answers["/api/ps"] = {"models": [{"name": name} for name in names]}
            last = reader.read(1.0)
    assert last.totals["loads"] == 2


def test_a_start_anew_under_the_same_name_is_a_load(processes: Path) -> None:
    """A request with another context starts a model anew; one whose context or process is told only later does not."""
    front = engine()
    with serving(front):
        reader = OllamaReader(find_server(front.url))
        loads = []
        for context in (None, 4096, 4096, 8192, 4096):
            front.answers["/api/ps"] = {"models": [{"name": "m:latest", "context_length": context}]}
            loads.append(reader.read(1.0).totals["loads"])
        for port in (4711, 4711, 4712):
            for place in processes.iterdir():
                shutil.rmtree(place)
            process(processes, port, port)
            loads.append(reader.read(1.0).totals["loads"])
    assert loads == [0, 0, 0, 1, 2, 2, 2, 3]


def test_the_pace_of_slots_that_are_seen_whole() -> None:
    """What a slot wrote before and after its request changed is nobody's count: its pace now, else the others'."""
    one, other = (
        Slot(number=0, busy=True, task=1, read=5, written=10),
        Slot(number=1, busy=True, task=2, read=5, written=90),
    )
    before = {(9, 0): one, (9, 1): other}
    now = {(9, 0): replace(one, written=30), (9, 1): replace(other, task=3, written=2)}
    assert written(now, before, 1.0, {}) == 40 and [place for place, _ in begun(now, before)] == [(9, 1)]
    assert written(now, before, 1.0, {(9, 1): 50.0}) == 70 and written(now, before, 1.0, {(9, 1): 0.0}) == 22
    ended = {(9, 0): replace(one, busy=False, written=14), (9, 1): replace(other, busy=False)}
    assert written(ended, before, 1.0, {}) == 4 and written(now, {}, 1.0, {}) == 0


@pytest.mark.parametrize("rate", [20.0, 99.0, 200.0])
@pytest.mark.parametrize("tokens", [30, 64, 300])
def test_answers_shorter_than_a_look_are_counted(tokens: int, rate: float) -> None:
    """One slot that writes answer after answer: what is seen of a minute is what was written, within a quarter."""

    def look(at: float) -> Slot:
        number, since = divmod(at, 0.03 + tokens / rate)  # a prompt takes 30 ms
        return Slot(number=0, busy=True, task=int(number), read=5, written=int(max(since - 0.03, 0.0) * rate))

    seen, last = 0.0, 0.0
    for number in range(1, 61):
        at = number + 0.037 * (number % 7)  # looks are never quite a second apart
        quick, pace = [{(9, 0): look(at + APART_S * again)} for again in range(QUICK_LOOKS + 1)], dict[Any, float]()
        for one, next_one in itertools.pairwise(quick):
            pace = pace or paces(next_one, one, APART_S)
        seen += written(quick[0], {(9, 0): look(last)}, at - last, pace)
        last = at
    assert 0.75 <= seen / (last * tokens / (0.03 + tokens / rate)) <= 1.25


def test_a_vllm_by_its_metrics() -> None:
    """Gauges, counters over all labels, and histograms; a page that is none is an environment that failed."""
    front = vllm("m", "x")
    front.answers["/metrics"] = PAGE.encode()
    with serving(front):
        reader = reader_of(find_server(front.url))
        found = reader.read(1.0)
        assert (found.running, found.waiting, found.in_flight, found.kv_used) == (3, 2, 5, 0.25)
        assert found.totals["requests"] == 10 and found.totals["output_tokens"] == 500 and found.ttft[0] == (0.5, 10.0)
        assert found.loaded[0].name == "m" and not found.gaps
        several = "".join(
            PAGE.replace('"m"', name).replace('engine="0"', 'engine="1"') for name in ('"b"', '"c"', '"b"')
        )
        front.answers["/metrics"] = several.encode()
        assert [each.name for each in reader.read(1.0).loaded] == ["b", "c"] and reader.read(1.0).running == 9
        front.answers["/metrics"] = PAGE.replace(',model_name="m"', "").encode()
        assert not reader.read(1.0).loaded and reader.read(1.0).running == 3
        front.answers["/metrics"] = b"<html>"
        with pytest.raises(EnvironmentFailed, match="/metrics"):
            reader.read(2.0)
        front.answers["/metrics"] = b"up 1\n"
        assert reader.read(3.0).in_flight is None and "--disable-log-stats" in reader.read(3.0).gaps[0]


class Told:
    """A server that tells what a test says; None: it does not answer."""

    def __init__(self, *told: Reading | None) -> None:
        self.told = iter(told)

    def read(self, now_s: float) -> Reading:
        """One look."""
        found = next(self.told)
        if found is None:
            raise EnvironmentFailed("refused")
        return replace(found, at_s=now_s)


def test_replicas_are_one_server() -> None:
    """What runs, waits and was counted is added; of one that goes away stays what it had counted, and it is said."""
    one = Reading(at_s=0.0, running=3, waiting=1, kv_used=0.5, totals={"requests": 10.0}, ttft=((1.0, 4.0),))
    other = Reading(at_s=0.0, running=2, waiting=0, kv_used=0.2, totals={"requests": 5.0}, ttft=((1.0, 2.0),))
    reader = ReplicasReader({"a": Told(one, one, None), "b": Told(other, None, None)})
    both, alone = reader.read(1.0), reader.read(2.0)
    assert (both.running, both.waiting, both.in_flight, both.kv_used) == (5, 1, 6, 0.5)
    assert both.totals == alone.totals == {"requests": 15.0} and both.ttft == alone.ttft == ((1.0, 6.0),)
    assert alone.in_flight == 4 and "refused" in alone.gaps[0] and not both.gaps
    with pytest.raises(EnvironmentFailed, match="refused"):
        reader.read(3.0)
    late = ReplicasReader({"a": Told(one, one, one), "b": Told(None, other, replace(other, totals={"requests": 7.0}))})
    assert [late.read(float(at)).totals["requests"] for at in range(3)] == [10.0, 10.0, 12.0]


@pytest.mark.parametrize("odd", ["NaN", "+Inf", "-Inf", "-1", "1e30", "0"])
def test_odd_numbers_of_a_vllm(odd: str) -> None:
    """Whatever a page says, a look is made of it, and what is told of it is JSON with finite numbers."""
    lines = PAGE.splitlines()
    for place, line in enumerate(lines):
        if line[0] == "#":
            continue
        page = "\n".join([*lines[:place], f"{line.rpartition(' ')[0]} {odd}", *lines[place + 1 :]]) + "\n"
        readings = [reading_of(read_samples(page, "here"), float(at)) for at in range(5)]
        readings[0] = reading_of(read_samples(PAGE, "here"), 0.0)
        causes("vllm", readings)
        json.dumps(to_data(step_of(readings)), allow_nan=False)


def test_a_gateway_tells_who_waits() -> None:
    """Of a request that passes several handlers the proxy's count is taken; what is not answered waits."""

    class One:
        def read(self, now_s: float) -> Reading:
            return Reading(at_s=now_s, running=2, gaps=("counts no request that waits", "other"))

    page = 'caddy_http_requests_in_flight{handler="subroute",server="srv0"} 5\ncaddy_http_requests_in_flight{handler="reverse_proxy",server="srv0"} 5\n'
    with serving(Front({"/metrics": page.encode()})) as front:
        found = GatewayReader(One(), front.port).read(1.0)
        assert (found.waiting, found.in_flight, found.gaps) == (3, 5, ("other",))
        front.answers["/metrics"] = b"caddy_x 1\n"
        assert in_flight(front.port) == 0
        front.answers["/metrics"] = json.dumps({"a": 1}).encode()
        assert in_flight(front.port) is None and GatewayReader(One(), front.port).read(1.0).waiting is None
