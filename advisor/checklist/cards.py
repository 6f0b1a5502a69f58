"""The cards of the plan: there, new enough, and free."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.catalog import engine_limits, weights_format
from advisor.engines.devices import cards_of
from advisor.engines.host_memory import asked_bytes
from advisor.quoting import shell
from advisor.schema import Accelerator, Check, Plan
from advisor.shell import at_least, no_less
from advisor.units import MIB, gib


def card_checks(plan: Plan) -> Iterator[Check]:
    """Nothing on a CPU and on Apple silicon, whose memory is the host's."""
    if plan.launch.variant == "cuda":
        yield _driver(plan)
        yield _capability(plan)
        for card in cards_of(plan.estimate.candidate, plan.hardware):
            yield _present(card)
            if not card.unified_memory and not card.mig_profile:  # nvidia-smi does not say for those
                yield _free(card, plan)
    elif plan.launch.variant == "rocm":
        yield _nodes("AMD", "ls -l /dev/kfd /dev/dri/renderD*", "load the amdgpu driver of ROCm 7")
    elif plan.launch.variant in ("vulkan", "xpu"):
        yield _nodes("Intel", "ls -l /dev/dri/renderD*", "load the i915 or xe driver")


def _nodes(maker: str, command: str, remedy: str) -> Check:
    return Check(
        id="gpu-nodes",
        fact=f"{maker} GPUs are reached through device nodes",
        command=command,
        expect="the nodes, with the groups that may use them",
        otherwise=f"{remedy}, and put this user into the groups video and render",
        why="without them the engine falls back to the processor, and says so only in its log",
    )


def _present(card: Accelerator) -> Check:
    name = f"MIG {card.mig_profile}" if card.mig_profile else card.name
    query = f"nvidia-smi -i {card.index} --query-gpu=name --format=csv,noheader"
    return Check(
        id=f"gpu-{card.index}",
        fact=f"GPU {card.index} is a {card.name}",
        command=f"{'nvidia-smi -L' if card.mig_profile else query} | grep -F {shell(name)}",
        expect=name,
        otherwise="the cards were exchanged or renumbered: run `advisor recommend` again here",
        why="memory, speed and settings are those of this card",
    )


def _free(card: Accelerator, plan: Plan) -> Check:
    asked = -(-asked_bytes(plan) // MIB)
    query = f"nvidia-smi -i {card.index} --query-gpu=memory.free --format=csv,noheader,nounits"
    return Check(
        id=f"gpu-{card.index}-free",
        fact=f"{gib(asked_bytes(plan))} of GPU {card.index} will be asked for",
        command=no_less(query, asked),
        expect=f"at least {asked} (MiB free now)",
        otherwise="end what holds the memory (`nvidia-smi` lists it), or plan again with it running",
        why="what another program holds is missing for weights or KV cache: the start fails, or layers move to the CPU",
        when="stopped",
    )


def _driver(plan: Plan) -> Check:
    limits = engine_limits(plan.engine)
    least = limits.min_nvidia_driver or "0"
    query = "nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -n 1"
    return Check(
        id="driver",
        fact=f"{limits.title} {limits.version} needs NVIDIA driver {least} or newer",
        command=at_least(query, least),
        expect=f"{least} or higher",
        otherwise="update the driver, then restart the machine",
        why="the pinned build brings its own CUDA, which an older driver cannot run",
    )


def _capability(plan: Plan) -> Check:
    limits = engine_limits(plan.engine)
    fmt = weights_format(plan.estimate.candidate.weights_format)
    least = max(
        limits.min_cuda_capability or "0",
        fmt.min_capability.get(plan.engine, "0"),
        key=lambda text: [int(part) for part in text.split(".")],
    )
    numbers = ",".join(str(index) for index in plan.estimate.candidate.gpu_indices)
    query = f"nvidia-smi -i {numbers} --query-gpu=compute_cap --format=csv,noheader | sort -V | head -n 1"
    if any(card.mig_profile for card in cards_of(plan.estimate.candidate, plan.hardware)):
        query = "nvidia-smi --query-gpu=compute_cap --format=csv,noheader | sort -V | head -n 1"
    return Check(
        id="capability",
        fact=f"{limits.title} {limits.version} with {fmt.title} weights needs compute capability {least} or higher",
        command=at_least(query, least),
        expect=f"{least} or higher",
        otherwise="this card cannot run it: plan again",
        why="the build holds no code for older cards, and the format needs instructions that they lack",
    )
