"""The folder of a migration: plans that are read back, scripts and a gateway that their programs take, one switch."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from advisor.catalog import constants
from advisor.folder.saved import plan_in
from advisor.schema import Plan
from tests.migrate.servers import Front, Model, dimensions, ollama, serving, vllm

LLAMA = Model("llama3.1:8b", info=dimensions(32, 4096, 32), loaded=8192, show={"capabilities": ["completion", "tools"]})
QWEN = Model("qwen2.5:7b", info=dimensions(28, 3584, 28, "qwen2"), quantization="Q8_0")
OWN = Model("our/own:v1", info=dimensions(12, 768, 12), parent="secret.gguf")
EMBED = Model("nomic-embed-text:latest", info=dimensions(12, 768, 12, "nomic-bert"), quantization="F16",
              show={"capabilities": ["embedding"]})  # fmt: skip
LOAD = ("--concurrency", "8", "--input-tokens", "500", "--output-tokens", "200", "--offline")


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`advisor migrate WORDS`."""
    return subprocess.run(
        [sys.executable, "-m", "advisor.cli", "migrate", *words], capture_output=True, text=True, check=False, cwd=cwd,
        timeout=120,
    )  # fmt: skip


def migrated(front: Front, folder: Path, *words: str, code: int | None = 0, gpu: str = "RTX 4090") -> dict[str, Any]:
    """The answer for a simulated machine, and the folder `migration` there."""
    with serving(front):
        done = run(front.url, "--gpu", gpu, *LOAD, "--json", *words, cwd=folder)
    assert code is None or done.returncode == code, done.stderr + done.stdout[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def plans(folder: Path) -> list[Plan]:
    """Every plan of a stack, through the door that refuses what this program would not write."""
    return [plan_in(path.parent) for path in sorted((folder / "migration" / "models").glob("*/plan.json"))]


@pytest.mark.parametrize(("now", "then"), [("Q4_K_M", (3.9, 5.0)), ("Q8_0", (7.5, 9.0)), ("Q6_K", (4.0, 8.6))])
def test_the_nearest_bits(now: str, then: tuple[float, float], tmp_path: Path) -> None:
    """The form that vLLM loads is the one whose bits are nearest to those that Ollama serves."""
    front = ollama(Model("llama3.1:8b", info=dimensions(32, 4096, 32), quantization=now))
    (model,) = migrated(front, tmp_path, "--dry-run")["models"]
    bits = float(re.search(r"\(([\d.]+) bits\)", model["because"])[1])  # type: ignore[index]
    assert then[0] <= bits <= then[1] and "nearest to" in model["because"], model["because"]
    assert model["meets_targets"] and not (tmp_path / "migration").exists()


def test_the_plans_are_ones_that_check_and_smoke_take(tmp_path: Path) -> None:
    """Read back through the door: names that clients use, a port and a share of the card each, what the load asks for."""
    found = migrated(ollama(LLAMA, QWEN), tmp_path, gpu="H100")
    assert found["meets_targets"] and len(found["models"]) == 2
    read = plans(tmp_path)
    assert {plan.launch.port for plan in read} == {8000, 8001}
    for plan, client in zip(read, ("llama3.1:8b", "qwen2.5:7b"), strict=True):
        place = plan.launch.argv.index("--served-model-name")
        assert plan.launch.argv[place + 2] == client and plan.launch.argv[plan.launch.argv.index("--port") + 1] == str(
            plan.launch.port
        )
        assert plan.in_flight >= 8
    shares = [plan.estimate.candidate.memory_utilization or 1 for plan in read]
    assert sum(shares) <= 1, "both engines together take more than the card"
    assert "--tool-call-parser" in read[0].launch.argv and read[0].estimate.candidate.context_tokens == 8192


def test_what_cannot_be_mapped_stays_and_is_named(tmp_path: Path) -> None:
    """The answer is no, the model goes on where it is, and how to say what it is stands in the answer."""
    found = migrated(ollama(LLAMA, OWN), tmp_path, code=1)
    own = found["models"][1]
    assert own["plan"] is None and "--map our/own:v1=" in own["mapped"] and own["address"]["to"] is None
    pages = (tmp_path / "migration" / "MIGRATION.md").read_text()
    assert "our/own:v1 | stays where it is" in pages and "but for what stays there" in pages
    sent = (tmp_path / "migration" / "gateway" / "Caddyfile").read_text().partition("respond @list")
    listed, _, rest = sent[2].partition("\n")
    assert "our/own" in listed and "our/own" not in sent[0] + rest, "clients see it, and Ollama goes on answering it"


def made_here(name: str, template: str, **show: Any) -> Model:
    """A model that somebody made from llama3.1:8b."""
    return replace(LLAMA, name=name, parent="llama3.1:8b", loaded=None, show={"template": template, **show})


def test_an_adapter_is_no_detail(tmp_path: Path) -> None:
    """Without its adapter it would be another model: it stays until somebody says what it becomes, whatever else moves."""
    tuned = made_here("house/lora", "{{ .Prompt }}", modelfile="FROM /x\nADAPTER /lora.gguf\n")
    found = migrated(ollama(LLAMA, tuned), tmp_path, code=1)
    assert [each["plan"] is not None for each in found["models"]] == [True, False]
    assert "--map house/lora=MODEL" in found["models"][1]["because"]
    said = migrated(ollama(tuned), tmp_path, "--map", "house/lora=meta-llama/Llama-3.1-8B-Instruct", "--out", "said")
    assert {row["what"] for row in said["models"][0]["not_carried"]} == {"ADAPTER"}


def test_a_template_of_its_own_is_named(tmp_path: Path) -> None:
    """One that is its parent's goes along with the checkpoint's own; another is lost, and where nobody can tell it is a doubt."""
    base = replace(LLAMA, show={"template": "{{ .Prompt }}"})
    front = ollama(base, made_here("same", "{{ .Prompt }}"), made_here("other", "Say: {{ .Prompt }}"))
    found = migrated(front, tmp_path, gpu="H100")
    lost = {each["name"]: {row["what"] for row in each["not_carried"]} for each in found["models"]}
    assert "TEMPLATE" in lost["other"] and "TEMPLATE" not in lost["same"] and "TEMPLATE" not in lost["llama3.1:8b"]
    alone = migrated(ollama(made_here("other", "Say: {{ .Prompt }}")), tmp_path, "--dry-run")
    assert "TEMPLATE may be its own" in alone["models"][0]["doubts"][0]


def test_differences_are_of_what_moves(tmp_path: Path) -> None:
    """What is lost is told as lost, and not as carried in another way; what stays where it is makes no difference."""
    with_system = replace(
        LLAMA, name="a", parent="llama3.1:8b", show={"system": "Be brief."}
    )  # no template to put it in
    found = migrated(ollama(with_system), tmp_path, "--dry-run")
    assert {row["what"] for row in found["models"][0]["not_carried"]} == {"SYSTEM"}
    assert "system" not in {each["id"] for each in found["differences"]}
    own = replace(OWN, show={"messages": [{"role": "user", "content": "x"}], "system": "x"})
    found = migrated(ollama(LLAMA, own), tmp_path, "--dry-run", code=1)
    assert not {"system", "messages"} & {each["id"] for each in found["differences"]}
    with serving(ollama(OWN)) as front:
        done = run(front.url, "--gpu", "RTX 4090", "--offline", "--dry-run", cwd=tmp_path)
    assert "Not carried over" not in done.stdout and "What clients notice" not in done.stdout


def test_nothing_can_be_mapped(tmp_path: Path) -> None:
    """Without a single plan the folder holds the record alone, and the exit code says no."""
    migrated(ollama(OWN), tmp_path, code=1)
    assert [path.name for path in (tmp_path / "migration").iterdir() if not path.name.startswith(".")] == [
        "migration.json"
    ]


def test_a_model_for_vectors(tmp_path: Path) -> None:
    """It is planned as one: its path is open in the gateway, and the comparison knows."""
    found = migrated(ollama(EMBED), tmp_path, code=None)
    assert found["models"][0]["kind"] == "embed" and found["models"][0]["plan"] is not None, found["models"][0]
    assert "/v1/embeddings" in (tmp_path / "migration" / "gateway" / "Caddyfile").read_text()


def test_the_other_direction(tmp_path: Path) -> None:
    """From a vLLM to an Ollama for a laptop: the tag of the library, the context, and what vLLM does not tell is named."""
    front = vllm("our-chat", "Qwen/Qwen2.5-7B-Instruct", context=8192)
    with serving(front):
        done = run(front.url, "--gpu", "RTX 4090 Laptop", "--users", "1", "--offline", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (model,) = found["models"]
    assert found["to"] == "ollama" and model["plan"]["model_ref"].startswith("qwen2.5:7b")
    assert model["plan"]["context_tokens"] == 8192 and {row["what"] for row in model["not_carried"]} >= {
        "chat template"
    }
    assert {each["id"] for each in found["differences"]} >= {"not-honoured", "loads", "cut-at-stop"}
    assert "ollama cp" in (tmp_path / "migration" / "MIGRATION.md").read_text()


def test_what_a_checkpoint_says_of_its_form(tmp_path: Path) -> None:
    """A vLLM that serves four bits becomes an Ollama of about as many, as its repository's name tells."""
    with serving(vllm("m", "Qwen/Qwen3-8B-AWQ")) as front:
        done = run(front.url, "--gpu", "RTX 4090", "--users", "1", "--offline", "--dry-run", "--json", cwd=tmp_path)
    (model,) = json.loads(done.stdout)["models"]
    assert model["format_now"] == "awq-int4" and model["plan"]["quantization"].lower().startswith("q4")


def test_an_adapter_of_a_vllm_is_a_model_that_stays(tmp_path: Path) -> None:
    """Its clients ask for it by name: the answer is no while nobody says what it becomes, and the gateway lists it."""
    front = vllm("m", "Qwen/Qwen2.5-7B-Instruct", also=[{"id": "lora", "root": "/l", "parent": "m"}])
    with serving(front):
        done = run(front.url, "--gpu", "RTX 4090", "--users", "1", "--offline", "--json", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert [each["plan"] is not None for each in json.loads(done.stdout)["models"]] == [True, False]
    assert '"id": "lora"' in (tmp_path / "migration" / "gateway" / "Caddyfile").read_text()


def test_the_steps_are_read_in_a_minute(tmp_path: Path) -> None:
    """At most 60 lines, each step with its check, the one variable, and the way back."""
    show = {"parameters": "\n".join(f'stop  "W{number}"' for number in range(40)), "system": "x" * 500}
    migrated(
        ollama(LLAMA, Model("qwen2.5:7b", info=dimensions(28, 3584, 28, "qwen2"), show=show), OWN),
        tmp_path,
        code=None,
        gpu="H100",
    )
    text = (tmp_path / "migration" / "MIGRATION.md").read_text()
    assert len(text.splitlines()) <= 60
    steps = re.findall(r"^\d+\. .*$", text, re.MULTILINE)
    assert len(steps) == 8 and all("Check:" in step for step in steps)
    assert "## The way back\n`./gateway.sh to ollama`" in text and "more in migration.json" in text


def test_written_twice(tmp_path: Path) -> None:
    """The same question over its own folder is answered again; what a person changed is not written over."""
    front = ollama(LLAMA)
    migrated(front, tmp_path)
    migrated(front, tmp_path)
    (tmp_path / "migration" / "gateway.sh").write_text("mine")
    with serving(front):
        assert run(front.url, "--gpu", "RTX 4090", *LOAD, cwd=tmp_path).returncode == 2


def test_a_system_prompt_in_a_container(tmp_path: Path) -> None:
    """Compose shows the template at the path that the arguments name."""
    chatml = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    info = dimensions(32, 4096, 32) | {"tokenizer.chat_template": chatml}
    migrated(ollama(Model("llama3.1:8b", info=info, show={"system": "Be brief."})), tmp_path, "--run", "compose")
    folder = tmp_path / "migration" / "models" / "llama3.1-8b"
    (plan,) = plans(tmp_path)
    place = plan.launch.argv[plan.launch.argv.index("--chat-template") + 1]
    assert place == str(folder / "chat_template.jinja") and "Be brief." in (folder / "chat_template.jinja").read_text()
    assert place in (folder / "compose.override.yaml").read_text() and place in (folder / "compose.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--model", "x"], "--only and --map"), (["--engine", "vllm"], "gateway"), (["--run", "kubernetes"], "compose and native"),
        (["--map", "x"], "NAME=MODEL"), (["--map", "no=Qwen/Qwen2.5-7B-Instruct"], "it has llama3.1:8b"), (["--only", "no"], "it has llama3.1:8b"),
        (["--watch", "soon"], "10m"), (["--to", "ollama"], "already"), (["--prompts", "p"], "--compare"),
        (["--compare", "no"], "leave"), (["--users", "x"], "--users"),
    ],
)  # fmt: skip
def test_bad_input_is_named(words: list[str], told: str, tmp_path: Path) -> None:
    """Exit code 2, one message that names the option, nothing on standard output, and no folder."""
    with serving(ollama(LLAMA)) as front:
        done = run(front.url, "--gpu", "RTX 4090", "--offline", *words, cwd=tmp_path)
    assert done.returncode == 2 and told in done.stderr and not done.stdout, done.stderr
    assert not (tmp_path / "migration").exists()


