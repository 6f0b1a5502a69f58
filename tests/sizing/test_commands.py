"""`size`, `capacity` and `compare` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.sizing.asked import SEVEN
from tests.test_cli import run

LOAD = ("--model", SEVEN, "--offline", "--measurements", "none")
KEYS = [
    "kind",
    "gpu",
    "gpus",
    "hosts",
    "engine",
    "quantization",
    "tensor_parallel",
    "pipeline_parallel",
    "replicas",
    "predicted",
    "users_max",
    "binds",
    "watts",
    "cost",
]


def test_size_says_which_machines_and_makes_the_folder_of_one(tmp_path: Path) -> None:
    """One document with the contract's keys; `--pick` writes the deployment of that way."""
    done = run(
        "size", "--users", "30", *LOAD, "--can-get", "RTX 4090, L4", "--growth", "10", "--api-in", "0.2",
        "--api-out", "0.6", "--currency", "EUR", "--pick", "1", "--out", "deploy", "--json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    first = answer["options"][0]
    assert set(KEYS) <= set(first) and first["cost"]["currency"] == "EUR"
    assert {kind for option in answer["options"] for kind in option["kind"]} == {
        "cheapest", "fewest", "fastest", "headroom",
    }  # fmt: skip
    assert first["next_card"] > "2026" and first["api"]["per_month"] > 0
    plan = json.loads((tmp_path / "deploy" / "plan.json").read_text())
    assert "way 1 to deploy" in done.stderr and "README.md" in done.stderr
    assert plan["engine"] == first["engine"]
    assert len(plan["hardware"]["accelerators"]) * plan["hardware"]["nodes"] == first["gpus"]


def test_size_on_a_screen_fits_and_says_no_with_what_would_do(tmp_path: Path) -> None:
    """No line is wider than the screen; where money forbids it, the cheapest way without that limit is told."""
    done = run("size", "--users", "30", *LOAD, "--can-get", "RTX 4090", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith("YES")
    assert max(map(len, done.stdout.splitlines())) <= 100
    poor = run("size", "--users", "30", *LOAD, "--can-get", "RTX 4090", "--budget", "100", cwd=tmp_path)
    assert poor.returncode == 1 and poor.stdout.startswith("NO") and "--budget" in poor.stdout


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("size", "--users", "5"), "--model"),
        (("size", "--budget", "much", *LOAD), "--budget"),
        (("size", "--can-get", "RTX 4900", *LOAD), "RTX 4900"),
        (("size", "--price", "0.9/h", *LOAD), "--price"),
        (("size", "--pick", "1", *LOAD), "--out"),
        (("size", "--currency", "XYZ", *LOAD), "XYZ"),
        (("size", "--api-in", "1", *LOAD), "--api-out"),
        (("size", "--years", "0", *LOAD), "--years"),
        (("size", "--users", "9", "--base", "5", *LOAD), "--api-in"),
        (("size", "--users", "9", "--base", "9", "--api-in", "1", "--api-out", "1", *LOAD), "--base"),
        (("size", "--base", "5", "--api-in", "1", "--api-out", "1", "--ops-hours", "2", *LOAD), "--peak-hours"),
        (("size", "--nodes", "3", *LOAD), "--nodes"),
        (("compare", "ollama", *LOAD), "two or more"),
        (("capacity", "--gpu", "nonsense", *LOAD), "nonsense"),
    ],
)
def test_bad_input_is_named(typed: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """Exit code 2, nothing on standard output, and the option or name at fault."""
    done = run(*typed, cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == "" and said in done.stderr


def test_capacity_and_compare_answer_in_one_document(tmp_path: Path) -> None:
    """By engine what is served and what one change gives; one `recommend` document for each that is compared."""
    done = run("capacity", "--gpu", "RTX 3060 12GB", *LOAD, "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert done.returncode == 0
    for engine in ("ollama", "vllm"):
        assert {"users_max", "in_flight_max", "binds", "next_change"} <= set(found[engine])
    done = run("compare", "ollama", "vllm", "--gpu", "RTX 3060 12GB", *LOAD, "--users", "5", "--json", cwd=tmp_path)
    both = json.loads(done.stdout)["compared"]
    assert [each["plan"]["engine"] for each in both] == ["ollama", "vllm"] and "score" in both[0]["model"]


def test_size_writes_a_page_and_tells_base_and_night(tmp_path: Path) -> None:
    """The page holds both charts and every named way; machines for the base and the API above them cost both together."""
    done = run(
        "size", "--users", "300", *LOAD, "--can-get", "RTX 4090, L4, RTX 3060 12GB", "--api-in", "0.2", "--api-out",
        "0.6", "--base", "40", "--peak-hours", "3", "--ops-hours", "10", "--idle-watts", "20", "--report", "size.html",
        "--json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    page = (tmp_path / "size.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2 and all(option["gpu"].split()[-1] in page for option in answer["options"])
    both = answer["base_and_api"]
    assert 40 <= both["carried"] < 300
    assert both["per_month"] == pytest.approx(both["cost"]["per_month"] + both["api_per_month"])
    assert all(option["night"]["start_s"] > 0 and option["night"]["idle_per_month"] > 0 for option in answer["options"])
