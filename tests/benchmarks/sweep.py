"""Settings that win: the advised ones against the engine's defaults and against a sweep, on this machine.

    . ~/.cache/advisor-engines/env.sh && python tests/benchmarks/sweep.py ollama --levels 1,4,16,64

Prints, for each number in flight, advised / best and advised / default output rate, and writes every row to
tests/benchmarks/results/<engine>.json (ignored by git), from which an interrupted sweep goes on. Not a test: it takes
half an hour with Ollama and, because each vLLM setting is a start of minutes, hours with vLLM (--quick: fewer).
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from advisor.files import write_tree
from advisor.pipeline import files_of, recommend
from advisor.schema import Plan
from advisor.smoke.client import Server
from advisor.smoke.load import Run, calibrate, drive
from advisor.smoke.native import NativeRunner
from advisor.smoke.observer import observer_of
from advisor.smoke.processes import busy_seconds

MODELS = {"vllm": "ADVISOR_MODEL_SAFETENSORS", "ollama": "ADVISOR_MODEL_GGUF"}
RESULTS = Path(__file__).parent / "results"
Settings = dict[str, str]

# What matters on a CPU. None of a name: the engine's own default.
GRIDS: dict[str, dict[str, list[str | None]]] = {
    "ollama": {
        "OLLAMA_NUM_PARALLEL": ["1", "2", "4", "8", "16", "64"],
        "OLLAMA_FLASH_ATTENTION": ["1", "0"],
        "OLLAMA_KV_CACHE_TYPE": ["f16", "q8_0"],
        "PARAMETER num_batch": ["128", "512", "2048"],
        "PARAMETER num_thread": [None, "1"],
    },
    "vllm": {
        "--dtype": ["bfloat16", "float32"],
        "--max-num-seqs": ["4", "16", "64", "128"],
        "--max-num-batched-tokens": ["512", "2048"],
        "VLLM_CPU_NUM_OF_RESERVED_CPU": ["0", "1"],
    },
}
QUICK: dict[str, dict[str, list[str | None]]] = {
    "ollama": {"OLLAMA_NUM_PARALLEL": ["1", "4", "16"], "PARAMETER num_batch": ["512"]},
    "vllm": {"--dtype": ["bfloat16", "float32"], "VLLM_CPU_NUM_OF_RESERVED_CPU": ["0", "1"]},
}


def combinations(grid: dict[str, list[str | None]]) -> Iterator[Settings]:
    """Every point of a grid; a quantised cache needs flash attention."""
    for point in itertools.product(*grid.values()):
        chosen = {name: text for name, text in zip(grid, point, strict=True) if text is not None}
        if chosen.get("OLLAMA_FLASH_ATTENTION") == "0" and chosen.get("OLLAMA_KV_CACHE_TYPE") == "q8_0":
            continue
        yield chosen


def advised(engine: str, in_flight: int) -> Plan:
    """The plan that `advisor recommend` makes for this machine and load."""
    asked = {
        "model": os.environ[MODELS[engine]], "engine": engine, "concurrency": in_flight, "input_tokens": 128,
        "output_tokens": 64, "context_tokens": 512, "offline": True,
    }  # fmt: skip
    plan = recommend(profile=None, overrides=asked).plan
    assert plan is not None
    return plan


def with_settings(plan: Plan, chosen: Settings) -> Plan:
    """The plan with other flags, variables and Modelfile lines."""
    argv, env, modelfile = list(plan.launch.argv), dict(plan.launch.env), plan.launch.modelfile
    for name, text in chosen.items():
        if name.startswith("PARAMETER"):
            kept = [line for line in (modelfile or "").splitlines() if not line.startswith(name + " ")]
            modelfile = "\n".join([*kept, f"{name} {text}", ""])
        elif name.startswith("--"):
            if name in argv:
                argv[argv.index(name) + 1] = text
            else:
                argv += [name, text]
        else:
            env[name] = text
    if "--max-num-queued-reqs" in argv:
        argv[argv.index("--max-num-queued-reqs") + 1] = "1024"
    return replace(plan, launch=replace(plan.launch, argv=tuple(argv), env=env, modelfile=modelfile))


def as_installed(plan: Plan) -> Plan:
    """Only what the engine cannot do without: model, name, port, context, and a KV cache that fits the host."""
    needed = ("--served-model-name", "--max-model-len", "--kv-cache-memory-bytes", "--host", "--port")
    words = plan.launch.argv
    argv = [*words[:1], *(w for n in needed if n in words for w in (n, words[words.index(n) + 1]))]
    env = {
        k: v
        for k, v in plan.launch.env.items()
        if k in ("OLLAMA_HOST", "OLLAMA_NO_CLOUD", "OLLAMA_CONTEXT_LENGTH", "HF_HUB_OFFLINE", "VLLM_NO_USAGE_STATS")
    }
    kept = [
        line for line in (plan.launch.modelfile or "").splitlines() if line.startswith(("FROM", "PARAMETER num_ctx"))
    ]
    modelfile = "\n".join([*kept, ""]) if plan.launch.modelfile else None
    return replace(plan, launch=replace(plan.launch, argv=tuple(argv), env=env, modelfile=modelfile))


def measure(plan: Plan, levels: list[int], seconds: float) -> dict[str, float]:
    """Output tokens/s at each level, of a server started with this plan; {} where it does not start."""
    with tempfile.TemporaryDirectory(prefix="advisor-sweep-") as name:
        folder = Path(name)
        write_tree(folder, files_of(plan), overwrite=True)
        runner = NativeRunner(plan, folder)
        try:
            runner.start()
            while runner.state() == "starting":
                asyncio.run(asyncio.sleep(0.5))
            if runner.state() == "failed":
                print(runner.log()[-500:], file=sys.stderr)
                return {}
            return asyncio.run(_rates(plan, levels, seconds))
        finally:
            runner.end()


async def _rates(plan: Plan, levels: list[int], seconds: float) -> dict[str, float]:
    server = Server(
        base_url=f"http://127.0.0.1:{plan.launch.port}",
        model=plan.launch.served_name,
        exact_length=observer_of(plan.engine).EXACT_LENGTH,
    )
    scale = await calibrate(server)
    found = {}
    for level in levels:
        asked = Run(
            requests=max(6, 4 * level),
            in_flight=level,
            input_tokens=128,
            output_tokens=64,
            seconds=seconds,
            seed=f"sweep/{level}",
        )
        result = await drive(server, asked, scale)
        found[str(level)] = result.steady_output_tokens_per_s or result.output_tokens_per_s
    return found


def main() -> None:
    """Sweep one engine and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=sorted(GRIDS))
    parser.add_argument("--levels", default="1,4,16,64")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    levels = [int(word) for word in given.levels.split(",")]
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{given.engine}.json"
    rows: dict[str, dict[str, float]] = json.loads(path.read_text()) if path.exists() else {}

    def once(key: str, plan: Plan, at: list[int]) -> None:
        missing = [level for level in at if str(level) not in rows.get(key, {})]
        if not missing:
            return
        rows[key] = rows.get(key, {}) | measure(plan, missing, given.seconds)
        path.write_text(json.dumps(rows, indent=1))
        print(f"{key}: {rows[key]}", file=sys.stderr, flush=True)

    os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp(prefix="advisor-sweep-data-")  # estimates, not measurements
    base = advised(given.engine, max(levels))
    for level in levels:
        once(f"advised for {level}", advised(given.engine, level), [level])
    once("default", as_installed(base), levels)
    points = list(combinations((QUICK if given.quick else GRIDS)[given.engine]))
    for number, chosen in enumerate(points):
        print(f"{number + 1} of {len(points)}", file=sys.stderr, flush=True)
        once(" ".join(f"{k}={v}" for k, v in chosen.items()), with_settings(base, chosen), levels)
    table(rows, levels)


def table(rows: dict[str, dict[str, float]], levels: list[int]) -> None:
    """Advised against best and default at each level."""
    print("| in flight | advised | default | best | advised/best | advised/default | best settings |")
    print("|---:|---:|---:|---:|---:|---:|---|")
    for level in levels:
        mine = rows[f"advised for {level}"].get(str(level), 0.0)
        default = rows["default"].get(str(level), 0.0)
        key, best = max(((key, row.get(str(level), 0.0)) for key, row in rows.items()), key=lambda pair: pair[1])
        print(
            f"| {level} | {mine:.0f} | {default:.0f} | {best:.0f} | {mine / best if best else 0:.2f} | "
            f"{mine / default if default else 0:.2f} | {key} |"
        )


if __name__ == "__main__":
    if subprocess.run(["bash", "-c", "command -v vllm ollama"], capture_output=True, check=False).returncode:
        sys.exit(
            "the engines are not on PATH: . ~/.cache/advisor-engines/env.sh (tests/engines/install.sh installs them)"
        )
    if busy_seconds() is None:
        print("this system does not tell how busy it is: make sure that it is quiet", file=sys.stderr)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that `finally` stops the engine
    main()
