"""From what was read to the files: nothing else is looked up, so the same inputs give the same folder anywhere.

Each question is answered in an interpreter of its own (this file as a program), so that no earlier look is remembered.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import pytest

from advisor import render
from advisor.catalog import kept
from advisor.catalog.age import facts_here
from advisor.measured.correction import Measurements
from advisor.measured.entries import MeasuredLoad, Measurement, measurement_of
from advisor.models.names import find_model
from advisor.pipeline import advise, files_of
from advisor.probe.network import with_nodes
from advisor.render import template_folder
from advisor.schema import Hardware, Plan
from advisor.wire import from_json_file
from advisor.workload import load_workload

HERE = Path(__file__)
PACKAGED = (HERE.parents[1] / "advisor", template_folder(), Path(sys.prefix), Path(sys.base_prefix))
LOOKS = ("open", "os.listdir", "os.scandir", "os.system", "socket.", "subprocess.")
SEVEN = "Qwen/Qwen2.5-7B-Instruct"
# A yes, a no with its search, a model to choose, an engine for the desk too, several machines.
QUESTIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "yes": ("rtx-4090", "chat", {"model": SEVEN, "users": 20, "parts": "all"}),
    "no": ("rtx-4090", "chat", {"model": SEVEN, "users": 500, "ttft_ms": 50.0}),
    "choose": ("laptop-no-gpu", "desktop", {}),
    "both": ("rtx-4090-pair", "production-api", {"model": SEVEN, "engine": "both"}),
    "machines": ("h100-x8", "production-api", {"model": "deepseek-ai/DeepSeek-V3", "nodes": 2, "parts": "all"}),
}


class LookedUp(BaseException):
    """Something was looked up on the way; no `except` on the way stops it."""


def close_the_world() -> None:
    """From now on every look at a file, the network, a program, the environment or the clock raises `LookedUp`."""
    plain = os.stat
    for module in (kept, render):  # what is kept parsed is the same again, and lies outside
        module.cache_folder = lambda _: None  # type: ignore[attr-defined]

    def refuse(*what: Any, **_: Any) -> NoReturn:
        raise LookedUp(what)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event.startswith(LOOKS) and not is_packaged(args[0]):
            refuse(event, args)

    def stat(path: Any, *args: Any, **kwargs: Any) -> os.stat_result:
        return plain(path, *args, **kwargs) if is_packaged(path) else refuse("stat", path)

    class Closed(dict[str, str]):
        def get(self, *key: Any) -> Any:
            return None if is_importing(sys._getframe(1)) else refuse("environment", key)

        __getitem__ = __contains__ = get

    os.stat = stat
    os.environ = Closed()  # type: ignore[assignment] # noqa: B003 - Python is asked, not its children
    time.time = time.monotonic = time.localtime = time.gmtime = refuse
    sys.addaudithook(hook)


def is_packaged(path: object) -> bool:
    """Data and templates of the package, and Python's modules."""
    return isinstance(path, str | Path) and any(Path(path).is_relative_to(folder) for folder in PACKAGED)


def is_importing(frame: FrameType | None) -> bool:
    """A module is being loaded: what it asks for then is the same for every question."""
    while frame is not None and "importlib._bootstrap" not in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None


def answer(name: str) -> None:
    """Answer a question with all its files, without a look at anything that was not read before."""
    machine, profile, options = QUESTIONS[name]
    workload = load_workload(profile, {**options, "offline": True})
    hardware = replace(from_json_file(Hardware, HERE.parent / "hardware" / f"{machine}.json"), source="file")
    model = find_model(workload.model, offline=True) if workload.model else None
    facts = facts_here()
    close_the_world()
    hardware = with_nodes(hardware, workload)
    plan = advise(workload, hardware, Measurements(), model, facts=facts).plan
    assert plan is not None and files_of(plan)
    again = advise(workload, hardware, Measurements(entries=(measured(plan),)), model).plan
    assert again is not None and files_of(again) != files_of(plan)


def measured(plan: Plan) -> Measurement:
    """A measurement of the plan's own configuration, 1.3 times as slow as predicted."""
    speed, load = plan.estimate.speed, plan.workload
    assert speed is not None
    figures = MeasuredLoad(
        in_flight=max(plan.in_flight, 1.0), input_tokens=load.input_tokens, output_tokens=load.output_tokens,
        shared_prefix_tokens=load.shared_prefix_tokens, output_tokens_per_s=speed.output_tokens_per_s.expected / 1.3,
        ttft_s=speed.ttft_s.expected * 1.3, ttft_p95_s=speed.ttft_p95_s.expected * 1.3,
        tpot_s=speed.tpot_s.expected * 1.3, tpot_p95_s=speed.tpot_p95_s.expected * 1.3, requests=24, seconds=30.0,
    )  # fmt: skip
    return measurement_of(plan, [figures], engine_version=plan.engine_version, taken="2026-11-22T20:00:00Z")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Python on these words, in an interpreter of its own."""
    return subprocess.run(
        [sys.executable, "-B", *words], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
    )  # fmt: skip


@pytest.mark.parametrize("name", QUESTIONS)
def test_nothing_is_looked_up_on_the_way(name: str) -> None:
    """Verdict, nearest yes, plan and files come about with files, network, environment and clock closed."""
    done = run(str(HERE), name)
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_closed_world_is_closed() -> None:
    """The guard of the test above sees a file, a variable, a path, an address and the clock."""
    looks = ("open(__file__)", "os.environ['HOME']", "os.path.exists('/etc')", "socket.socket()", "time.time()")
    program = f"""
import os, socket, time
from tests import test_pure
__file__ = "/etc/hostname"
test_pure.close_the_world()
for look in {looks!r}:
    try:
        eval(look)
    except test_pure.LookedUp:
        continue
    raise SystemExit(look)
"""
    assert run("-c", program).returncode == 0


if __name__ == "__main__":
    answer(sys.argv[1])
