"""The settings of a sweep: which there are, the point that is advised, the engine's default, and a plan with others.

A point gives each setting a value; None leaves the engine its own default.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import replace

from advisor.pipeline import recommend
from advisor.schema import Plan

MODELS = {"vllm": "ADVISOR_MODEL_SAFETENSORS", "ollama": "ADVISOR_MODEL_GGUF"}
PATIENCE_S = 3600  # of a start: several servers may start side by side
INPUT_TOKENS, OUTPUT_TOKENS, CONTEXT_TOKENS = 128, 64, 512
Point = dict[str, str | None]

# What matters on a CPU, and the values that are tried. The first is the slots: the others are tried at every load.
FACTORS: dict[str, dict[str, list[str | None]]] = {
    "ollama": {
        "OLLAMA_NUM_PARALLEL": ["1", "4", "16", "64"],
        "OLLAMA_CONTEXT_LENGTH": ["512", "4096"],
        "PARAMETER num_batch": ["128", "512"],
        "PARAMETER num_thread": [None, "1"],
        "OLLAMA_FLASH_ATTENTION": ["1", "0"],
        "OLLAMA_KV_CACHE_TYPE": ["f16", "q8_0"],
    },
    "vllm": {
        "--max-num-seqs": ["16", "128"],
        "--max-num-batched-tokens": ["512", "2048"],
        "--dtype": ["float32", "bfloat16"],
        "VLLM_CPU_NUM_OF_RESERVED_CPU": ["0", "1"],
        "VLLM_CPU_OMP_THREADS_BIND": [None, "nobind"],
        "--kv-cache-memory-bytes": ["1073741824", "3221225472"],
    },
}
# Where a start takes minutes, the plan for the most in flight is tried at all loads: more slots than that cost nothing.
ONE_CENTRE = ("vllm",)
LEAST: dict[str, tuple[str, ...]] = {"vllm": ("--kv-cache-memory-bytes",), "ollama": ()}  # unset: the host's memory
TOGETHER = {"OLLAMA_CONTEXT_LENGTH": "PARAMETER num_ctx"}  # the same setting in two places
NEEDS_FLASH = ("OLLAMA_KV_CACHE_TYPE", "q8_0", "OLLAMA_FLASH_ATTENTION", "0")


def advised(engine: str, in_flight: int) -> Plan:
    """The plan that `advisor recommend` makes for this machine and load."""
    asked = {
        "model": os.environ[MODELS[engine]], "engine": engine, "concurrency": in_flight,
        "input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS, "context_tokens": CONTEXT_TOKENS, "offline": True,
        "run": "native",
    }  # fmt: skip
    plan = recommend(profile=None, overrides=asked).plan
    assert plan is not None
    return plan


def point_of(plan: Plan) -> Point:
    """The settings of a plan, as far as they are swept."""
    written = {s.name: s.value for s in plan.settings}
    return {name: written.get(name) for name in FACTORS[plan.engine]}


def default_of(plan: Plan) -> Point:
    """What the engine does by itself, but for what would take the whole host."""
    mine = point_of(plan)
    return {name: mine[name] if name in LEAST[plan.engine] else None for name in mine}


def possible(point: Point) -> bool:
    """A quantised KV cache needs flash attention."""
    cache, kind, flash, off = NEEDS_FLASH
    return not (point.get(cache) == kind and point.get(flash) == off)


def neighbours(engine: str, centre: Point) -> Iterator[tuple[str, Point]]:
    """One factor at a time away from `centre`, with the factor's name."""
    for name, values in FACTORS[engine].items():
        for text in values:
            other = {**centre, name: text}
            if text != centre[name] and possible(other):
                yield name, other


def grid(engine: str) -> Iterator[Point]:
    """Every combination of every value."""
    names = FACTORS[engine]
    for values in itertools.product(*names.values()):
        point = dict(zip(names, values, strict=True))
        if possible(point):
            yield point


def key_of(point: Point) -> str:
    """A point as text, the same for the same settings."""
    return json.dumps(point, sort_keys=True)


def told(point: Point, centre: Point | None = None) -> str:
    """A point for a reader; only what differs from `centre`, if that is given."""
    shown = {n: v for n, v in point.items() if centre is None or centre[n] != v}
    return ", ".join(f"{n.removeprefix('PARAMETER ')} {v or 'unset'}" for n, v in shown.items()) or "the advised ones"


def with_point(plan: Plan, point: Point, port: int) -> Plan:
    """The plan with these settings on that port; nobody is turned away."""
    argv, env = list(plan.launch.argv), dict(plan.launch.env)
    lines = (plan.launch.modelfile or "").splitlines()
    for name, text in point.items():
        for alias in filter(None, (name, TOGETHER.get(name))):
            if alias.startswith("PARAMETER"):
                lines = [line for line in lines if not line.startswith(alias + " ")]
                lines += [f"{alias} {text}"] if text is not None else []
            elif alias.startswith("--"):
                argv = _with_flag(argv, alias, text)
            else:
                env.pop(alias, None)
                env.update({alias: text} if text is not None else {})
    argv = _with_flag(argv, "--max-num-queued-reqs", None)
    if "--port" in argv:
        argv = _with_flag(argv, "--port", str(port))
    if "OLLAMA_HOST" in env:
        env["OLLAMA_HOST"] = f"127.0.0.1:{port}"
    modelfile = "\n".join([*lines, ""]) if lines else plan.launch.modelfile
    launch = replace(
        plan.launch, argv=tuple(argv), env=env, modelfile=modelfile, port=port, startup_s=PATIENCE_S
    )  # fmt: skip
    return replace(plan, launch=launch)


def _with_flag(argv: list[str], name: str, text: str | None) -> list[str]:
    if name in argv:
        at = argv.index(name)
        argv = argv[:at] + argv[at + 2 :]
    return argv if text is None else [*argv, name, text]