def test_nobody_answers(tmp_path: Path) -> None:
    """The environment failed: exit code 3, and which address was asked."""
    done = run("http://127.0.0.1:1", cwd=tmp_path)
    assert done.returncode == 3 and "http://127.0.0.1:1" in done.stderr


def test_every_difference_touches_somebody() -> None:
    """Each row of the table has a condition that the program knows, and no two the same name."""
    known = {"always", "to_vllm", "to_ollama", "system", "stop", "adapters", "messages", "tools", "vision", "thinking",
             "embedding", "several", "short_context"}  # fmt: skip
    rows = constants("migrating")["differences"]
    assert all(set(row["touches"]) <= known and row["touches"] for row in rows)
    assert len({row["id"] for row in rows}) == len(rows)


def test_where_both_do_not_fit_at_once(tmp_path: Path) -> None:
    """What the old engine holds of the card is given back first: the plan counts on it, and the steps say so in their order."""
    recorded = json.loads((Path(__file__).parent.parent / "hardware" / "rtx-4090.json").read_text())
    card = recorded["accelerators"][0]
    held = 18 * 1024**3
    card["free_bytes"] = card["memory_bytes"] - held
    recorded["running"] = [{
        "engine": "ollama", "address": "127.0.0.1:11434", "version": "0.34.2",
        "models": [{"name": "llama3.1:8b", "loaded_bytes": held, "gpu_bytes": held, "context_tokens": 8192}],
    }]  # fmt: skip
    (tmp_path / "hw.json").write_text(json.dumps(recorded))
    with serving(ollama(LLAMA)) as front:
        done = run(front.url, "--hardware", "hw.json", *LOAD, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr + done.stdout[-1500:]
        found = json.loads(done.stdout)
        assert found["models"][0]["gap"] and "do not fit at once" in found["side_by_side"]
        text = (tmp_path / "migration" / "MIGRATION.md").read_text()
        assert f"OLLAMA_HOST={front.url} ollama stop llama3.1:8b" in text and "503" in text
    assert text.index("Make room") < text.index("Start vLLM") < text.index("Switch:") < text.index("Look at answers")
