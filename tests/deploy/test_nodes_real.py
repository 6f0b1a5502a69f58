"""Two real vLLM processes on two network namespaces, started by the emitted script: one engine, one end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from advisor.folder.write import write_tree
from advisor.pipeline import files_of, recommend
from advisor.schema import Hardware, Plan
from advisor.wire import from_json_file, to_json
from tests.deploy.two_machines import ADDRESSES, machines, processes

pytestmark = [pytest.mark.engine, pytest.mark.nightly, pytest.mark.xdist_group("engines")]

HARDWARE = Path(__file__).parents[1] / "hardware" / "cpu-2-cores.json"
MIB = 1 << 20
__all__ = ["machines"]
STARTS_S, ENDS_S = 900, 150  # patience only: about two minutes and half a minute on two idle cores
REQUESTS = 16
IN_FLIGHT_S = 15.0  # of the answers that a stop must not cut; the plan drains for 60 s at least

# Runs inside the first machine's namespace, which alone reaches the engine's loopback.
CLIENT = """
import json, sys, urllib.request
from concurrent.futures import ThreadPoolExecutor
base, model, count, tokens = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
def ask(number):
    body = {"model": model, "prompt": f"Count to {number}:", "max_tokens": tokens, "ignore_eos": True}
    asked = urllib.request.Request(
        base + "/v1/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=600) as answer:
        return json.load(answer)["usage"]["completion_tokens"]
with ThreadPoolExecutor(count) as pool:
    print(json.dumps(list(pool.map(ask, range(count)))))
"""


def two_stage_plan(model: str, tmp_path: Path) -> Plan:
    """What is recommended on two machines that have too little memory for one to hold model and cache.

    The largest such machine, so that the cache has room: found by bisection, since the planned overheads may change.
    """
    machine = from_json_file(Hardware, HARDWARE)

    def planned(mebibytes: int) -> Plan | None:
        size = mebibytes * MIB
        cpu = replace(
            machine.cpu, memory_bytes=size, available_bytes=size, instruction_sets=("avx2", "avx512", "avx512_bf16")
        )
        path = tmp_path / "hardware.json"
        path.write_text(to_json(replace(machine, cpu=cpu)))
        asked = {
            "model": model, "engine": "vllm", "concurrency": REQUESTS, "input_tokens": 32, "output_tokens": 32,
            "context_tokens": 1024, "ttft_ms": 1e6, "tpot_ms": 1e6, "offline": True, "nodes": 2, "parts": "none",
            "quantization": "bf16",
        }  # fmt: skip
        return recommend(profile=None, overrides=asked, hardware_file=path).plan

    low, high = 512, 32768
    while high - low > 1:
        middle = (low + high) // 2
        found = planned(middle)
        one_is_enough = found is not None and found.estimate.candidate.nodes == 1
        low, high = (low, middle) if one_is_enough else (middle, high)
    plan = planned(low)
    assert plan is not None, "there is no memory with which only two machines hold the model"
    assert (plan.estimate.candidate.nodes, plan.estimate.candidate.pipeline_parallel) == (2, 2)
    return plan


def until(holds: Callable[[], bool], failed: Callable[[], str], patience_s: float) -> None:
    """Wait until it holds, or fail with what there is to tell; counted in looks, so that a pause is no time."""
    for _ in range(int(2 * patience_s)):
        if holds():
            return
        time.sleep(0.5)
    pytest.fail(failed())


def test_two_machines_serve_as_one_engine_and_end_together(
    engines: dict[str, str], machines: tuple[str, str], tmp_path: Path
) -> None:
    """The planned commands make one engine that answers 16 of 16; a stop loses nothing in flight and leaves nothing.

    The headless process does not end by itself when the first machine's engine is gone: the script ends it.
    """
    plan = two_stage_plan(engines["ADVISOR_MODEL_SAFETENSORS"], tmp_path)
    folder = tmp_path / "deploy"
    write_tree(folder, files_of(plan), overwrite=True)
    nodes, logs = [], []
    for number, name in enumerate(machines):
        settings = tmp_path / f"nodes-{number}.env"
        # A core for each, in place of all cores of a machine of its own.
        settings.write_text(
            f'ADVISOR_NODES="{" ".join(ADDRESSES)}"\n'
            f"VLLM_CPU_OMP_THREADS_BIND={number}\nVLLM_CPU_NUM_OF_RESERVED_CPU=0\n"
        )
        log = tmp_path / f"node-{number}.log"
        logs.append(log)
        with log.open("w") as out:
            nodes.append(
                subprocess.Popen(
                    ["ip", "netns", "exec", name, "bash", str(folder / "nodes" / "node.sh"), str(number)],
                    stdout=out,
                    stderr=out,
                    env=os.environ | engines | {"ADVISOR_NODES_FILE": str(settings)},
                    process_group=0,
                )
            )

    def told() -> str:
        return "\n".join(log.read_text()[-3000:] for log in logs)

    def inside(*words: str) -> list[str]:
        return ["ip", "netns", "exec", machines[0], *words]

    base = f"http://127.0.0.1:{plan.launch.port}"

    def healthy() -> bool:
        assert all(node.poll() is None for node in nodes), told()
        asked = inside("curl", "-fsS", "-m", "5", "-o", "/dev/null", base + plan.launch.health_path)
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0

    until(healthy, told, STARTS_S)
    client = inside(sys.executable, "-c", CLIENT, base, plan.launch.served_name)
    began = time.monotonic()
    answers = subprocess.run([*client, str(REQUESTS), "16"], capture_output=True, text=True, check=False)
    step_s = (time.monotonic() - began) / 16
    assert answers.returncode == 0, answers.stderr + told()
    assert json.loads(answers.stdout) == [16] * REQUESTS

    tokens = max(8, min(400, int(IN_FLIGHT_S / step_s)))  # long enough to be met, short enough for the drain
    last = subprocess.Popen([*client, "4", str(tokens)], stdout=subprocess.PIPE, text=True)
    until(lambda: running_now(inside, base) >= 4, told, 120)
    nodes[0].send_signal(signal.SIGTERM)
    until(lambda: last.poll() is not None, told, ENDS_S)
    shown, _ = last.communicate()
    assert last.returncode == 0, told()
    assert json.loads(shown) == [tokens] * 4, told()
    until(lambda: all(node.poll() is not None for node in nodes), told, ENDS_S)
    assert [node.returncode for node in nodes] == [0, 0], told()
    assert [processes(name) for name in machines] == [[], []], told()


def running_now(inside: Callable[..., list[str]], base: str) -> int:
    """Requests that the engine works on."""
    shown = subprocess.run(
        inside("curl", "-fsS", "-m", "5", base + "/metrics"), capture_output=True, text=True, check=False
    )
    lines = [line for line in shown.stdout.splitlines() if line.startswith("vllm:num_requests_running")]
    return int(float(lines[0].rsplit(" ", 1)[1])) if lines else 0
