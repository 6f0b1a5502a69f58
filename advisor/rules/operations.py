"""OPS: platform, driver, formats, and what the first start needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.catalog import constants
from advisor.catalog.gpu_driver import vgpu_gb
from advisor.catalog.licences import limits
from advisor.catalog.vendors import no_back_end, vendor_of
from advisor.catalog.versions import facts
from advisor.models.access import is_gated
from advisor.models.fp8_blocks import uncut_width
from advisor.models.library import HUB
from advisor.physics.memory.weights import weight_bytes
from advisor.rules.base import Case
from advisor.schema import Accelerator
from advisor.units import gb, version_tuple


def ops401(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when the engine has no build for this system, processor or kind of accelerator."""
    limits, platform = case.limits, f"{case.hardware.os}/{case.hardware.cpu.architecture}"
    if platform not in limits.platforms:
        return f"this machine is {platform}; {limits.title} {limits.version} runs on {', '.join(limits.platforms)}"
    if case.estimate.candidate.device == "cpu":
        return None if limits.cpu else f"{limits.title} {limits.version} has no CPU build, 1 is needed here"
    return _no_back_end(case)


def _no_back_end(case: Case) -> str | None:
    """The card, or every card of its maker, has none; how old or for which target it is, other rules say better."""
    limits = case.limits
    for card in case.cards:
        vendor, remark = vendor_of(card), no_back_end(card, limits.name)
        if remark is not None and not (vendor.cuda_capability or vendor.build_targets):
            return f"{limits.title} {limits.version} has no back end for {card.name} ({remark})"
        if card.vendor not in limits.accelerators:
            return f"{card.name} is made by {card.vendor}; {limits.title} serves {', '.join(limits.accelerators)}"
    return None


