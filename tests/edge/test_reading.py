"""Every reader, on files that nobody meant well: a value or a clear refusal, and an end."""

from __future__ import annotations

import copy
import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from advisor.edge.reading import MOST_DEEP, parse_json, read_bytes, read_text
from advisor.edge.terminal import MOST_SHOWN
from advisor.errors import AdvisorError, BadInput
from advisor.evaluate import compare, read_measurements
from advisor.folder.write import write_tree
from advisor.measured.store import folder as store
from advisor.measured.store import kept_here, measurements_from
from advisor.models.names import find_model_and_format
from advisor.pipeline import find_hardware, recommend
from advisor.schema import Plan, RenderedFile
from advisor.wire import from_json_file, to_json
from tests.catalog.gguf_writer import llama, llama_metadata, write

HERE = Path(__file__).parent.parent
SEEDS = range(20_000 if os.environ.get("ADVISOR_NIGHTLY") else 250)
MOST_SECONDS = 2.0  # of processor time
CONFIG = {
    "architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "hidden_size": 512, "intermediate_size": 1024,
    "num_hidden_layers": 4, "num_attention_heads": 8, "num_key_value_heads": 2, "vocab_size": 1000, "head_dim": 64,
    "max_position_embeddings": 8192, "num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 128,
    "sliding_window": 512, "layer_types": ["full_attention", "sliding_attention"] * 2, "kv_lora_rank": None,
    "quantization_config": {"quant_method": "compressed-tensors", "config_groups": {"a": {"weights": {"num_bits": 4}}}},
    "text_config": None, "linear_num_value_heads": None, "num_kv_shared_layers": None, "mlp_only_layers": [],
    "tie_word_embeddings": True, "use_sliding_window": True, "max_window_layers": 2,
}  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1, 10**9, 10**18, 10**400, 1e-300, 1e300, float("inf"), float("nan"), "", "x", "4k", "\x1b[2J",
    "x" * 100_000, [], [None], ["x", 3], [[]], {}, {"a": {}}, {"a": [1]}, "\ud800", "²",
)  # fmt: skip


