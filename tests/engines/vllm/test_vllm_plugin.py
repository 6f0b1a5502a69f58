"""vLLM: which weights, how many cards, which settings, and how it is started."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from advisor.engines import vllm
from advisor.engines.admission import admitted
from advisor.engines.vllm.defaults import device_defaults
from advisor.engines.vllm.service import speculates
from advisor.engines.vllm.sizing import chunk_for, seqs_for, utilization
from advisor.schema import Hardware, Plan, Workload
from tests.engines.engine_cases import (
    CHAT,
    EMBED,
    GIB,
    LOADS,
    MACHINES,
    MODELS,
    first_plan,
    h100,
    judged_size,
    machine,
    model,
    plan_of,
    rtx4090,
)

QWEN = model(MODELS[0])
LLAMA70 = model(MODELS[2])


def layouts(hardware: Hardware, spec: object, workload: Workload = CHAT) -> set[tuple[str, int, int, int]]:
    """(format, TP, PP, replicas) of all proposals."""
    found = vllm.propose(hardware, workload, spec)  # type: ignore[arg-type]
    return {(c.weights_format, c.tensor_parallel, c.pipeline_parallel, c.replicas) for c in found}


def values(plan: Plan) -> dict[str, str | None]:
    """Setting name → value."""
    return {setting.name: setting.value for setting in plan.settings}


def test_formats_come_from_published_repositories() -> None:
    """Native, FP8 and one 4-bit repository are proposed, each by the name of the repository that holds it."""
    found = {c.weights_format: c.model_ref for c in vllm.propose(MACHINES["rtx-4090"], CHAT, QWEN)}
    assert found["bf16"] == "Qwen/Qwen2.5-7B-Instruct"
    assert found["awq-int4"] == "Qwen/Qwen2.5-7B-Instruct-AWQ"
    assert found["fp8"] == QWEN.repos["fp8"]


def test_a_named_quantisation_is_the_only_one() -> None:
    """`--quantization awq` leaves AWQ alone; a GGUF name stays so that a rule can refuse it; 16 bit keeps the repo."""
    hardware = MACHINES["rtx-4090"]
    for asked, formats in (("awq", {"awq-int4"}), ("Q4_K_M", {"q4_K_M"}), ("bf16", {"bf16"}), ("fp16", {"fp16"})):
        found = vllm.propose(hardware, replace(CHAT, quantization=asked), QWEN)
        assert {c.weights_format for c in found} == formats


def test_a_quantisation_that_does_not_exist_is_not_invented() -> None:
    """Where no repository holds the format asked for, there is no candidate."""
    assert vllm.propose(MACHINES["rtx-4090"], replace(CHAT, quantization="nvfp4"), QWEN) == ()


def test_fp8_without_a_repository_is_made_at_load() -> None:
    """A 16-bit checkpoint is quantised online, and only then is --quantization given."""
    bare = replace(QWEN, repos={})
    found = vllm.propose(MACHINES["rtx-4090"], CHAT, bare)
    online = next(c for c in found if c.weights_format == "fp8")
    assert online.model_ref == bare.hf_id
    assert values(plan_of(online, MACHINES["rtx-4090"], CHAT, bare))["--quantization"] == "fp8"
    published = next(c for c in vllm.propose(MACHINES["rtx-4090"], CHAT, QWEN) if c.weights_format == "fp8")
    assert "--quantization" not in values(plan_of(published, MACHINES["rtx-4090"], CHAT, QWEN))


def test_heads_decide_between_tensor_and_pipeline_parallel() -> None:
    """28 heads on 8 cards are TP 4 x PP 2, on 3 cards PP 3; 64 heads on 8 cards are TP 8."""
    assert ("bf16", 4, 2, 1) in layouts(rtx4090(8), QWEN)
    assert ("bf16", 1, 3, 1) in layouts(rtx4090(3), QWEN)
    assert ("bf16", 8, 1, 1) in layouts(h100(8), LLAMA70)


def test_seventy_billion_on_two_cards() -> None:
    """On 2 x RTX 4090 the 16-bit and FP8 70B are proposed for refusal, the 4-bit one fits with TP 2."""
    found = vllm.propose(rtx4090(2), CHAT, LLAMA70)
    fits = {c.weights_format: vllm.memory(c, rtx4090(2), LLAMA70).fits for c in found if c.kv_cache_dtype == "auto"}
    assert fits["bf16"] is False and fits["awq-int4"] is True
    assert all(c.tensor_parallel == 2 for c in found)


def test_a_pipeline_is_offered_where_nvlink_is_missing() -> None:
    """Two cards without NVLink also get PP 2; with NVLink they do not."""
    asked = replace(CHAT, quantization="awq")
    assert ("awq-int4", 1, 2, 1) in layouts(rtx4090(2), LLAMA70, asked)
    assert ("awq-int4", 1, 2, 1) not in layouts(MACHINES["rtx-3090-pair-nvlink"], LLAMA70, asked)


def test_replicas_fill_the_machine() -> None:
    """A model that fits one card of eight is also offered as 2, 4 and 8 replicas behind one port."""
    found = layouts(rtx4090(8), QWEN)
    assert {("bf16", 1, 1, n) for n in (1, 2, 4, 8)} <= found
    index = next(i for i, c in enumerate(vllm.propose(rtx4090(8), CHAT, QWEN)) if c.replicas == 8)
    plan = first_plan("vllm", "rtx-4090-x8", index=index)
    assert values(plan)["--data-parallel-size"] == "8"


def test_only_cards_of_one_model_work_together() -> None:
    """A 4090 between two 3090 is a group of its own; it joins them only where all work together."""
    for candidate in vllm.propose(MACHINES["mixed"], CHAT, QWEN):
        assert set(candidate.gpu_indices) in ({0}, {2}, {0, 2}, {1}, {0, 1, 2})


def test_an_unusable_card_gets_one_candidate() -> None:
    """On a GTX 1080 one candidate remains for the rule to refuse; vLLM's CPU build is no advice beside a card."""
    found = vllm.propose(MACHINES["gtx-1080"], CHAT, QWEN)
    assert [(c.device, c.weights_format) for c in found] == [("gpu", "fp16")]


