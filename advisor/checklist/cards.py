"""The cards of the plan: there, new enough, and free."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.catalog import weights_format
from advisor.catalog.vendor_entries import NodesCheck, Tool, VendorSpec
from advisor.catalog.versions import limits_of
from advisor.engines.builds import maker
from advisor.engines.devices import cards_of
from advisor.engines.host_memory import asked_bytes
from advisor.engines.places import joined, place
from advisor.quoting import shell
from advisor.schema import Accelerator, Check, Plan
from advisor.shell import at_least, no_less
from advisor.units import MIB, gib


def card_checks(plan: Plan) -> Iterator[Check]:
    """What the vendor's tool tells, or the device nodes; nothing on a CPU and where the cards' memory is the host's."""
    vendor = maker(plan)
    if vendor and vendor.tool:
        yield _driver(plan, vendor, vendor.tool)
        yield _capability(plan, vendor.tool)
        for card in cards_of(plan.estimate.candidate, plan.hardware):
            yield _present(card, place(card, plan.hardware), vendor.tool)
            # The tool does not say for shared memory and slices; what a server in use holds is its own.
            if plan.launch.server == "own" and not card.unified_memory and not card.mig_profile:
                yield _free(card, plan, vendor.tool)
    elif vendor and vendor.nodes_check:
        yield _nodes(vendor.title, vendor.nodes_check)


def _nodes(title: str, nodes: NodesCheck) -> Check:
    return Check(
        id="gpu-nodes",
        fact=f"{title} GPUs are reached through device nodes",
        command=nodes.command,
        expect="the nodes, with the groups that may use them",
        otherwise=f"{nodes.remedy}, and put this user into the groups video and render",
        why="without them the engine falls back to the processor, and says so only in its log",
    )


def _present(card: Accelerator, where: str, tool: Tool) -> Check:
    name = f"MIG {card.mig_profile}" if card.mig_profile else card.name
    parent, _, child = where.partition(":")
    query = tool.slice_name.format(parent=parent, child=child) if child else tool.name.format(number=parent)
    return Check(
        id=f"gpu-{card.index}",
        fact=f"GPU {where} is a {card.name}",
        command=f"{query} | grep -F {shell(name)}",
        expect=name,
        otherwise="the cards were exchanged or renumbered: run `advisor recommend` again here",
        why="memory, speed and settings are those of this card",
    )


def _free(card: Accelerator, plan: Plan, tool: Tool) -> Check:
    asked = -(-asked_bytes(plan) // MIB)
    return Check(
        id=f"gpu-{card.index}-free",
        fact=f"{gib(asked_bytes(plan))} of GPU {place(card, plan.hardware)} will be asked for",
        command=no_less(tool.free_mib.format(number=place(card, plan.hardware)), asked),
        expect=f"at least {asked} (MiB free now)",
        otherwise=f"end what holds the memory (`{tool.program}` lists it), or plan again with it running",
        why="what another program holds is missing for weights or KV cache: the start fails, or layers move to the CPU",
        when="stopped",
    )


def _driver(plan: Plan, vendor: VendorSpec, tool: Tool) -> Check:
    limits = limits_of(plan.engine, plan.engine_version)
    least = limits.min_nvidia_driver or "0"
    return Check(
        id="driver",
        fact=f"{limits.title} {limits.version} needs {vendor.driver_title} {least} or newer",
        command=at_least(tool.driver, least),
        expect=f"{least} or higher",
        otherwise="update the driver, then restart the machine",
        why=vendor.driver_reason,
    )


def _capability(plan: Plan, tool: Tool) -> Check:
    limits = limits_of(plan.engine, plan.engine_version)
    fmt = weights_format(plan.estimate.candidate.weights_format)
    least = max(
        limits.min_cuda_capability or "0",
        fmt.min_capability.get(plan.engine, "0"),
        key=lambda text: [int(part) for part in text.split(".")],
    )
    cards = cards_of(plan.estimate.candidate, plan.hardware)
    sliced = any(card.mig_profile for card in cards)
    query = tool.lowest_capability if sliced else tool.capability.format(numbers=joined(cards, plan.hardware))
    return Check(
        id="capability",
        fact=f"{limits.title} {limits.version} with {fmt.title} weights needs compute capability {least} or higher",
        command=at_least(query, least),
        expect=f"{least} or higher",
        otherwise="this card cannot run it: plan again",
        why="the build holds no code for older cards, and the format needs instructions that they lack",
    )
