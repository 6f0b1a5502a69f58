"""Every reader of this program, with a good input of which odd ones are made."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

from advisor.bundles.archive import pack, unpack
from advisor.bundles.contents import check
from advisor.catalog import bundle, overrides
from advisor.edge.reading import csv_rows, opened_text
from advisor.engines import ENGINES
from advisor.evaluate import compare, read_measurements
from advisor.folder.saved import read_plan
from advisor.folder.write import write_tree
from advisor.measured.entries import MeasuredLoad, measurement_of
from advisor.measured.store import folder as store
from advisor.measured.store import kept_here
from advisor.models.heads import commits_of
from advisor.models.hub import fetch_model
from advisor.models.hub_bytes import _asked, hub_bytes
from advisor.models.names import find_model_and_format
from advisor.pipeline import find_hardware, recommend
from advisor.predict import predict
from advisor.probe import amd_smi, apple, containers, nvidia_toolkit
from advisor.probe.host import Host, Output
from advisor.probe.nvidia import read as read_nvml
from advisor.report.results import results_in
from advisor.schema import RenderedFile
from advisor.smoke.causes import cause_of
from advisor.smoke.load.events import event_of
from advisor.smoke.load.http import Broken, Reply
from advisor.smoke.runners.record import end_remembered
from advisor.wire import to_json
from advisor.workload import load_workload
from advisor.workload.keys import KEYS
from advisor.workload.seen.given import of_file, of_metrics
from advisor.workload.seen.profile import profile_text
from tests.catalog.gguf_writer import llama, llama_metadata, write
from tests.hostile.fuzz import ODD, Mutated, Reader, bytes_of, from_file, json_of, spoiled
from tests.probe.fake_nvml import FakeNvml
from tests.probe.recorded_machines import host_of, recording
from tests.probe.test_foreign import MAC, NVIDIA, ROCM

HERE = Path(__file__).parents[1]
CONFIG = {
    "architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "hidden_size": 512, "intermediate_size": 1024,
    "num_hidden_layers": 4, "num_attention_heads": 8, "num_key_value_heads": 2, "vocab_size": 1000, "head_dim": 64,
    "max_position_embeddings": 8192, "num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 128,
    "sliding_window": 512, "layer_types": ["full_attention", "sliding_attention"] * 2, "kv_lora_rank": None,
    "quantization_config": {"quant_method": "compressed-tensors", "config_groups": {"a": {"weights": {"num_bits": 4}}}},
    "text_config": None, "linear_num_value_heads": None, "num_kv_shared_layers": None, "mlp_only_layers": [],
    "tie_word_embeddings": True, "use_sliding_window": True, "max_window_layers": 2,
}  # fmt: skip
ROWS = (
    b"id,engine,gpu,model,concurrency,mode,output_tok_s_total,input_tokens,slots,request_rate,num_prompts,power_limit_watts\n"
    b"1,vllm,RTX 4090,Qwen/Qwen2.5-7B-Instruct,8,serving,900,128,,,,\n"
    b'2,ollama,"2x RTX 3090",qwen2.5:7b,4,offline,90,,4,inf,100,220\n'
)
CARD = HERE / "hardware/rtx-4090.json"
DOCKER = {"Client": {"Version": "28.5.1", "APIVersion": "1.51"}, "Server": {"Version": "28.5.1", "Components": []}}
ASICS = {
    "gpu_data": [
        {"asic": {"market_name": "AMD Instinct MI300X"}, "bus": {"bdf": "0000:05:00.0"}, "rocm_version": "7.1"}
    ]
}
REQUESTS = (
    "id,engine,gpu,model,concurrency,input_tokens,output_tokens,mode\n"
    "1,vllm,RTX 4090,Qwen/Qwen2.5-7B-Instruct,8,128,64,serving\n2,ollama,2x RTX 3090,qwen2.5:7b,4,512,128,offline\n"
)
LOG = (
    "INFO 11-28 12:00:00 GPU KV cache size: 46,592 tokens\nINFO Maximum concurrency for 8,192 tokens per request: 5.69x\n"
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\nllama_context: n_ctx_per_seq = 4096\n"
    "time=2026-11-28 level=INFO msg=offload layers.requested=-1 layers.offload=33\nLoading safetensors: 50% Completed | 1/2\n"
)
METRICS = (
    'vllm:cache_config_info{block_size="16",kv_cache_size_tokens="46592",num_gpu_blocks="2912"} 1.0\n'
    'vllm:generation_tokens_total{engine="0"} 12.0\nvllm:request_success_total{reason="length"} 3.0\n'
)
REQUESTED = (
    '{"timestamp": 1790000000.5, "prompt_tokens": 100, "completion_tokens": 10, "duration_s": 2.5, "user": "a"}\n'
    '{"created": 1790000007, "usage": {"prompt_tokens": 90, "completion_tokens": 9}, "latency_ms": 900}\n'
    'gateway-1  | {"ts": 1790000009.5, "logger": "http.log.access", "request": {"method": "POST", "client_ip": "::1", '
    '"uri": "/v1/chat/completions"}, "duration": 1.5, "status": 200}\n'
) * 2
COUNTED = (
    '# TYPE vllm:request_prompt_tokens histogram\nvllm:request_prompt_tokens_bucket{le="100.0"} 7.0\n'
    'vllm:request_prompt_tokens_bucket{le="+Inf"} 9.0\nvllm:request_prompt_tokens_sum 900.0\n'
    "vllm:request_prompt_tokens_count 9.0\nvllm:e2e_request_latency_seconds_count 9.0\n"
    "vllm:e2e_request_latency_seconds_sum 30.0\nprocess_start_time_seconds 1.7e+09\n"
)
EVENT = {
    "choices": [{"delta": {"content": "word"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 8},
}
REPLY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'12\r\ndata: {"a": [1]}\n\n\r\n10\r\ndata: [DONE]\n\n\r\n\r\n0\r\n\r\n'
)


def readers(folder: Path) -> dict[str, Callable[[], Reader]]:
    """Every reader by its name; files lie in `folder`, which is made the user's own too."""
    return {
        "a machine (--hardware)": lambda: hardware(folder, json_of(json.loads(CARD.read_text())), ".json"),
        "nvidia-smi CSV": lambda: hardware(folder, bytes_of(NVIDIA.encode()), ".csv"),
        "rocm-smi JSON": lambda: hardware(folder, json_of(ROCM), ".json"),
        "system_profiler JSON": lambda: hardware(folder, json_of(MAC), ".json"),
        "NVML": lambda: nvml(folder),
        "programs that are asked": lambda: programs(),
        "results in a folder": lambda: results(folder),
        "plan.json": lambda: plan(folder),
        "manifest of a folder": lambda: manifest(folder),
        "record of a smoke test": lambda: record(folder),
        "profile": lambda: Reader(profile, from_file(folder / "p.yaml", lambda path: load_workload(str(path), {}))),
        "config.json": lambda: config(folder),
        "adapter_config.json": lambda: adapter(folder),
        "safetensors": lambda: safetensors(folder),
        "GGUF": lambda: gguf(folder),
        "requests CSV (predict)": lambda: requests(folder),
        "measurements CSV (evaluate)": lambda: measurements(folder),
        "store of measurements": lambda: kept(),
        "Hub: config.json": lambda: hub(CONFIG, lambda: fetch_model("o/r", "x")),
        "Hub: index of bytes": lambda: hub({"metadata": {"total_size": 10**9}}, lambda: _asked("o/r")),
        "remembered commits of the Hub": lambda: commits(folder),
        "remembered bytes of the Hub": lambda: remembered(folder),
        "Ollama's answers": lambda: engine("ollama", {"version": "0.34.2", "models": [{"model": "a", "size": 3}]}),
        "vLLM's answers": lambda: engine("vllm", {"version": "0.33.0", "data": [{"id": "a", "max_model_len": 8192}]}),
        "events of a stream": lambda: Reader(
            json_of(EVENT), broken_or(lambda said: event_of(said.decode(errors="replace")))
        ),
        "HTTP replies": lambda: Reader(bytes_of(REPLY), broken_or(lambda said: asyncio.run(replied(said)))),
        "logs of an engine": lambda: Reader(bytes_of(LOG.encode()), logs),
        "metrics of an engine": lambda: Reader(bytes_of(METRICS.encode()), metrics),
        "bundle of the catalogue": lambda: archive(),
        "pointer to a bundle": lambda: pointer(folder),
        "own entries": lambda: own(folder),
        "log of requests (--from-log)": lambda: Reader(
            bytes_of(REQUESTED.encode()), from_file(folder / "requests.log", profiled)
        ),
        "page of metrics (--from-metrics)": lambda: Reader(
            bytes_of((COUNTED + METRICS).encode()), from_file(folder / "metrics.txt", profiled)
        ),
        "Prometheus's answers": lambda: prometheus(),
    }


