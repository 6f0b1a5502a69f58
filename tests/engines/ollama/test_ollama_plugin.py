"""Ollama: which GGUF, which cards, how many slots, which variables, and how it is started."""

from __future__ import annotations

from dataclasses import replace

import pytest

from advisor.deploy import parts_of
from advisor.engines import ollama
from advisor.engines.ollama.checks import manifest_url
from advisor.engines.ollama.propose import flash_attention
from advisor.engines.ollama.sizing import as_installed, batch_for, resize
from advisor.engines.ollama.weights import choices
from advisor.schema import Plan
from tests.engines.engine_cases import CHAT, LOADS, MACHINES, MODELS, card, first_plan, machine, model, plan_of, rtx4090

QWEN = model(MODELS[0])
LLAMA70 = model(MODELS[2])


def values(plan: Plan) -> dict[str, str | None]:
    """Setting name → value."""
    return {setting.name: setting.value for setting in plan.settings}


def test_the_default_tag_comes_first() -> None:
    """Without a wish the library's own quantisation is looked at, by its verified tag, and the precise one beside it."""
    assert choices(QWEN, CHAT) == (("q4_K_M", "qwen2.5:7b"), ("q8_0", "qwen2.5:7b-instruct-q8_0"))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("q8_0", "q8_0"), ("fp8", "q8_0"), ("fp16", "f16"), ("bf16", "f16"), ("int4", "q4_K_M")],
)
def test_a_wish_is_answered_by_the_nearest_gguf(asked: str, expected: str) -> None:
    """FP8 is answered by Q8_0, 16 bit by F16, four bit by Q4_K_M; the tag spells the quantisation."""
    found = choices(QWEN, replace(CHAT, quantization=asked))
    assert [choice.format for choice in found] == [expected]
    assert found[0].ref.startswith("qwen2.5:7b")


def test_what_has_no_gguf_has_no_candidate() -> None:
    """AWQ by name, a model without a tag, and a tag of the vendor's cloud give nothing."""
    assert choices(QWEN, replace(CHAT, quantization="awq")) == ()
    assert choices(replace(QWEN, ollama_tag=None), CHAT) == ()
    cloud = replace(QWEN, ollama_tag="qwen2.5:7b-cloud", ollama_quantization="q4_K_M")
    assert choices(cloud, CHAT) == ()


def test_a_local_file_is_taken_by_its_path() -> None:
    """A .gguf file goes into FROM by its absolute path, is mounted for the service that creates the model, not pulled."""
    spec = replace(QWEN, path="/srv/my models/a.gguf", origin="gguf", native_format="q4_K_M")
    plan = plan_of(ollama.propose(MACHINES["rtx-4090"], CHAT, spec)[0], MACHINES["rtx-4090"], CHAT, spec)
    assert plan.launch.modelfile is not None and plan.launch.modelfile.startswith("FROM /srv/my models/a.gguf\n")
    assert plan.launch.served_name == "a"
    assert [mount.source for mount in ollama.container(plan).prepare_mounts] == ["/srv/my models/a.gguf"]


def test_one_card_then_all() -> None:
    """On several cards the fewest that hold the model and all of them are proposed, and spread is set for several."""
    found = ollama.propose(rtx4090(8), CHAT, QWEN)
    assert {len(c.gpu_indices) for c in found} == {1, 8}
    index = next(i for i, c in enumerate(found) if len(c.gpu_indices) == 8)
    assert values(first_plan("ollama", "rtx-4090-x8", index=index))["OLLAMA_SCHED_SPREAD"] == "1"
    assert "OLLAMA_SCHED_SPREAD" not in values(first_plan("ollama", "rtx-4090"))


def test_seventy_billion_is_split_over_two_cards() -> None:
    """70B at 4 bit needs both RTX 4090; on one of them layers stay on the CPU."""
    assert {len(c.gpu_indices) for c in ollama.propose(rtx4090(2), CHAT, LLAMA70)} == {2}
    alone = ollama.propose(rtx4090(1), CHAT, LLAMA70)
    assert [c.cpu_layers > 0 for c in alone] == [True]


def test_the_cpu_is_for_machines_without_a_card() -> None:
    """The CPU alone is proposed where no card can be used, or where offload is allowed."""
    assert {c.device for c in ollama.propose(MACHINES["laptop-cpu"], CHAT, QWEN)} == {"cpu"}
    devices = {c.device for c in ollama.propose(MACHINES["rtx-4090"], replace(CHAT, allow_offload=True), QWEN)}
    assert devices == {"gpu", "cpu"}
    assert {c.device for c in ollama.propose(MACHINES["rtx-4090"], CHAT, QWEN)} == {"gpu"}


def test_quantised_kv_is_a_fallback() -> None:
    """q8_0 KV is proposed where 16 bit cannot hold everybody's slot, and never where flash attention is missing."""
    many = replace(CHAT, users=100)
    assert {c.kv_cache_dtype for c in ollama.propose(MACHINES["rtx-4090"], many, QWEN)} == {"f16", "q8_0"}
    assert {c.kv_cache_dtype for c in ollama.propose(MACHINES["rtx-4090"], LOADS["one"], QWEN)} == {"f16"}
    old = machine(card(0, "NVIDIA GeForce GTX 980", 4, "5.2"))
    assert not flash_attention(old.accelerators[0])
    assert {c.kv_cache_dtype for c in ollama.propose(old, CHAT, QWEN)} == {"f16"}