def test_fp8_kv_only_where_it_is_needed_and_possible() -> None:
    """FP8 KV is offered on Ada and Ampere when 16 bit cannot hold everybody, not for one user."""
    for name in ("rtx-4090", "rtx-3090-pair-nvlink"):
        assert {c.kv_cache_dtype for c in vllm.propose(MACHINES[name], CHAT, QWEN)} == {"auto", "fp8"}
        assert {c.kv_cache_dtype for c in vllm.propose(MACHINES[name], LOADS["one"], QWEN)} == {"auto"}


def test_utilization_follows_what_is_free() -> None:
    """0.92 on an idle card, less where another process or the host lives in the same memory."""
    assert utilization(MACHINES["rtx-4090"].accelerators, QWEN) == pytest.approx(0.92, abs=0.01)
    half = MACHINES["half-full"].accelerators
    assert utilization(half, QWEN) * half[0].memory_bytes <= 11 * GIB
    assert utilization(MACHINES["gb10"].accelerators, QWEN) <= 0.85


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        (rtx4090(1).accelerators, (2048, 256)),
        (h100(1).accelerators, (8192, 1024)),
        (MACHINES["mi300x"].accelerators, (16384, 1024)),
        (MACHINES["gb10"].accelerators, (2048, 256)),
        ((), (2048, 128)),
    ],
)
def test_device_defaults(cards: tuple, expected: tuple[int, int]) -> None:  # type: ignore[type-arg]
    """vLLM's own batch figures by device memory, with A100 and GB10 among the small ones."""
    assert device_defaults(cards) == expected


@pytest.mark.parametrize(("load", "slots"), [(1, 2), (4, 8), (12, 16), (48, 64), (50, 64), (64, 80), (2000, 1024)])
def test_slots_are_a_graph_size_above_the_load(load: float, slots: int) -> None:
    """A quarter above the peak, on a batch size that vLLM records a graph for, never the default's hundreds."""
    assert seqs_for(load, rtx4090(1).accelerators) == slots


def test_chunks_follow_target_and_task() -> None:
    """The device's default, less for short answers with a tight target, twice for a batch, the longest for vectors."""
    cards = rtx4090(1).accelerators
    assert chunk_for(cards, CHAT, QWEN, 1) == 2048
    assert chunk_for(cards, replace(CHAT, tpot_ms=100), QWEN, 1) == 2048
    assert chunk_for(cards, replace(CHAT, tpot_ms=30, output_tokens=40), QWEN, 1) == 512
    assert chunk_for(cards, LOADS["batch"], QWEN, 1) == 4096
    assert chunk_for(cards, replace(EMBED, context_tokens=8192), QWEN, 1) == 8192


def test_default_settings_shrink_to_what_fits() -> None:
    """As installed vLLM takes the model's own length, and the longest that fits where that does not."""
    hardware = MACHINES["rtx-4090"]
    found = vllm.as_installed(vllm.propose(hardware, CHAT, QWEN)[0], hardware, QWEN)
    assert (found.max_in_flight, found.max_batched_tokens, found.context_tokens) == (256, 2048, 32768)
    longer = replace(QWEN, context_trained=1_000_000)
    shrunk = vllm.as_installed(vllm.propose(hardware, CHAT, longer)[0], hardware, longer)
    assert 8192 < shrunk.context_tokens < 200_000


def test_old_cards_run_float16() -> None:
    """Below compute capability 8.0 the bfloat16 checkpoint is run as float16, and says so."""
    plan = first_plan("vllm", "t4", spec="Qwen/Qwen2.5-1.5B-Instruct")
    assert plan.estimate.candidate.weights_format == "fp16"
    assert values(plan)["--dtype"] == "float16"
    assert "--dtype" not in values(first_plan("vllm", "rtx-4090"))