def places(item: Any, found: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The keys that lead to every value in plain data."""
    pairs = item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
    return [found, *(place for key, one in pairs for place in places(one, (*found, key)))]


def mutated(data: Any, dice: random.Random) -> Any:
    """The same data with one to three values replaced by odd ones, or a key renamed or taken away."""
    data = json.loads(json.dumps(data))
    for _ in range(dice.randint(1, 3)):
        *way, last = dice.choice([place for place in places(data) if place])
        around = data
        for key in way:
            around = around[key]
        if dice.random() < 0.1 and isinstance(around, dict):
            around[dice.choice(("odd", "\x1b]0;x", "x" * 500))] = around.pop(last)
        else:
            around[last] = copy.deepcopy(dice.choice(ODD))
    return data


def spoiled(content: bytes, dice: random.Random) -> bytes:
    """The same bytes cut off, with some of them replaced, or with a part repeated."""
    kind, at = dice.randrange(3), dice.randrange(len(content))
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + content[at : at + 400] * dice.randint(1, 50) + content[at:]
    changed = bytearray(content)
    for _ in range(dice.randint(1, 8)):
        changed[dice.randrange(len(changed))] = dice.choice((0, 1, 9, 10, 34, 44, 0x7F, 0x80, 0xE4, 0xFF))
    return bytes(changed)


def an_answer_or_a_refusal(read: Callable[[], object], seed: int) -> None:
    """Run a reader: it ends in time, and what it raises is one of our errors with a short message."""
    began = time.process_time()
    try:
        read()
    except AdvisorError as refused:
        assert max(map(len, str(refused).splitlines())) < 1000, seed
    assert time.process_time() - began < MOST_SECONDS, seed


def advise(hardware: Path, model: str = "Qwen/Qwen2.5-7B-Instruct") -> None:
    """The whole way, from a recorded machine to a plan in JSON."""
    made = recommend(profile=None, overrides={"model": model, "offline": True}, hardware_file=hardware)
    to_json(made.plan)


def write_json(path: Path, data: Any) -> None:
    """JSON as Python writes it, NaN and Infinity included."""
    path.write_text(json.dumps(data), encoding="utf-8")


# --- one file ----------------------------------------------------------------------------------------------------


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    """A pipe, a device and a folder are refused at once, not waited for."""
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "a pipe"), (Path("/dev/zero"), "a device"), (tmp_path, "a folder")):
        with pytest.raises(BadInput, match=f"{path}: (is {kind}, not a regular file|cannot be read)"):
            read_bytes(path)


def test_a_file_has_a_size_and_an_encoding(tmp_path: Path) -> None:
    """What is too large or not UTF-8 is refused by name; a byte order mark is no part of the text."""
    path = tmp_path / "f"
    path.write_bytes(b"\xef\xbb\xbftext")
    assert read_text(path) == "text"
    path.write_bytes(b"t\xe4glich")
    with pytest.raises(BadInput, match="not text in UTF-8"):
        read_text(path)
    with pytest.raises(BadInput, match="is larger than"):
        read_bytes(path, most=3)


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "no/such/file", "~nosuchuser/x"])
def test_a_name_that_the_system_refuses_is_bad_input(name: str) -> None:
    """Whatever stands where the name of a file is expected is refused in words, with the name cut short."""
    for read in (read_bytes, lambda path: find_hardware(None, path), lambda path: measurements_from(str(path))):
        with pytest.raises(BadInput) as refused:
            read(Path(name))
        assert len(str(refused.value)) < 400
    with pytest.raises(BadInput):
        find_model_and_format(name, offline=True)


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "1" + "0" * 400])
def test_json_holds_finite_numbers(number: str) -> None:
    """A number that no computation ends with is refused with the key that holds it."""
    with pytest.raises(BadInput, match=r"f: a\.0\.b: must be a number up to") as refused:
        parse_json(f'{{"a": [{{"b": {number}}}]}}', "f")
    assert len(str(refused.value)) < 2 * MOST_SHOWN


@pytest.mark.parametrize("deep", [MOST_DEEP + 1, 900, 100_000])
def test_json_nests_only_so_deep(deep: int) -> None:
    """Lists within lists are refused at the same depth, however Python's own stack stands."""
    with pytest.raises(BadInput, match="nests deeper than"):
        parse_json("[" * deep + "]" * deep, "f")


# --- every reader, with seeds ------------------------------------------------------------------------------------


def test_hardware(tmp_path: Path) -> None:
    """A recorded machine with odd values gives advice or a refusal."""
    good = json.loads((HERE / "hardware/rtx-4090-pair.json").read_text())
    for seed in SEEDS[: len(SEEDS) // 2]:
        write_json(tmp_path / "hw.json", mutated(good, random.Random(seed)))
        an_answer_or_a_refusal(lambda: advise(tmp_path / "hw.json"), seed)


def test_plan(tmp_path: Path) -> None:
    """A saved plan with odd values is read or refused."""
    good = json.loads((HERE / "golden/both-engines-rtx-4090-pair/out/plan.json").read_text())
    for seed in SEEDS:
        write_json(tmp_path / "plan.json", mutated(good, random.Random(seed)))
        an_answer_or_a_refusal(lambda: from_json_file(Plan, tmp_path / "plan.json"), seed)


def test_config_json(tmp_path: Path) -> None:
    """A config.json with odd values is a model or a refusal, and what is a model can be advised on."""
    for seed in SEEDS:
        write_json(tmp_path / "config.json", mutated(CONFIG, random.Random(seed)))
        an_answer_or_a_refusal(lambda: advise(HERE / "hardware/rtx-4090.json", str(tmp_path)), seed)


def test_safetensors(tmp_path: Path) -> None:
    """A header with odd shapes, types and lengths is counted or refused."""
    write_json(tmp_path / "config.json", CONFIG)
    good = {"model.layers.0.x.weight": {"dtype": "BF16", "shape": [4, 8], "data_offsets": [0, 64]}, "__metadata__": {}}
    for seed in SEEDS:
        dice = random.Random(seed)
        header = json.dumps(mutated(good, dice)).encode()
        content = len(header).to_bytes(8, "little") + header
        (tmp_path / "model.safetensors").write_bytes(spoiled(content, dice) if dice.random() < 0.5 else content)
        an_answer_or_a_refusal(lambda: find_model_and_format(str(tmp_path), offline=True), seed)


def test_gguf(tmp_path: Path) -> None:
    """A .gguf file with odd bytes or metadata is a model or a refusal, and what is a model can be advised on."""
    path = tmp_path / "m.gguf"
    for seed in SEEDS:
        dice = random.Random(seed)
        metadata = llama_metadata()
        if dice.random() < 0.7:
            odd = (-1.0, 0, 2**31 - 1, float("nan"), 1e30, "x", "\x1b[2J", True, [1, 2], ["x"], 10_001)
            metadata[dice.choice(list(metadata))] = dice.choice(odd)
            write(path, metadata, llama())
        else:
            write(path, metadata, llama())
            path.write_bytes(spoiled(path.read_bytes()[:20_000], dice))
        an_answer_or_a_refusal(lambda: advise(HERE / "hardware/rtx-4090.json", str(path)), seed)


def test_a_file_of_zeros_ends(tmp_path: Path) -> None:
    """Headers that promise billions of entries in a file of zeros are refused, however long the file is."""
    path = tmp_path / "m.gguf"
    for counts in ((2**33, 0), (0, 2**33), (1, 1)):
        path.write_bytes(b"GGUF" + (3).to_bytes(4, "little") + b"".join(n.to_bytes(8, "little") for n in counts))
        os.truncate(path, 2**34)
        an_answer_or_a_refusal(lambda: find_model_and_format(str(path), offline=True), 0)


ROWS = (
    b"id,engine,gpu,model,concurrency,mode,output_tok_s_total,input_tokens,slots,request_rate,num_prompts,power_limit_watts\n"
    b"1,vllm,RTX 4090,Qwen/Qwen2.5-7B-Instruct,8,serving,900,128,,,,\n"
    b'2,ollama,"2x RTX 3090",qwen2.5:7b,4,offline,90,,4,inf,100,220\n'
)


def test_measurements_of_a_user(tmp_path: Path) -> None:
    """A CSV with odd bytes is compared or refused; an odd row never ends the others."""
    path = tmp_path / "m.csv"
    for seed in SEEDS:
        path.write_bytes(spoiled(ROWS, random.Random(seed)))
        an_answer_or_a_refusal(lambda: [one.inside for one in compare(read_measurements(path))], seed)


def test_store(tmp_path: Path) -> None:
    """An odd entry in the store is passed over or used, and never ends an advice."""
    entry = measurement_here()
    store().mkdir(parents=True)
    for seed in SEEDS:
        dice = random.Random(seed)
        write_json(store() / "x.json", mutated(entry, dice))
        if seed % 5 == 0:
            (store() / "x.json").write_bytes(spoiled(json.dumps(entry).encode(), dice))
        kept_here()
        if kept_here().entries:
            advise(HERE / "hardware/cpu-2-cores.json", "HuggingFaceTB/SmolLM2-135M-Instruct")


def measurement_here() -> dict[str, Any]:
    """What is kept of a run on the machine with two cores, as plain data."""
    from dataclasses import replace

    from advisor.measured.entries import MeasuredLoad, measurement_of

    overrides = {"model": "HuggingFaceTB/SmolLM2-135M-Instruct", "offline": True}
    made = recommend(profile=None, overrides=overrides, hardware_file=HERE / "hardware/cpu-2-cores.json").plan
    assert made is not None
    load = MeasuredLoad(
        in_flight=2.0, input_tokens=128.0, output_tokens=64.0, shared_prefix_tokens=0.0, output_tokens_per_s=50.0,
        ttft_s=0.5, ttft_p95_s=0.7, tpot_s=0.02, tpot_p95_s=0.03, requests=10, seconds=20.0,
    )  # fmt: skip
    found = measurement_of(made, (load, replace(load, in_flight=1.0)), engine_version="1", taken="2026")
    data: dict[str, Any] = json.loads(to_json(found))
    return data


def test_manifest(tmp_path: Path) -> None:
    """A manifest with odd values counts for what can be understood of it, and the folder is written."""
    file = RenderedFile(path="a/b.txt", text="text")
    write_tree(tmp_path / "d", [file], overwrite=False)
    path = tmp_path / "d/.advisor-manifest.json"
    good = json.loads(path.read_text())
    for seed in SEEDS:
        write_json(path, mutated(good, random.Random(seed)))
        an_answer_or_a_refusal(lambda: write_tree(tmp_path / "d", [file], overwrite=True), seed)
    assert (tmp_path / "d/a/b.txt").read_text() == "text"
