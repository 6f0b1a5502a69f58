"""The whole way with real engines: an Ollama with several models, the plans that real vLLM starts, the switch, and back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deploy.client import Answer, Client, again_and_again
from tests.engines.own_ollama import own_ollama
from tests.smoke.conftest import TOOLS
from tests.test_render_scripts import free

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("engines")]

KEY = "0123456789abcdef-migrate"
PAUSE_S = 2.0
MODEL, GEMMA, LEFT = "house/helper", "gemma", "house/left-there"
# Two servers of vLLM that start at once take minutes on two cores: every night, not in every CI.
MOVING = [(MODEL,), pytest.param((MODEL, GEMMA), marks=pytest.mark.nightly)]
MODELFILE = """FROM {gguf}
SYSTEM "You are terse."
PARAMETER temperature 0.3
PARAMETER num_ctx 1024
PARAMETER stop "<|im_end|>"
"""
LOAD = (
    "--concurrency",
    "4",
    "--input-tokens",
    "64",
    "--output-tokens",
    "32",
    "--ttft-ms",
    "60000",
    "--tpot-ms",
    "5000",
)


@contextmanager
def asking(port: int, names: Iterable[str], seen: list[tuple[str, Answer]]) -> Iterator[None]:
    """A client for each model, that ask again and again through the gateway until the block ends.

    They pause in between: vLLM compiles while it starts, and the processors are theirs too.
    """
    clients = [Client(KEY, model, port=port) for model in names]

    def ask(number: int) -> None:
        seen.append((clients[number].model, clients[number].chat(tokens=12, stream=True)))

    with again_and_again(ask, len(clients), PAUSE_S):
        yield


@pytest.mark.parametrize("move", MOVING, ids=len)
def test_from_ollama_to_vllm_and_back(
    move: tuple[str, ...], engines: Mapping[str, str], interrupted_by_sigterm: None, tmp_path: Path
) -> None:
    """One client gets answers before, during and after the switch and on the way back, and none is lost."""
    env = {**os.environ, **engines, "PATH": f"{TOOLS}:{engines['PATH']}", "XDG_DATA_HOME": str(tmp_path / "data")}
    folder, front = tmp_path / "migration", free()
    models = {
        MODEL: MODELFILE.format(gguf=engines["ADVISOR_MODEL_GGUF"]),
        GEMMA: f"FROM {engines['ADVISOR_GEMMA_GGUF']}\nSYSTEM You are a sailor.\nPARAMETER num_ctx 1024\n",
        **(
            {LEFT: MODELFILE.format(gguf=engines["ADVISOR_MODEL_GGUF"]).replace("terse", "polite")}
            if len(move) > 1
            else {}
        ),
    }

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=900, cwd=tmp_path)

    with own_ollama(engines, tmp_path / "ollama", models, slots=2) as server:
        weights = Path(engines["ADVISOR_MODEL_SAFETENSORS"])
        pairs = {MODEL: weights, GEMMA: weights.parent / "gemma-3-270m"}
        only = [word for name in move for word in ("--only", name, "--map", f"{name}={pairs[name]}")]
        advisor = (sys.executable, "-m", "advisor.cli", "migrate")
        done = call(*advisor, server.base, *only, "--run", "native", "--offline", *LOAD, "--json")
        assert done.returncode == 0, done.stderr
        moving = {model["name"].removesuffix(":latest"): model for model in json.loads(done.stdout)["models"]}
        assert set(moving) == set(move) and all(model["confirmed"] and model["plan"] for model in moving.values())
        assert {row["what"] for row in moving[MODEL]["carried"]} >= {"SYSTEM", "PARAMETER stop"}
        if GEMMA in move:
            assert "TEMPLATE" in {row["what"] for row in moving[GEMMA]["carried"]}, "vLLM would refuse its chats"
        (folder / ".env").write_text(f"ADVISOR_API_KEY={KEY}\nADVISOR_PORT={front}\nADVISOR_METRICS_PORT={free()}\n")
        (folder / "prompts.txt").write_text("What is the capital of France?\n")
        engines_of = [folder / model["plan"]["folder"] for model in moving.values()]
        gateway = str(folder / "gateway.sh")
        seen: list[tuple[str, Answer]] = []
        try:
            up = call(gateway, "up")
            assert up.returncode == 0, up.stderr
            with asking(front, models, seen):
                with ThreadPoolExecutor(len(engines_of)) as pool:  # at once: most of a start is waiting
                    for started in pool.map(lambda engine: call(str(engine / "run.sh")), engines_of):
                        assert started.returncode == 0, started.stderr[-3000:]
                compared = call(*advisor, "--compare", str(folder), "--json")
                assert compared.returncode == 0 and json.loads(compared.stdout)["errors"] == 0, compared.stderr
                moved = len(seen)
                switched = call(gateway, "to", "vllm")
                assert switched.returncode == 0, switched.stderr
                time.sleep(6)
                back = len(seen)
                returned = call(gateway, "to", "ollama")
                assert returned.returncode == 0, returned.stderr
                time.sleep(3)
        finally:
            call(gateway, "down")
            for engine in engines_of:
                call(str(engine / "stop.sh"))
    print(
        f"{moved} before, {back - moved} on vLLM, {len(seen) - back} after the way back",
        Counter(name for name, _ in seen),
    )
    assert all(answer.whole for _, answer in seen), [(name, a.status, a.text[-300:]) for name, a in seen if not a.whole]
    for name_moved in move:
        after = [answer.text for name, answer in seen[moved:back] if name == name_moved]
        assert any('"object":"chat.completion.chunk"' in text and "fp_ollama" not in text for text in after), (
            f"vLLM never answered for {name_moved}"
        )
        last = [answer.text for name, answer in seen if name == name_moved][-1]
        assert "fp_ollama" in last, f"the way back leads {name_moved} elsewhere"
    assert all("fp_ollama" in answer.text for name, answer in seen if name not in move), "what stays was sent elsewhere"
