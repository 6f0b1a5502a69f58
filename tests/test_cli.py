"""The front door: help, exit codes, bad input, JSON, and what a cold start loads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

QWEN = "Qwen/Qwen2.5-7B-Instruct"


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The program as a person starts it."""
    return subprocess.run(
        [sys.executable, "-m", "advisor.cli", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
        check=False,
    )


def answer(*arguments: str) -> dict[str, Any]:
    """The JSON of `recommend` for a simulated machine, nothing written."""
    done = run("recommend", "--dry-run", "--json", "--offline", *arguments)
    assert done.returncode in (0, 1), done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_help_loads_no_stage() -> None:
    """`advisor --help` imports click and the command line only: no pydantic, yaml, jinja2, rich, NVML or stage."""
    code = "import sys; from advisor.cli import app; app.main(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()[-1]
    for name in (
        "pydantic",
        "yaml",
        "jinja2",
        "rich",
        "pynvml",
        "advisor.pipeline",
        "advisor.catalog",
        "advisor.engines",
    ):
        assert f"'{name}'" not in loaded, name


def test_recommend_does_not_load_pydantic_for_a_shipped_profile(tmp_path: Path) -> None:
    """The cold path of `recommend --gpu` imports neither pydantic nor vllm nor ollama nor NVML."""
    code = (
        "import sys; from advisor.cli import app;"
        "app.main(['recommend','--users','50','--gpu','RTX 4090','--dry-run'], standalone_mode=False); print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    loaded = done.stdout.splitlines()[-1]
    for name in ("pydantic", "vllm", "ollama", "pynvml", "numpy"):
        assert f"'{name}'" not in loaded, name


def test_the_options_of_recommend_load_no_engine() -> None:
    """`advisor recommend --help` names every engine without importing one, and without pydantic."""
    code = (
        "import sys; from advisor.cli import app;"
        "app.main(['recommend','--help'], standalone_mode=False); print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "auto|ollama|vllm|both" in done.stdout
    loaded = done.stdout.splitlines()[-1]
    for name in ("pydantic", "advisor.engines", "advisor.deploy", "advisor.pipeline"):
        assert f"'{name}'" not in loaded, name


def test_every_command_has_help_with_examples_to_copy() -> None:
    """`advisor COMMAND --help` explains and gives examples, each on a line of its own."""
    from advisor.cli import COMMANDS

    for name in COMMANDS:
        lines = [line.strip() for line in run(name, "--help").stdout.splitlines()]
        assert "Examples:" in lines or "Example:" in lines, name
        assert any(line.startswith(f"advisor {name}") for line in lines), name
        assert not any(line.count(f"advisor {name}") > 1 for line in lines), name


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--gpu", "RTX 9999"], "RTX 9999"),
        (["--gpu", "4060 ti"], "16"),
        (["--gpu", "RTX 4090", "--model", "Qwen/Qwen2.5-7B-Instrukt"], "Qwen/Qwen2.5-7B-Instruct"),
        (["--gpu", "RTX 4090", "--quantization", "q4_K_X"], "q4_K_M"),
        (["--gpu", "RTX 4090", "--engine", "tgi"], "ollama"),
        (["--gpu", "RTX 4090", "--profile", "nowhere.yaml"], "nowhere.yaml"),
        (["--gpu", "RTX 4090", "--task", "poetry"], "chat"),
        (["--hardware", "missing.json"], "missing.json"),
        (["--gpu", "RTX 4090", "--measurements", "store.json"], "--measurements store.json"),
        (["--gpu", "RTX 4090", "--users", "fifty"], "--users: 'fifty' is not a whole number from 1 to 1,000,000"),
        (["--gpu", "RTX 4090", "--concurrency", "1" + 400 * "0"], "... is not a whole number from 1 to 1,000,000"),
        (["--gpu", "RTX 4090", "--ttft-ms", "nan"], "--ttft-ms: 'nan' is not a number from 0.001 to 86,400,000"),
        (["--gpu", "RTX 4090", "--parts", "gatway"], "did you mean gateway?"),
        (["--gpu", "RTX 4090", "--context-tokens", "100", "--output-tokens", "200"], "context_tokens: 100 is below"),
    ],
)
def test_bad_input_exits_2_and_names_what_is_accepted(arguments: list[str], told: str, tmp_path: Path) -> None:
    """Bad input ends with exit code 2, one message on standard error, no traceback, and no folder."""
    done = run("recommend", "--offline", *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "deploy").exists()


def test_one_user_on_a_4090_gets_ollama() -> None:
    """One person with a 7B model on an RTX 4090: the simpler engine."""
    document = answer("--users", "1", "--gpu", "RTX 4090", "--model", QWEN)
    assert document["verdict"]["engine"] == "ollama"
    assert document["verdict"]["meets_targets"]


def test_fifty_in_flight_on_a_4090_get_vllm() -> None:
    """Fifty requests in flight on the same card: the batching engine, and the crossover lies below."""
    document = answer("--users", "50", "--concurrency", "50", "--gpu", "RTX 4090", "--model", QWEN)
    assert document["verdict"]["engine"] == "vllm"
    assert 1 <= document["crossover_in_flight"] < 50
    assert document["plan"]["max_in_flight"] >= 50


def test_a_mac_gets_ollama() -> None:
    """On a Mac vLLM is refused by platform and Ollama is the answer."""
    document = answer("--users", "5", "--gpu", "Apple M3 Max 64GB", "--model", QWEN)
    assert document["verdict"]["engine"] == "ollama"
    assert any("OPS401" in way["why_lost"] for way in document["alternatives"])


def test_a_gtx_1080_gets_ollama_with_the_reason() -> None:
    """On a Pascal card the reason against vLLM holds both compute capabilities."""
    document = answer("--users", "1", "--gpu", "GTX 1080", "--model", QWEN)
    assert document["verdict"]["engine"] == "ollama"
    assert any("6.1 < 7.5" in way["why_lost"] for way in document["alternatives"])


def test_a_70b_on_one_4090_is_a_no_with_a_yes() -> None:
    """A 70B model does not fit one RTX 4090; the exit code is 1 and a computed change that works is named."""
    done = run(
        "recommend",
        "--dry-run",
        "--json",
        "--offline",
        "--gpu",
        "RTX 4090",
        "--model",
        "meta-llama/Llama-3.3-70B-Instruct",
    )
    document = json.loads(done.stdout)
    assert done.returncode == 1
    assert document["verdict"]["engine"] == "none"
    assert document["nearest_yes"]


def test_case_a_the_exact_boundary() -> None:
    """Llama-3.1-8B at 16 bit on one H100-80GB: 52 to 56 sequences of 8,192 tokens, and the next number is named."""
    document = answer(
        "--gpu", "H100 80GB", "--model", "meta-llama/Llama-3.1-8B-Instruct", "--quantization", "bf16",
        "--context-tokens", "8192", "--concurrency", "50", "--engine", "vllm",
    )  # fmt: skip
    full = document["plan"]["memory"]["full_sequences"]
    assert 52 <= full <= 57
    boundary = next(reason["message"] for reason in document["reasons"] if reason["rule"] == "FIT104")
    assert f"from {int(full) + 1} full-length requests on" in boundary


def test_case_b_four_bits_fit_two_4090s_and_sixteen_do_not() -> None:
    """Llama-3.3-70B fits 2 x RTX 4090 at 4 bit with the context that is left, not at 16 bit."""
    model = "meta-llama/Llama-3.3-70B-Instruct"
    small = answer(
        "--gpu",
        "2x RTX 4090",
        "--model",
        model,
        "--quantization",
        "awq-int4",
        "--users",
        "1",
        "--context-tokens",
        "4096",
    )
    assert small["verdict"]["engine"] == "vllm"
    assert small["plan"]["tensor_parallel"] == 2
    assert small["plan"]["memory"]["kv_tokens"] >= 4096
    large = answer(
        "--gpu", "2x RTX 4090", "--model", model, "--quantization", "bf16", "--users", "1", "--context-tokens", "4096"
    )
    assert large["verdict"]["engine"] == "none"


def test_case_c_the_shape() -> None:
    """Qwen2.5-7B at 16 bit on an RTX 4090: one stream between 45 and the roof of 66, vLLM at least 3x a default Ollama at 4."""
    document = answer(
        "--gpu", "RTX 4090", "--model", QWEN, "--quantization", "bf16", "--concurrency", "4", "--engine", "auto"
    )
    curve = {point["in_flight"]: point for point in document["curve"]}
    assert 45 < curve[1]["vllm_tokens_per_s"] < 66
    assert 45 < curve[1]["ollama_default_tokens_per_s"] < 66
    assert 0.8 < curve[1]["vllm_tokens_per_s"] / curve[1]["ollama_default_tokens_per_s"] < 1.25
    assert curve[4]["vllm_tokens_per_s"] / curve[4]["ollama_default_tokens_per_s"] >= 3


def test_json_is_the_contract() -> None:
    """`recommend --json` has every key of the interface, and standard output holds one document and nothing else."""
    document = answer("--users", "50", "--gpu", "RTX 4090", "--model", QWEN)
    assert set(document) >= {
        "schema_version", "verdict", "workload", "hardware", "model", "plan", "crossover_in_flight", "alternatives", "curve",
        "reasons", "nearest_yes", "files",
    }  # fmt: skip
    plan = document["plan"]
    assert set(plan) >= {
        "engine", "model_ref", "quantization", "kv_cache_dtype", "gpus", "tensor_parallel", "pipeline_parallel", "replicas",
        "context_tokens", "max_in_flight", "settings", "memory", "predicted",
    }  # fmt: skip
    assert set(plan["memory"]) >= {"weights_bytes", "kv_bytes", "overhead_bytes", "budget_bytes"}
    for figure in ("output_tokens_per_s", "ttft_s", "tpot_s"):
        assert (
            plan["predicted"][figure]["low"]
            <= plan["predicted"][figure]["expected"]
            <= plan["predicted"][figure]["high"]
        )
    for setting in plan["settings"]:
        assert setting["because"], setting
        assert setting["source"], setting


def test_piped_output_has_no_colour_and_fits(tmp_path: Path) -> None:
    """What is piped holds no escape sequence, and the sections of the whole report stand in their order."""
    done = run("recommend", "--users", "50", "--gpu", "RTX 4090", "--model", QWEN, "--offline", "--full", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    places = [
        done.stdout.index(title) for title in ("\nWhy\n", "\nWhat to expect", "\nMemory", "\nSettings", "\nFiles")
    ]
    assert places == sorted(places)
    assert (tmp_path / "deploy" / "plan.json").is_file()


def test_a_saved_plan_renders_the_same_files(tmp_path: Path) -> None:
    """`advisor render plan.json` gives byte for byte the folder that `recommend` wrote."""
    run("recommend", "--users", "50", "--gpu", "RTX 4090", "--model", QWEN, "--offline", cwd=tmp_path)
    done = run("render", "deploy/plan.json", "--out", "again", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for path in sorted((tmp_path / "deploy").rglob("*")):
        if path.is_file() and not path.name.startswith(".advisor"):
            assert (tmp_path / "again" / path.relative_to(tmp_path / "deploy")).read_bytes() == path.read_bytes(), path


def test_files_changed_by_hand_are_not_lost(tmp_path: Path) -> None:
    """A second `recommend` refuses to replace a file that a person changed; exit 2, the file as it was."""
    arguments = ("recommend", "--users", "50", "--gpu", "RTX 4090", "--model", QWEN, "--offline")
    run(*arguments, cwd=tmp_path)
    changed = tmp_path / "deploy" / "compose.yaml"
    changed.write_text(changed.read_text() + "# mine\n")
    done = run(*arguments, "--context-tokens", "4096", cwd=tmp_path)
    assert done.returncode == 2
    assert "compose.yaml" in done.stderr
    assert changed.read_text().endswith("# mine\n")


def test_a_second_run_swaps_the_folder_and_a_changed_file_is_named_after_the_verdict(tmp_path: Path) -> None:
    """Nobody's file changed: swapped, exit 0. A file changed by hand: the verdict, its name, what to do, exit 2."""
    asked = ("recommend", "--gpu", "RTX 4090", "--model", "Qwen/Qwen2.5-7B-Instruct", "--offline", "--users")
    assert run(*asked, "2", cwd=tmp_path).returncode == 0
    assert run(*asked, "50", cwd=tmp_path).returncode == 0
    assert (tmp_path / "deploy" / "plan.before.json").is_file()
    (tmp_path / "deploy" / "compose.yaml").write_text("mine")
    third = run(*asked, "3", cwd=tmp_path)
    assert third.returncode == 2 and "compose.yaml" in third.stderr and "--force" in third.stderr
    assert "tokens/s" in third.stdout and (tmp_path / "deploy" / "compose.yaml").read_text() == "mine"


def test_a_no_writes_nothing_unless_a_folder_was_named(tmp_path: Path) -> None:
    """Exit 1 with the answer and no files; with --out the best that runs is written."""
    asked = ("recommend", "--gpu", "RTX 4090", "--model", "Qwen/Qwen2.5-7B-Instruct", "--offline", "--users", "5000")
    assert run(*asked, cwd=tmp_path).returncode == 1
    assert not list(tmp_path.iterdir())
    assert run(*asked, "--out", "here", cwd=tmp_path).returncode == 1
    assert (tmp_path / "here" / "plan.json").is_file()