def advise(hardware: Path, model: str = "Qwen/Qwen2.5-7B-Instruct") -> None:
    """The whole way, from a recorded machine to a plan in JSON."""
    to_json(recommend(profile=None, overrides={"model": model, "offline": True}, hardware_file=hardware).plan)


def hardware(folder: Path, make: Callable[[random.Random], bytes], ending: str) -> Reader:
    """A file for --hardware."""
    path = folder / f"hw{ending}"
    return Reader(make, from_file(path, lambda path: find_hardware(None, path)), lambda: advise(path))


def nvml(folder: Path) -> Reader:
    """What NVML tells of two cards."""
    recorded = recording("rtx-4090-pair")
    host = host_of(recorded, folder / "host")
    made = Mutated(recorded["nvml"], typed=True)

    def read(content: bytes) -> object:
        said = json.loads(content)
        fake = FakeNvml(said if isinstance(said, dict) else {})
        return read_nvml(replace(host, nvml=fake), None, {})

    return Reader(lambda dice: json.dumps(made(dice)).encode(), read)


def programs() -> Reader:
    """What docker, podman, Compose, the container toolkit, amd-smi and system_profiler print."""
    answers = [json.dumps(DOCKER), json.dumps(ASICS), json.dumps(MAC), "Docker Compose version v2.40.1\n"]
    oddly = [json_of(DOCKER), json_of(ASICS), json_of(MAC), *(bytes_of(each.encode()) for each in answers)]

    def read(content: bytes) -> object:
        said = Output(0, content.decode(errors="replace"), "")
        asked = containers.Asked(
            lambda: said, lambda: said, (lambda: said,), nvidia_toolkit.Asked(lambda: said, lambda: said)
        )
        macs = apple.Asked(lambda: said, lambda: said, lambda: said)
        return containers.finish(asked, {}), amd_smi.finish((lambda: said, lambda: said)), apple.read(Host(), macs, {})

    return Reader(lambda dice: dice.choice(oddly)(dice), read)


