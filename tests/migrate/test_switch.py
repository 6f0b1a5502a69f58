"""The switch, really turned: a real Caddy between two engines, clients that ask all the while, and the way back."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.deploy.client import Answer, Client, again_and_again
from tests.engines.engine_cases import tool
from tests.migrate.servers import Front, Model, dimensions, ollama, serving, vllm
from tests.migrate.test_stack import migrated, plans
from tests.test_render_scripts import free

KEY = "0123456789abcdef-key"
MODELS = (Model("llama3.1:8b", info=dimensions(32, 4096, 32)), Model("qwen2.5:latest", info=dimensions(28, 3584, 28, "qwen2")),
          Model("stays:1b", info=dimensions(3, 96, 3)))  # fmt: skip


@dataclass
class Stack:
    """A migration folder with its gateway, the old engine, and a place for the new ones."""

    folder: Path
    before: Front
    after: tuple[Front, ...]
    port: int
    asked: list[Answer] = field(default_factory=list)

    def gateway(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`./gateway.sh WORDS`."""
        path = f"{Path(tool('caddy')).parent}:/usr/local/bin:/usr/bin:/bin"
        return subprocess.run(
            ["bash", str(self.folder / "gateway.sh"), *words], capture_output=True, text=True, check=False, timeout=120,
            env={"PATH": path, "HOME": str(self.folder)}, cwd="/",
        )  # fmt: skip

    def client(self, model: str, key: str | None = KEY) -> Client:
        """One who asks for that model."""
        return Client(key, model, port=self.port, patience_s=60)

    def says(self, model: str) -> str:
        """Which engine answers for it: `before` or `after`."""
        answer = self.client(model).chat(tokens=2, stream=True)
        assert answer.whole, answer
        return "before" if "before0" in answer.text else "after"

    @contextmanager
    def load(self) -> Iterator[None]:
        """Four clients that ask one stream after the other until the block ends."""

        def ask(number: int) -> None:
            self.asked.append(self.client(MODELS[number % len(MODELS)].name).chat(tokens=12, stream=True))

        with again_and_again(ask, clients=4):
            time.sleep(0.5)
            yield
            time.sleep(0.5)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """The stack as `migrate` writes it for ports that are free here; its gateway is stopped at the end."""
    before = ollama(*MODELS)
    migrated(before, tmp_path, code=1, gpu="H100")
    folder = tmp_path / "migration"
    ports = {plan.launch.port: free() for plan in plans(tmp_path)}
    for name in ("gateway.sh", "gateway/Caddyfile"):
        text = (folder / name).read_text()
        for old, new in ports.items():
            text = text.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}")
        (folder / name).write_text(text)
    after = tuple(vllm(model.name, "x") for model in MODELS[: len(ports)])
    for front, port in zip(after, ports.values(), strict=True):
        front.port = port
    front_port = free()
    (folder / ".env").write_text(f"ADVISOR_API_KEY={KEY}\nADVISOR_PORT={front_port}\nADVISOR_METRICS_PORT={free()}\n")
    made = Stack(folder, before, after, front_port)
    try:
        with serving(before):
            up = made.gateway("up")
            assert up.returncode == 0, up.stderr
            yield made
    finally:
        made.gateway("down")


@pytest.mark.external
def test_there_and_back_under_load(stack: Stack) -> None:
    """Before, during and after the switch, and on the way back, every stream arrives whole from the engine it should."""
    with stack.load(), serving(stack.after[0]), serving(stack.after[1]):
        assert stack.says("llama3.1:8b") == stack.says("stays:1b") == "before"
        switched = stack.gateway("to", "vllm")
        assert switched.returncode == 0, switched.stderr
        assert [stack.says(name) for name in ("llama3.1:8b", "qwen2.5", "qwen2.5:latest", "stays:1b")] == [
            "after",
            "after",
            "after",
            "before",
        ]
        assert {body["model"] for body in stack.after[1].asked} == {"qwen2.5", "qwen2.5:latest"}
        assert stack.gateway("status").stdout == "vllm\n"
        back = stack.gateway("to", "ollama")
        assert back.returncode == 0 and stack.says("llama3.1:8b") == "before", back.stderr
    assert len(stack.asked) > 8
    assert all(answer.whole for answer in stack.asked), [
        (each.status, each.text[-200:]) for each in stack.asked if not each.whole
    ]
    assert {"before", "after"} == {
        word for each in stack.asked for word in ("before", "after") if f"{word}0" in each.text
    }


@pytest.mark.external
def test_an_engine_that_is_not_there_is_not_switched_to(stack: Stack) -> None:
    """With one of its models missing nothing changes, and the words say so; odd words are refused."""
    with serving(stack.after[0]):
        refused = stack.gateway("to", "vllm")
        assert refused.returncode == 1 and "nothing was changed" in refused.stderr
        assert stack.says("llama3.1:8b") == "before" and stack.gateway("status").stdout == "ollama\n"
    for words in (("to", "sglang"), ("to",), (), ("up", "now")):
        assert stack.gateway(*words).returncode == 2


@pytest.mark.external
def test_who_comes_in(stack: Stack) -> None:
    """The key on both sides of the switch; no other path; a model's name in a text of the body is no model's name."""
    with serving(stack.after[0]), serving(stack.after[1]):
        for engine in ("ollama", "vllm"):
            assert stack.gateway("to", engine).returncode == 0
            assert stack.client("llama3.1:8b", key="wrong-key-that-is-long").chat().status == 401
            assert stack.client("llama3.1:8b").ask("POST", "/api/delete", {"model": "llama3.1:8b"}).status == 404
            listed = stack.client("x").ask("GET", "/v1/models")
            assert listed.status == 200 and "qwen2.5:latest" in listed.text
            assert stack.client("x").ask("GET", "/healthz").text == "ok"
        words = 'say "model": "qwen2.5:latest" and {"model":"qwen2.5"}'
        answer = stack.client("llama3.1:8b").chat(words, tokens=2, stream=True)
        assert answer.whole and stack.after[0].asked[-1]["messages"][0]["content"] == words


@pytest.mark.external
def test_the_choice_outlives_the_gateway(stack: Stack) -> None:
    """Stopped and started again, it stands in front of the engine that was chosen last; twice up is once."""
    with serving(stack.after[0]), serving(stack.after[1]):
        assert stack.gateway("to", "vllm").returncode == 0
        assert stack.gateway("down").returncode == 0 and stack.gateway("status").returncode == 1
        assert stack.gateway("up").returncode == 0 and stack.says("llama3.1:8b") == "after"
        assert "runs already" in stack.gateway("up").stderr


@pytest.mark.external
def test_a_short_key_lets_nobody_start(stack: Stack) -> None:
    """Without a key, or with one that is guessed, the gateway is not started."""
    assert stack.gateway("down").returncode == 0
    for line in ("", "ADVISOR_API_KEY=\n", "ADVISOR_API_KEY=short\n"):
        (stack.folder / ".env").write_text(line)
        refused = stack.gateway("up")
        assert refused.returncode == 2 and "openssl rand" in refused.stderr
