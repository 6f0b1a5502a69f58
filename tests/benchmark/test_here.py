"""Which engine and which models a short benchmark takes, and what is said where there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from advisor.benchmark.here import choose, models_here
from advisor.errors import EnvironmentFailed
from advisor.schema import Hardware, InstalledEngine, RunningEngine, ServedModel
from tests.engines.engine_cases import MACHINES

BARE = replace(MACHINES["laptop-cpu"], source="file")


@pytest.fixture(autouse=True)
def empty_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stores of models in a folder of their own."""
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "ollama"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    return tmp_path


def with_engines(*installed: str, running: tuple[str, ...] = (), models: tuple[str, ...] = ()) -> Hardware:
    """A machine with engines, those that run having these models."""
    served = tuple(ServedModel(name=name) for name in models)
    servers = tuple(RunningEngine(engine=name, address="127.0.0.1:1", models=served) for name in running)
    return replace(BARE, engines=tuple(InstalledEngine(engine=name) for name in installed), running=servers)


def test_without_an_engine_the_message_says_what_to_install() -> None:
    """Nothing runs and nothing is installed: exit code 3, with the engines' names and the way to them."""
    with pytest.raises(EnvironmentFailed, match=r"Install Ollama .*vLLM .*advisor recommend") as failed:
        choose(BARE, None)
    assert failed.value.exit_code == 3
    with pytest.raises(EnvironmentFailed, match="no vllm runs or is installed here; ollama is here"):
        choose(with_engines("ollama"), "vllm")


def test_what_runs_goes_before_what_is_installed() -> None:
    """A server that answers is used, and the one that was named goes before it."""
    both = with_engines("ollama", "vllm", running=("vllm",))
    assert choose(both, None, ("x/y",))[0].engine == "vllm"
    assert choose(both, "ollama", ("x/y",))[0].engine == "ollama"


def test_two_sizes_of_what_is_there_are_taken() -> None:
    """The smallest model of a useful size and one well above it; vectors and unknown names are left alone."""
    names = ("nomic-embed-text:latest", "qwen2.5:7b", "my-own:latest", "qwen2.5:0.5b", "gemma3:270m", "qwen2.5:3b")
    found = choose(with_engines(running=("ollama",), models=names), None)
    assert [one.model for one in found] == ["qwen2.5:0.5b", "qwen2.5:3b"]
    assert all(one.here for one in found)


def test_models_are_found_in_the_stores(empty_stores: Path) -> None:
    """Tags of Ollama's store and repositories of the Hub's cache, whether a server runs or not."""
    (empty_stores / "ollama/manifests/registry.ollama.ai/library/qwen2.5").mkdir(parents=True)
    (empty_stores / "ollama/manifests/registry.ollama.ai/library/qwen2.5/0.5b").touch()
    (empty_stores / "hub/hub/models--Qwen--Qwen2.5-0.5B-Instruct/snapshots").mkdir(parents=True)
    assert models_here("ollama", BARE) == ("qwen2.5:0.5b",)
    assert models_here("vllm", BARE) == ("Qwen/Qwen2.5-0.5B-Instruct",)


@pytest.mark.parametrize("engine", ["ollama", "vllm"])
def test_where_no_model_is_there_a_small_one_is_to_be_fetched(engine: str) -> None:
    """An engine without a model gets the smallest useful one of the catalogue, marked as not here."""
    (one,) = choose(with_engines(engine), None)
    assert not one.here and one.model


def test_a_named_model_that_is_not_there_is_fetched_only_when_asked() -> None:
    """A name that the engine does not have, and a path that does not exist, are not here."""
    found = choose(with_engines("ollama"), None, ("qwen2.5:7b", __file__))
    assert [one.here for one in found] == [False, True]