def ops402(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when a CUDA card is below the engine's lowest compute capability."""
    return _below(case, case.limits.min_cuda_capability, _version(case))


def _version(case: Case) -> str:
    """The engine's version whose limits these are: of one that is older than all that were read, the oldest."""
    limits = case.limits
    found = facts(limits.name, limits.version)
    if found.place != "older":
        return f"{limits.title} {limits.version}"
    return f"{limits.title} {found.known[0]}, the oldest version that is known here ({limits.version} may differ)"


def ops403(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when a CUDA card is below the format's lowest compute capability for this engine."""
    lowest = case.weights_format.min_capability.get(case.limits.name)
    if ops402(case, threshold) is not None:
        return None  # the engine itself is refused already
    return _below(case, lowest, f"{case.weights_format.title} in {case.limits.title}")


def _below(case: Case, lowest: str | None, who: str) -> str | None:
    if lowest is None:
        return None
    for card in case.cuda_cards:
        if card.compute_capability and version_tuple(card.compute_capability) < version_tuple(lowest):
            return f"{card.name} has compute capability {card.compute_capability} < {lowest}, the lowest for {who}"
    return None


def ops404(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when the NVIDIA driver is older than the pinned build needs for these cards."""
    driver = case.hardware.nvidia_driver
    if driver is None:
        return None
    for card in case.cuda_cards:
        lowest = _lowest_driver(case, card)
        if lowest is not None and version_tuple(driver) < version_tuple(lowest):
            return f"driver {driver} is installed, {_version(case)} needs {lowest} or newer for {card.name}"
    return None


def _lowest_driver(case: Case, card: Accelerator) -> str | None:
    """Old cards need a newer driver than the rest: the build covers them through a later CUDA branch."""
    if card.compute_capability:
        for newest, driver in case.limits.older_capability_drivers.items():
            if version_tuple(card.compute_capability) <= version_tuple(newest):
                return driver
    return case.limits.min_nvidia_driver


def ops405(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when the attention heads do not divide by the tensor parallel size."""
    parallel = case.estimate.candidate.tensor_parallel
    if case.model.heads == 0 or case.model.heads % parallel == 0:
        return None
    return f"{case.model.heads} attention heads do not divide by tensor parallel size {parallel}"


def ops406(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when the engine cannot load this kind of weights."""
    if case.weights_format.kind in case.limits.weight_kinds:
        return None
    return (
        f"the weights are {case.weights_format.kind} ({case.weights_format.title}); {case.limits.title} "
        f"{case.limits.version} loads {', '.join(case.limits.weight_kinds)}"
    )


def ops408(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when an AMD target is not in the engine's build and no other backend serves it."""
    for card in case.cards:
        if not vendor_of(card).build_targets or card.compute_capability in case.limits.gfx_targets:
            continue
        if "other_targets" in case.limits.features and case.hardware.cpu.architecture == "x86_64":
            continue
        return (
            f"{card.name} is {card.compute_capability or 'of unknown target'}; {case.limits.title} "
            f"{case.limits.version} is built for {', '.join(case.limits.gfx_targets)}"
        )
    return None


def ops409(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes a gated repository where the engine downloads from it."""
    ref = case.estimate.candidate.model_ref
    if "hub" not in case.limits.features or not is_gated(case.model, ref):
        return None
    return f"{ref} is gated: 1 accepted licence and 1 token (HF_TOKEN) are needed, 0 are planned here"


def ops410(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes a library tag that follows from the naming only."""
    wanted = case.weights_format.name
    known = case.model.ollama_quantization
    if "library_tags" not in case.limits.features or case.model.path or known is None:
        return None
    if wanted.lower() == known.lower():
        return None
    return (
        f"{case.estimate.candidate.model_ref} is derived from the library's naming ({known} was read, {wanted} is "
        f"asked): `{case.limits.name} pull` tells"
    )


def ops411(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when the weights do not fit the disk where models will lie."""
    free = case.hardware.disk_free_bytes
    if free is None or case.model.path:
        return None
    need = weight_bytes(case.model, case.weights_format).total_bytes * threshold["spare"]
    if need <= free:
        return None
    return f"the weights need {gb(need)} on {case.hardware.disk_path}, {gb(free)} are free"


def ops412(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes a container engine without the toolkit that hands over the cards."""
    containers = case.hardware.containers
    toolkit = next((vendor_of(card).toolkit for card in case.cards if vendor_of(card).toolkit), None)
    if toolkit is None or case.hardware.source == "simulated" or containers.engine is None:
        return None
    if containers.nvidia_toolkit_version is not None or containers.cdi_devices:
        return None
    return f"{containers.engine} is here, the {toolkit.title} is not (0 of 1): plan with --run native, or install it"


def ops413(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes a model whose dimensions are not certain."""
    if case.model.confidence != "low":
        return None
    return f"the dimensions of {case.model.hf_id} are of low confidence (not confirmed by its parameter count)"


def ops414(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes that an engine made for GPUs would run on the CPU."""
    if case.estimate.candidate.device != "cpu" or "gpu_first" not in case.limits.features:
        return None
    fast = {"avx512_bf16", "amx_bf16"} & set(case.hardware.cpu.instruction_sets)
    return (
        f"{case.limits.title} runs here from its CPU build on {case.hardware.cpu.cores:g} cores, "
        f"with {len(fast)} of 2 bf16 instruction sets (AVX-512 BF16, AMX)"
    )


def ops415(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes a repository of another owner than the model's."""
    ref = case.estimate.candidate.model_ref
    from_hub = "hub" in case.limits.features or ref.startswith(HUB)
    if not from_hub or case.model.path or "/" not in ref:
        return None
    owner, publisher = ref.removeprefix(HUB).split("/")[0], case.model.hf_id.split("/")[0]
    if owner.lower() == publisher.lower():
        return None
    return f"{ref} is published by {owner}, the model by {publisher}"


def ops416(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when the pinned version does not load the model's architecture."""
    limits, architecture = case.limits, case.model.architecture
    last = constants("architectures")["not_loaded"].get(limits.name, {}).get(architecture)
    if last is None:
        return None
    older = f"the last version that does is {last}" if last else "no version is known that does"
    return f"{limits.title} {limits.version} does not load {architecture} ({case.model.hf_id}); {older}"


def ops430(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when an adapter is to be served and the engine loads none."""
    if not case.model.adapters or "adapters" in case.limits.features:
        return None
    return (
        f"{len(case.model.adapters)} adapter on {case.model.hf_id}: {case.limits.title} {case.limits.version} loads 0 "
        f"(merged into its base and written as GGUF it would be a model like any other)"
    )


def ops417(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes cards that are shares in a virtual machine."""
    shared = [card for card in case.cards if vgpu_gb(card.name)]
    if not shared:
        return None
    return (
        f"{shared[0].name} is a vGPU, {vgpu_gb(shared[0].name)} GB of 1 card: its speed is uncertain and counted in "
        f"proportion to that. The host's scheduler (best effort, equal or fixed share) and other guests decide what it "
        f"gets, and without a licence for compute it is slowed down"
    )


def ops418(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when a dense layer of FP8 blocks would be cut inside a block."""
    candidate, block = case.estimate.candidate, threshold["block"]
    width, ranks = uncut_width(candidate, case.model), candidate.tensor_parallel
    if width is None:
        return None
    return (
        f"{width} of width over {ranks} cards are {width / ranks / block:g} blocks of {block} FP8 weights each, and "
        f"{case.limits.title} {case.limits.version} cuts no block"
    )


def ops440(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes a licence that limits who may serve the model, and to whom."""
    told = limits(case.model)
    return f"licence of {case.model.hf_id}: {told}" if told else None