def results(folder: Path) -> Reader:
    """What `check` and `smoke` left in a folder for `report`."""
    line: dict[str, Any] = {
        "id": "port",
        "fact": "f",
        "status": "pass",
        "reason": "",
        "seen": "x",
        "command": "true",
        "expect": "e",
    }
    line |= {"otherwise": "o", "why": "w", "seconds": 0.1}
    good = {"plan": "p", "target": "native", "running": False, "lines": [line], "ran": "2026-11-28", "passed": True}
    (folder / "check").mkdir(exist_ok=True)
    return Reader(json_of(good), from_file(folder / "check/report.json", lambda path: results_in(path.parents[1])))


def plan(folder: Path) -> Reader:
    """A saved plan, through the door."""
    good = json.loads((HERE / "golden/one-person-rtx-4090/out/plan.json").read_text())
    return Reader(json_of(good), from_file(folder / "plan.json", read_plan))


def manifest(folder: Path) -> Reader:
    """The manifest of a folder, into which is written now and then."""
    from advisor.folder.write import _read_manifest

    file = RenderedFile(path="a/b.txt", text="text")
    write_tree(folder / "d", [file], overwrite=False)
    path = folder / "d/.advisor-manifest.json"
    good = json.loads(path.read_text())
    return Reader(
        json_of(good),
        from_file(path, lambda path: _read_manifest(path.parent)),
        lambda: write_tree(folder / "d", [file], overwrite=True),
    )