def test_production_settings() -> None:
    """Tools, queue limit and drain are on for a production API; it stays on loopback and knows no key."""
    plan = first_plan("vllm", "h100", "production", MODELS[1], peak=40)
    known = values(plan)
    assert known["--tool-call-parser"] == "llama3_json" and "--enable-auto-tool-choice" in known
    assert int(known["--max-num-queued-reqs"] or 0) == admitted(plan.estimate, plan.workload) == 64 - 8 + 40
    assert plan.launch.drain_s >= 30 and known["--shutdown-timeout"] == str(plan.launch.drain_s)
    assert known["--host"] == "127.0.0.1" == plan.launch.bind
    assert "VLLM_API_KEY" not in known and "VLLM_API_KEY" not in plan.launch.env
    assert plan.launch.needs_token


def test_reasoning_models_get_their_parser() -> None:
    """A model with a reasoning parser has it set, without any wish of the workload."""
    assert values(first_plan("vllm", "h100", spec="openai/gpt-oss-20b"))["--reasoning-parser"] == "openai_gptoss"


def test_speculation_only_where_decode_is_memory_bound_and_answers_repeat() -> None:
    """Two people editing code get n-gram drafts; chat, many people and hybrids do not."""
    hardware, spec = MACHINES["rtx-4090"], QWEN
    candidate = vllm.propose(hardware, LOADS["code"], spec)[0]
    few = judged_size(candidate, 2, hardware, LOADS["code"], spec)
    assert few.peak_speed is not None and few.peak_speed.bound == "bandwidth"
    assert speculates(few, LOADS["code"], spec)
    assert not speculates(few, CHAT, spec)
    assert not speculates(replace(few, peak_in_flight=50), LOADS["code"], spec)
    assert not speculates(few, LOADS["code"], replace(spec, layers_linear=10))
    value = values(plan_of(candidate, hardware, LOADS["code"], spec, peak=2))["--speculative-config"]
    assert json.loads(value or "")["method"] == "ngram"


def test_the_cpu_gets_its_cache_in_bytes() -> None:
    """On a CPU the KV cache is given in bytes, and the image is that of the processor."""
    plan = first_plan("vllm", "laptop-cpu", "one")
    assert int(values(plan)["--kv-cache-memory-bytes"] or 0) % GIB == 0
    assert "--gpu-memory-utilization" not in values(plan)
    assert plan.launch.image == "vllm/vllm-openai-cpu:v0.33.0-x86_64"
    arm = machine(architecture="aarch64")
    found = vllm.propose(arm, LOADS["one"], QWEN)[0]
    assert plan_of(found, arm, LOADS["one"], QWEN).launch.image == "vllm/vllm-openai-cpu:v0.33.0-arm64"


def test_images_by_maker() -> None:
    """NVIDIA and AMD have images of their own, pinned with a leading v."""
    assert first_plan("vllm", "rtx-4090").launch.image == "vllm/vllm-openai:v0.33.0"
    assert first_plan("vllm", "mi300x").launch.image == "vllm/vllm-openai-rocm:v0.33.0"


def test_chosen_cards_are_named_outside_and_renumbered_inside() -> None:
    """run.sh hides the other cards; in the container, where only the chosen ones exist, nothing is hidden."""
    index = next(i for i, c in enumerate(vllm.propose(MACHINES["mixed"], CHAT, QWEN)) if c.gpu_indices == (1,))
    plan = first_plan("vllm", "mixed", index=index)
    assert plan.launch.env["CUDA_VISIBLE_DEVICES"] == "1"
    assert plan.launch.env["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    inside = vllm.container(plan)
    assert "CUDA_VISIBLE_DEVICES" not in inside.env and inside.device_ids == ("1",)


def test_a_local_folder_is_mounted_where_it_is() -> None:
    """A local model has the same path inside; of a Hub cache snapshot the repository's folder is mounted."""
    spec = replace(QWEN, path="/srv/models/qwen", origin="folder")
    plan = plan_of(vllm.propose(MACHINES["rtx-4090"], CHAT, spec)[0], MACHINES["rtx-4090"], CHAT, spec)
    assert plan.launch.argv[0] == "/srv/models/qwen" and plan.launch.env["HF_HUB_OFFLINE"] == "1"
    assert [m.source for m in vllm.container(plan).mounts if not m.named] == ["/srv/models/qwen"]
    cached = "/home/me/.cache/huggingface/hub/models--Qwen--Q/snapshots/abc"
    spec = replace(QWEN, path=cached, origin="folder")
    plan = plan_of(vllm.propose(MACHINES["rtx-4090"], CHAT, spec)[0], MACHINES["rtx-4090"], CHAT, spec)
    assert [m.source for m in vllm.container(plan).mounts if not m.named] == [cached.split("/snapshots")[0]]


def test_a_gguf_is_one_candidate_for_the_rule() -> None:
    """A GGUF file is proposed once a group, so that the refusal has a candidate to stand on."""
    spec = replace(QWEN, path="/srv/a.gguf", origin="gguf", native_format="q4_K_M")
    found = vllm.propose(MACHINES["rtx-4090"], LOADS["one"], spec)
    assert {c.weights_format for c in found} == {"q4_K_M"} and {c.model_ref for c in found} == {"/srv/a.gguf"}
