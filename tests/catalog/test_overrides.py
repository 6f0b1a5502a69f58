"""Own entries of a user: `catalog.d/*.yaml` win over the catalogue, or are refused in words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ADVISOR = [sys.executable, "-m", "advisor.cli"]


def run(tmp_path: Path, *command: str, **files: str) -> subprocess.CompletedProcess[str]:
    """A command with files of own entries; `b` becomes b.yaml."""
    folder = tmp_path / "advisor" / "catalog.d"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    return subprocess.run([*ADVISOR, *command], capture_output=True, text=True, check=False, env=env)


def entries(tmp_path: Path, kind: str, search: str, **files: str) -> list[dict[str, Any]]:
    """What the catalogue lists with those files."""
    done = run(tmp_path, "catalog", kind, "--json", "--search", search, **files)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)[kind]
    return found


CARD = "gpus:\n  - {id: my-4090, like: nvidia-rtx-4090, name: RTX 4090 Turbo, memory_bytes: 51527024640}\n"


def test_an_own_card_is_planned_for(tmp_path: Path) -> None:
    """A card like another one with more memory is found by its name, and a plan is made for it."""
    own = entries(tmp_path, "gpus", "4090 Turbo", a=CARD)[0]
    assert own["memory_bytes"] == 51527024640 and own["bandwidth_bytes_per_s"] == 1008e9 and own["source"] == "own"
    done = run(
        tmp_path, "recommend", "--gpu", "RTX 4090 Turbo", "--model", "Qwen/Qwen3-32B", "--json", "--dry-run",
        "--measurements", "none",
    )  # fmt: skip
    answer = json.loads(done.stdout)
    assert answer["hardware"]["accelerators"][0]["memory_bytes"] == 51527024640
    assert answer["catalog"]["own"] == ["a.yaml"]


def test_an_own_model_has_the_architecture_of_the_one_it_is_like(tmp_path: Path) -> None:
    """Names, tags and licence are not inherited; dimensions are."""
    given = "models:\n  - {hf_id: me/my-tune, like: Qwen/Qwen3-8B, licence: mit}\n"
    own = entries(tmp_path, "models", "me/my-tune", a=given)[0]
    assert own["layers"] == 36 and own["ollama_tag"] is None and own["licence"] == "mit" and own["repos"] == {}


def test_a_key_of_a_known_entry_is_changed_and_the_others_stay(tmp_path: Path) -> None:
    """An own entry of an id that the catalogue has wins where it says something; the later file wins over the earlier."""
    first = "models:\n  - {hf_id: Qwen/Qwen3-8B, context_trained: 1000}\n"
    later = "models:\n  - {hf_id: qwen/qwen3-8b, context_trained: 2000}\n"
    own = entries(tmp_path, "models", "Qwen3-8B", a=first, b=later)
    assert [one["context_trained"] for one in own if one["hf_id"].lower() == "qwen/qwen3-8b"] == [2000]


def test_an_own_price_is_used(tmp_path: Path) -> None:
    """What a card costs here stands in its entry, with the file that says so."""
    given = "prices:\n  - {gpu: nvidia-rtx-4090, usd_per_hour: 0.11, note: our rack}\n"
    own = next(one for one in entries(tmp_path, "gpus", "rtx 4090", a=given) if one["id"] == "nvidia-rtx-4090")
    assert (own["usd_per_hour"], own["price_source"]) == (0.11, "a.yaml: our rack")


def test_the_version_names_own_entries(tmp_path: Path) -> None:
    """`catalog version` lists each file with what it holds."""
    done = run(tmp_path, "catalog", "version", "--json", a=CARD, b="update_from: https://mirror.example/c.zip\n")
    own = json.loads(done.stdout)["own"]
    assert [one["gpus"] for one in own] == [["my-4090"], []]
    assert own[1]["update_from"] == "https://mirror.example/c.zip"


ODD = {
    "gpus: {id: x}": "gpus: must be a list of entries",
    "cards: []": "'cards': unknown key; accepted: gpus, models, prices, update_from",
    "- 1": "must hold keys and values",
    "gpus: [": "is not YAML",
    "gpus: [{name: x}]": "gpus[0]: id: is missing",
    "gpus: [{id: x}]": "is missing",
    "gpus: [{id: x, like: rtx-9999}]": "like: 'rtx-9999' is not in the catalogue",
    "gpus: [{id: x, like: nvidia-rtx-4090, memory: 3}]": "memory: unknown key",
    "gpus: [{id: x, like: nvidia-rtx-4090, memory_bytes: lots}]": "memory_bytes: Input should be a valid integer",
    "gpus: [{id: x, like: nvidia-rtx-4090, vendor: acme}]": "vendor: must be one of",
    "gpus: [{id: x, like: nvidia-rtx-4090, memory_bytes: -1}]": "memory_bytes: must be a number from",
    "models: [{hf_id: a/b, like: Qwen/Qwen3-8B, native_format: q9}]": "native_format: must be of",
    "models: [{hf_id: a/b, like: Qwen/Qwen3-8B, repos: {q9: a/c}}]": "repos: must be of",
    "prices: [{gpu: nothing, usd: 3}]": "gpu: 'nothing' is no id",
    "prices: [{gpu: nvidia-rtx-4090, eur: 3}]": "eur: unknown key",
    "update_from: [x]": "update_from: must be an address",
    "a: &x [1]\ngpus: *x": "has an alias",
    "gpus: [{id: 3}]": "id: is missing",
}


@pytest.mark.parametrize("text", ODD)
def test_an_odd_file_is_refused_by_name_and_key(tmp_path: Path, text: str) -> None:
    """Bad entries are bad input: the message begins with the file and says key, what was seen and what is accepted."""
    done = run(tmp_path, "catalog", "gpus" if "gpus" in text or "prices" in text else "models", "--json", odd=text)
    if done.returncode == 0:  # a key that this list does not need is read by the other commands
        done = run(tmp_path, "catalog", "version")
    assert done.returncode == 2, done.stdout[:200]
    assert "catalog.d/odd.yaml" in done.stderr and ODD[text] in done.stderr, done.stderr


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Bytes that are not UTF-8, and a folder of that name, are bad input."""
    folder = tmp_path / "advisor" / "catalog.d"
    (folder / "a.yaml").mkdir(parents=True)
    assert run(tmp_path, "catalog", "gpus").returncode == 2
    (folder / "a.yaml").rmdir()
    (folder / "a.yaml").write_bytes(b"\xff\x00\xfe")
    assert "is not text in UTF-8" in run(tmp_path, "catalog", "gpus").stderr