def record(folder: Path) -> Reader:
    """What a killed smoke test left; no process of this machine is in it."""
    good = {"owner": {"999999999": "x"}, "session": 2**30, "processes": {"999999999": "Sat Nov 28 2026"}}

    def read(path: Path) -> object:
        with patch("advisor.smoke.runners.record.starts", lambda pids: dict.fromkeys(pids, "never")):
            return end_remembered(path)

    return Reader(json_of(good), from_file(folder / "session.json", read))


def profile(dice: random.Random) -> bytes:
    """A profile with odd values of real keys, tags, anchors and odd bytes."""
    lines = (HERE.parent / "profiles/chat.yaml").read_text().splitlines()
    forms = (
        "{}",
        "'{}'",
        "!!int {}",
        "!!float {}",
        "!!timestamp {}",
        "&a {}",
        "*a",
        "[{}]",
        "{{{}: 1}}",
        "|\n  {}",
        "!x {}",
    )
    for name in dice.sample(sorted(key.name for key in KEYS), dice.randint(0, 2)):
        odd = dice.choice((*ODD, "2001-99-99", "12 GB", "4096", "true", "1e9", "~", "08"))
        lines.append(f"{name}: {dice.choice(forms).format(str(odd)[:300])}")
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    return spoiled(content, dice) if dice.random() < 0.3 else content


def config(folder: Path) -> Reader:
    """The config.json of a model in a folder."""
    place = folder / "config"
    place.mkdir(exist_ok=True)
    read = from_file(place / "config.json", lambda path: find_model_and_format(str(path.parent), offline=True))
    return Reader(json_of(CONFIG), read, lambda: advise(CARD, str(place)))


def adapter(folder: Path) -> Reader:
    """The adapter_config.json of a LoRA; its base may be named as itself."""
    place = folder / "adapter"
    place.mkdir(exist_ok=True)
    good = {
        "peft_type": "LORA",
        "r": 8,
        "rank_pattern": {"a": 16},
        "base_model_name_or_path": "Qwen/Qwen2.5-7B-Instruct",
    }
    made = json_of(good)

    def make(dice: random.Random) -> bytes:
        itself = json.dumps({**good, "base_model_name_or_path": str(place)}).encode()
        return itself if dice.random() < 0.1 else made(dice)

    read = from_file(place / "adapter_config.json", lambda path: find_model_and_format(str(path.parent), offline=True))
    return Reader(make, read, lambda: advise(CARD, str(place)))


def commits(folder: Path) -> Reader:
    """The file in which the Hub's commits of today are kept."""
    path = folder / "cache/advisor/hub/main.json"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    good = {"seen": date.today().isoformat(), "commits": {"o/r": "0" * 40}, "silent": ["o/s"], "silent_at": 1.0}

    def read(_: Path) -> object:
        with patch("advisor.models.heads.asked_of_hub", side_effect=OSError):
            return commits_of(("o/r", "o/s"))

    return Reader(json_of(good), from_file(path, read))


def safetensors(folder: Path) -> Reader:
    """The header of a model's weights."""
    place = folder / "safe"
    place.mkdir(exist_ok=True)
    (place / "config.json").write_text(json.dumps(CONFIG))
    tensor = {"dtype": "BF16", "shape": [4, 8], "data_offsets": [0, 64]}
    header = json_of({"model.layers.0.x.weight": tensor, "__metadata__": {}})

    def make(dice: random.Random) -> bytes:
        text = header(dice)
        content = len(text).to_bytes(8, "little") + text
        return spoiled(content, dice) if dice.random() < 0.3 else content

    return Reader(
        make, from_file(place / "model.safetensors", lambda path: find_model_and_format(str(path.parent), offline=True))
    )


