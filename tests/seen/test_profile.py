"""What was seen becomes a profile, and stands below what is typed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from advisor.workload import load_workload
from advisor.workload.seen.figures import observed
from advisor.workload.seen.log import read_log
from advisor.workload.seen.profile import over, profile_text
from tests.seen.logs import caddy, jsonl, load, text, vllm_page
from tests.test_cli import run

MADE = load("bursts of 5", "lognormal", 2.0, 4.0, 2000, 1)
LOGS = {
    "tokens and times": jsonl(MADE),
    "the gateway's": caddy(MADE),
    "no durations": [{key: item for key, item in entry.items() if key != "duration_s"} for entry in jsonl(MADE)],
    "vectors": [entry | {"completion_tokens": 0} for entry in jsonl(MADE)],
    "callers": [entry | {"user": str(number % 37)} for number, entry in enumerate(jsonl(MADE))],
}


def written(entries: list[dict[str, Any]], folder: Path) -> Path:
    """The log as a file."""
    path = folder / "log.jsonl"
    path.write_text(text(entries))
    return path


@pytest.mark.parametrize("kind", sorted(LOGS))
@pytest.mark.parametrize("profile", [None, "rag"])
def test_a_written_profile_is_what_the_option_gives(kind: str, profile: str | None, tmp_path: Path) -> None:
    """`workload LOG --out P` and `--profile P` ask the same as `--from-log LOG`: no line of the file is lost or added."""
    if kind == "vectors" and profile:
        pytest.skip("a profile that writes text is none for vectors")
    found = observed(read_log(written(LOGS[kind], tmp_path)))
    path = tmp_path / "profile.yaml"
    path.write_text(profile_text(found, "log.jsonl", profile))
    again, given = load_workload(str(path), {}), load_workload(profile, over(found, {}))
    assert replace(again, profile=given.profile) == given


@pytest.mark.parametrize("kind", sorted(LOGS))
def test_every_line_says_how_it_is_known(kind: str, tmp_path: Path) -> None:
    """Seen or assumed stands behind every key; nothing of a prompt's text is in it."""
    found = observed(read_log(written(LOGS[kind], tmp_path)))
    made = profile_text(found, "log.jsonl\nusers: 7")
    lines = [line for line in made.splitlines() if line[0] != "#" and not line.startswith("title")]
    assert "secret" not in made and "\nusers: 7\n" not in made
    assert all(" # seen: " in line or " # assumed" in line for line in lines)
    assert ("input_tokens" in [line.partition(":")[0] for line in lines if " # seen" in line]) == (
        kind != "the gateway's"
    )


@pytest.mark.parametrize(
    ("typed", "gone"),
    [
        ({"users": 300}, {"request_rate"}),
        ({"concurrency": 4}, {"request_rate", "users"}),
        ({"input_tokens": 9000}, {"shared_prefix_tokens"}),
        ({"ttft_ms": 300.0}, set()),
        ({"output_tokens": 30_000}, set()),
    ],
)  # fmt: skip
def test_what_is_typed_counts(typed: dict[str, Any], gone: set[str], tmp_path: Path) -> None:
    """A typed load replaces the seen one as a whole, a typed length the seen one; the room for both grows."""
    asked = over(observed(read_log(written(LOGS["tokens and times"], tmp_path))), {"model": None, **typed})
    assert not gone & {name for name, item in asked.items() if item is not None}
    made = load_workload(None, asked)
    assert made.context_tokens >= made.input_tokens + made.output_tokens
    assert {name: getattr(made, name) for name in typed} == typed


def test_every_command_that_takes_a_load_takes_it_from_a_log(tmp_path: Path) -> None:
    """recommend, size, capacity and compare plan for what was seen, and say it on standard error."""
    written(LOGS["callers"], tmp_path)
    common = ["--from-log", "log.jsonl", "--model", "Qwen/Qwen2.5-7B-Instruct", "--offline", "--json"]
    for words in (
        ["recommend", "--gpu", "RTX 4090", "--dry-run"],
        ["size", "--can-get", "RTX 4090"],
        ["capacity", "--gpu", "RTX 4090"],
        ["compare", "ollama", "vllm", "--gpu", "RTX 4090"],
    ):
        done = run(*words, *common, cwd=tmp_path)
        assert done.returncode in (0, 1), done.stderr
        told = json.loads(done.stdout)
        work = (told["compared"][0] if "compared" in told else told)["workload"]
        assert work["users"] == 37 and work["request_rate"] == pytest.approx(2.0, rel=0.1), words
        assert "2,000 requests" in done.stderr and "written:" in done.stderr


def test_a_profile_from_metrics_is_written(tmp_path: Path) -> None:
    """`advisor workload metrics.txt --out` makes a profile that `recommend` takes; a log that is none exits with 2."""
    (tmp_path / "metrics.txt").write_text(vllm_page(MADE))
    done = run("workload", "metrics.txt", "--out", "profile.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    mean = round(sum(each.read for each in MADE) / len(MADE))
    assert load_workload(str(tmp_path / "profile.yaml"), {}).input_tokens == mean
    assert run("workload", "metrics.txt", "--out", "metrics.txt", "--force", cwd=tmp_path).returncode == 2
    assert run("workload", "nothing.jsonl", cwd=tmp_path).returncode == 2
    (tmp_path / "empty").write_text("")
    assert run("workload", "empty", cwd=tmp_path).returncode == 2
