"""Every file of a migration folder that a program reads is one that the program takes, of each kind of migration."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engines.engine_cases import tool
from tests.migrate.servers import Front, Model, dimensions, ollama, serving, vllm
from tests.migrate.test_stack import EMBED, LLAMA, LOAD, OWN, QWEN, run

CHATML = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
TUNED = {"id": "our-tone", "object": "model", "root": "/lora", "parent": "our-chat", "max_model_len": 8192}
NAMED = Model(
    "team/it", info=dimensions(32, 4096, 32) | {"tokenizer.chat_template": CHATML}, parent="llama3.1:8b",
    show={"system": "Say `it's` \"so\" $HOME"},
)  # fmt: skip
KINDS: Mapping[str, tuple[Front, tuple[str, ...]]] = {
    "one model": (ollama(LLAMA), ()),
    "chat and vectors": (ollama(LLAMA, EMBED), ()),
    "two that write": (ollama(LLAMA, QWEN), ()),
    "one stays": (ollama(LLAMA, QWEN, OWN), ()),
    "odd words": (ollama(NAMED), ("--map", f"{NAMED.name}=meta-llama/Llama-3.1-8B-Instruct")),
    "an adapter": (
        ollama(replace(LLAMA, show={"modelfile": "FROM /x\nADAPTER /lora.gguf\n"})),
        ("--map", "llama3.1:8b=meta-llama/Llama-3.1-8B-Instruct"),
    ),
    "to Ollama": (vllm("our-chat", "Qwen/Qwen2.5-7B-Instruct", context=8192), ("--users", "1")),
    "an adapter to Ollama": (vllm("our-chat", "Qwen/Qwen2.5-7B-Instruct", context=8192, also=[TUNED]), ()),
}


@pytest.fixture(scope="module", params=[(kind, way) for kind in KINDS for way in ("native", "compose")], ids=str)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of one kind of migration, run in one way."""
    kind, way = request.param
    front, words = KINDS[kind]
    place = tmp_path_factory.mktemp("kind")
    with serving(front):
        load = LOAD if "--users" not in words else ("--offline",)
        done = run(front.url, "--gpu", "H100", *load, "--run", way, *words, cwd=place)
    assert done.returncode in (0, 1) and (place / "migration" / "MIGRATION.md").is_file(), done.stderr + done.stdout
    yield place / "migration"


@pytest.mark.external
def test_shellcheck_finds_nothing(folder: Path) -> None:
    """In any script, that of the switch and those of each engine."""
    scripts = [str(path.relative_to(folder)) for path in folder.rglob("*.sh")]
    assert {"gateway.sh", "compare.sh"} <= set(scripts)
    done = subprocess.run(
        [tool("shellcheck"), "-S", "style", *scripts], cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.external
def test_caddy_takes_its_file(folder: Path) -> None:
    """With a key, whatever the models are called."""
    env = {"ADVISOR_API_KEY": "0123456789abcdef", "HOME": str(folder), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [tool("caddy"), "validate", "--config", "gateway/Caddyfile", "--adapter", "caddyfile"], cwd=folder, env=env,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.external
def test_compose_takes_its_files(folder: Path) -> None:
    """As `docker compose up` reads them in each model's folder, an override among them."""
    for path in folder.glob("models/*/compose.yaml"):
        done = subprocess.run(
            [tool("docker-compose"), "config", "--quiet"], cwd=path.parent, capture_output=True, text=True,
            check=False, env={**os.environ, "ADVISOR_API_KEY": "0123456789abcdef"},
        )  # fmt: skip
        assert done.returncode == 0, f"{path}: {done.stderr}"


def test_each_model_is_asked_what_it_can_answer(folder: Path) -> None:
    """Before the switch a chat model gets a chat, one for vectors a text to turn into one; each by its own name, on both sides."""
    record = json.loads((folder / "migration.json").read_text())
    paths = {"generate": "chat/completions", "embed": "embeddings", "complete": "completions"}
    going = [each for each in record["models"] if each["plan"]]
    script = (folder / "gateway.sh").read_text()
    asked = re.findall(r"^    one (\S+) (\S+) (.*) \|\| return 1$", script, re.MULTILINE)
    assert [path for _, path, _ in asked] == 2 * [paths[each["kind"]] for each in going]
    done = subprocess.run(
        ["bash", "-c", "\n".join(f"printf '%s\\n' {words.replace(chr(10), '')}" for _, _, words in asked)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = done.stdout.splitlines()
    assert [json.loads(line)["model"] for line in said[::2]] == 2 * [each["name"] for each in going]
    assert said[1::2] == 2 * [each["name"] for each in going]