def gguf(folder: Path) -> Reader:
    """A GGUF file: odd bytes of a whole one, or odd metadata."""
    path, whole = folder / "m.gguf", folder / "whole.gguf"
    write(whole, llama_metadata(), llama())
    good = whole.read_bytes()[:20_000]
    odd = (-1.0, 0, 2**31 - 1, float("nan"), 1e30, "x", "\x1b[2J", True, [1, 2], ["x"], 10_001)
    few = llama_metadata() | {"tokenizer.ggml.tokens": ["a"] * 50}

    def make(dice: random.Random) -> bytes:
        if dice.random() < 0.8:
            return spoiled(good, dice)
        write(whole, few | {dice.choice(list(few)): dice.choice(odd)}, llama())
        return whole.read_bytes()

    read = from_file(path, lambda path: find_model_and_format(str(path), offline=True))
    return Reader(make, read, lambda: advise(CARD, str(path)))


def requests(folder: Path) -> Reader:
    """Rows for predict."""

    def read(path: Path) -> object:
        with opened_text(path) as lines:
            header, *rows = [*csv_rows(lines)] or [[]]
        return list(predict(header if isinstance(header, list) else [], rows))

    return Reader(bytes_of(REQUESTS.encode()), from_file(folder / "r.csv", read))


def measurements(folder: Path) -> Reader:
    """Rows for evaluate, compared now and then."""
    path = folder / "m.csv"
    return Reader(
        bytes_of(ROWS),
        from_file(path, read_measurements),
        lambda: [one.inside for one in compare(read_measurements(path))],
        every=20,
    )


def kept() -> Reader:
    """An entry of the store, with an advice now and then."""
    store().mkdir(parents=True, exist_ok=True)
    small = "HuggingFaceTB/SmolLM2-135M-Instruct"
    return Reader(
        json_of(measurement_here()),
        from_file(store() / "x.json", lambda _: kept_here()),
        lambda: advise(HERE / "hardware/cpu-2-cores.json", small),
        every=200,  # nearly every entry is passed over or used: no other reader is answered as often
    )


def measurement_here() -> dict[str, Any]:
    """What is kept of a run on the machine with two cores, as plain data."""
    overrides = {"model": "HuggingFaceTB/SmolLM2-135M-Instruct", "offline": True}
    made = recommend(profile=None, overrides=overrides, hardware_file=HERE / "hardware/cpu-2-cores.json").plan
    assert made is not None
    load = MeasuredLoad(
        in_flight=2.0, input_tokens=128.0, output_tokens=64.0, shared_prefix_tokens=0.0, output_tokens_per_s=50.0,
        ttft_s=0.5, ttft_p95_s=0.7, tpot_s=0.02, tpot_p95_s=0.03, requests=10, seconds=20.0,
    )  # fmt: skip
    found = measurement_of(made, (load, replace(load, in_flight=1.0)), engine_version="1", taken="2026")
    data: dict[str, Any] = json.loads(to_json(found))
    return data


def hub(good: Any, ask: Callable[[], object]) -> Reader:
    """What the Hub answers, whichever page is asked for."""

    def read(content: bytes) -> object:
        with patch("advisor.models.hub.fetched", lambda *_, **__: content):
            return ask()

    return Reader(json_of(good), read)


def remembered(folder: Path) -> Reader:
    """The file in which the Hub's answers are kept."""
    path = folder / "cache/advisor/hub_bytes.json"
    path.parent.mkdir(parents=True, exist_ok=True)

    def read(_: Path) -> object:
        with patch("advisor.models.hub.fetched", side_effect=OSError):
            return hub_bytes("o/r")

    return Reader(json_of({"o/r": 10**9}), from_file(path, read))


def engine(name: str, good: Any) -> Reader:
    """What answers in an engine's place."""
    running = ENGINES[name].observer().running

    def read(content: bytes) -> object:
        where = f"advisor.engines.{name}.running.listens"
        with patch("advisor.engines.observing.fetched", lambda *_, **__: content), patch(where, lambda _: True):
            return running(1)

    return Reader(json_of(good), read)