def test_slots_are_what_memory_holds() -> None:
    """One slot a request in flight, fewer where the cards are full, and the next one would not fit."""
    hardware = MACHINES["gtx-1080"]
    candidate = ollama.propose(hardware, CHAT, QWEN)[0]
    sized = resize(candidate, 50, hardware, QWEN)
    assert 1 <= sized.max_in_flight < 50
    more = replace(sized, max_in_flight=sized.max_in_flight + 1)
    assert ollama.memory(sized, hardware, QWEN).fits and not ollama.memory(more, hardware, QWEN).fits


def test_single_slot_families_stay_at_one() -> None:
    """Families that Ollama serves one at a time get one slot however many are in flight, and the reason says so."""
    spec = replace(QWEN, model_type="qwen3next", family="Qwen3-Next")
    candidate = ollama.propose(MACHINES["h100"], CHAT, spec)[0]
    assert resize(candidate, 20, MACHINES["h100"], spec).max_in_flight == 1
    plan = plan_of(candidate, MACHINES["h100"], CHAT, spec)
    because = next(s.because for s in plan.settings if s.name == "OLLAMA_NUM_PARALLEL")
    assert "one request at a time" in because


@pytest.mark.parametrize(
    ("context", "slots", "batch"), [(4096, 1, 512), (4096, 2, 1024), (8192, 4, 1024), (8192, 5, 2048)]
)
def test_batch_by_tokens_of_all_slots(context: int, slots: int, batch: int) -> None:
    """512, 1024 above 4096 and 2048 above 32768 tokens over all slots."""
    assert batch_for(context, slots) == batch


@pytest.mark.parametrize(
    ("name", "context"),
    [("gtx-1080", 4096), ("rtx-4090", 32768), ("h100", 32768), ("laptop-cpu", 4096)],
)
def test_as_installed_context_by_memory(name: str, context: int) -> None:
    """One slot and the context of the memory tier, capped by the trained length (32768 for this model)."""
    hardware = MACHINES[name]
    plain = as_installed(ollama.propose(hardware, CHAT, QWEN)[0], hardware, QWEN)
    assert (plain.max_in_flight, plain.context_tokens, plain.kv_cache_dtype) == (1, context, "f16")


def test_variables_follow_the_load() -> None:
    """Slots, context and cache as sized, loaded for good for several people and for half an hour for one."""
    known = values(first_plan("ollama", "rtx-4090"))
    assert known["OLLAMA_NUM_PARALLEL"] == "12" and known["OLLAMA_CONTEXT_LENGTH"] == "8192"
    assert known["PARAMETER num_ctx"] == "8192" and known["PARAMETER num_batch"] == "2048"
    assert known["OLLAMA_KEEP_ALIVE"] == "-1" and known["OLLAMA_NO_CLOUD"] == "1"
    assert known["OLLAMA_FLASH_ATTENTION"] == "1" and known["OLLAMA_KV_CACHE_TYPE"] == "f16"
    assert values(first_plan("ollama", "rtx-4090", "one", peak=1))["OLLAMA_KEEP_ALIVE"] == "30m"


def test_ollama_stays_on_loopback() -> None:
    """Also when exposure is asked for: it has no key, so a gateway stands in front."""
    plan = first_plan("ollama", "rtx-4090", "production")
    assert plan.launch.bind == "127.0.0.1" and plan.launch.env["OLLAMA_HOST"] == "127.0.0.1:11434"
    assert ollama.container(plan).env["OLLAMA_HOST"] == "0.0.0.0:11434"
    assert "gateway" in parts_of(plan)


def test_images_and_devices_by_maker() -> None:
    """No leading v; AMD has a tag of its own and device nodes, Intel goes through Vulkan, a Mac gets no container."""
    assert first_plan("ollama", "rtx-4090").launch.image == "ollama/ollama:0.34.2"
    amd = first_plan("ollama", "mi300x")
    assert amd.launch.image == "ollama/ollama:0.34.2-rocm"
    assert ollama.container(amd).devices == ("/dev/kfd", "/dev/dri")
    assert first_plan("ollama", "arc", "one", peak=1).launch.variant == "vulkan"
    assert first_plan("ollama", "apple-m3-max").launch.variant == "metal"


@pytest.mark.parametrize(
    ("maker", "capability", "variable"),
    [("amd", "gfx1100", "ROCR_VISIBLE_DEVICES"), ("intel", None, "GGML_VK_VISIBLE_DEVICES")],
)
def test_device_nodes_are_those_of_every_card(maker: str, capability: str | None, variable: str) -> None:
    """One of two cards that a container gets by device nodes: the other one is hidden inside too."""
    pair = machine(*(card(i, "Card", 24, capability, vendor=maker) for i in (0, 1)))
    plan = plan_of(ollama.propose(pair, LOADS["one"], QWEN)[0], pair, LOADS["one"], QWEN, 1)
    assert plan.launch.env[variable] == "0"
    assert ollama.container(plan).env[variable] == "0"


def test_cdi_where_there_is_no_toolkit() -> None:
    """Podman, and Docker with CDI devices only, get the cards by their CDI names."""
    hardware = MACHINES["rtx-4090"]
    podman = replace(hardware, containers=replace(hardware.containers, engine="podman"))
    plan = plan_of(ollama.propose(podman, CHAT, QWEN)[0], podman, CHAT, QWEN)
    assert ollama.container(plan).devices == ("nvidia.com/gpu=0",)


@pytest.mark.parametrize(
    ("tag", "end"),
    [
        ("qwen2.5:7b", "library/qwen2.5/manifests/7b"),
        ("mistral", "library/mistral/manifests/latest"),
        ("someone/model:q8_0", "someone/model/manifests/q8_0"),
    ],
)
def test_where_the_library_answers(tag: str, end: str) -> None:
    """The checklist asks the registry for exactly the tag that is planned."""
    assert manifest_url(tag) == f"https://registry.ollama.ai/v2/{end}"