def broken_or(read: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """A broken exchange is what the load generator counts as a failed request."""

    def tried(content: bytes) -> object:
        try:
            return read(content)
        except Broken as broken:
            return broken

    return tried


async def replied(content: bytes) -> list[str]:
    """The events of a reply, whose bytes come from a server of one's own choice."""
    from advisor.smoke.load.http import _head, understood

    stream = asyncio.StreamReader(limit=1 << 16)
    stream.feed_data(content)
    stream.feed_eof()
    with understood("test"):
        reply: Reply = await _head(stream)
        return [event async for event in reply.events()]


def logs(content: bytes) -> object:
    """What is read out of an engine's log."""
    text = content.decode(errors="replace")
    seen = [one.observer() for one in ENGINES.values()]
    return cause_of(text), [
        (one.effective(text, ""), [one.progress(line) for line in text.splitlines()]) for one in seen
    ]


def metrics(content: bytes) -> object:
    """What is read out of an engine's metrics."""
    text = content.decode(errors="replace")
    return [(one.observer().effective("", text), one.observer().figures(text)) for one in ENGINES.values()]


def archive() -> Reader:
    """A bundle: odd bytes of the file, or a whole file of odd entries."""
    score = json.loads((bundle.DATA / "scores.json").read_text())
    odd = json_of({**score, "scores": score["scores"][:20]})
    good = pack("2026.11.28", "2026-11-28", {"scores.json": json.dumps(score).encode()[:4000]})

    def make(dice: random.Random) -> bytes:
        if dice.random() < 0.7:
            return spoiled(good, dice)
        return pack("2026.11.28", "2026-11-28", {"scores.json": odd(dice)})

    last: list[Any] = []

    def read(content: bytes) -> None:
        last[:] = [unpack(content, "f")]

    return Reader(make, read, lambda: check(last[0], "f"))


def pointer(folder: Path) -> Reader:
    """What says which bundle is read, and the manifest of that bundle."""
    place = folder / "data/advisor/catalog"
    (place / "b").mkdir(parents=True, exist_ok=True)
    (place / bundle.CURRENT).write_text(json.dumps({"schema": bundle.SCHEMA, "folder": "b", "over": "2026.1.1"}))
    good_pointer, good = (
        {"schema": bundle.SCHEMA, "folder": "b"},
        {"schema": bundle.SCHEMA, "version": "2099.1.1", "date": "2099-01-01"},
    )
    (place / "b" / bundle.MANIFEST).write_text(json.dumps(good))
    of_pointer, of_manifest = json_of(good_pointer), json_of(good)

    def read(content: bytes) -> object:
        kind, _, text = content.partition(b"|")
        (place / (bundle.CURRENT if kind == b"p" else f"b/{bundle.MANIFEST}")).write_bytes(text)
        return bundle.installed()

    return Reader(lambda dice: b"p|" + of_pointer(dice) if dice.random() < 0.5 else b"m|" + of_manifest(dice), read)


def profiled(path: Path) -> str:
    """A profile of what a log or a page shows."""
    return profile_text(of_file(path), path.name)


def prometheus() -> Reader:
    """What a Prometheus answers, whatever is asked."""
    series = {"metric": {"le": "5"}, "value": [1e9, "7"], "values": [[1e9, "1"], [1e9 + 60, "3"], [1e9 + 1e4, "2"]]}
    good = json_of({"status": "success", "data": {"resultType": "matrix", "result": [series]}})

    def read(content: bytes) -> object:
        with patch("advisor.workload.seen.server.fetched", lambda *_, **__: content):
            return profile_text(of_metrics("http://127.0.0.1:9090"), "a Prometheus")

    return Reader(good, read)


def own(folder: Path) -> Reader:
    """Own entries of a user."""
    text = (
        "gpus:\n - {id: my-4090, like: nvidia-rtx-4090, name: RTX 4090 48GB, memory_bytes: 51527024640}\n"
        "models:\n - {hf_id: me/my-tune, like: Qwen/Qwen3-8B}\nprices:\n - {gpu: nvidia-rtx-4090, usd_per_hour: 0.35}\n"
    )
    return Reader(bytes_of(text.encode()), from_file(folder / "own.yaml", overrides.read.__wrapped__))
