"""Laws of plans over several machines, for any model, card and number of machines."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from advisor.catalog import weights_format
from advisor.catalog.entries import GpuSpec
from advisor.engines.vllm.memory import memory
from advisor.engines.vllm.speed import speed
from advisor.physics.memory.cards import cards_of_replica
from advisor.physics.memory.shards import stage_bytes
from advisor.probe.network import assumed_nodes, parse_link
from advisor.propose.over_nodes import over_nodes
from advisor.schema import Candidate, Hardware, Load, ModelSpec
from tests.physics.test_speed_laws import HOST, cards, flights, machine, specs, tokens

LINKS = ("1GbE", "10GbE", "25GbE", "100GbE", "400G IB")
numbers = st.integers(2, 6)


def candidate(count: int, model: ModelSpec, nodes: int = 1, stages: int = 1, replicas: int = 1) -> Candidate:
    """Tensor parallel over all cards of a machine, as far as the heads allow."""
    tensor = count if model.heads and model.heads % count == 0 else 1
    return Candidate(
        engine="vllm", model_ref=model.hf_id, weights_format="bf16", kv_cache_dtype="auto", device="gpu",
        gpu_indices=tuple(range(count)), context_tokens=16384, max_in_flight=256, max_batched_tokens=2048,
        tensor_parallel=tensor, pipeline_parallel=count // tensor * stages, nodes=nodes, replicas=replicas,
        memory_utilization=0.92,
    )  # fmt: skip


def group(hardware: Hardware, nodes: int, link: str = "25GbE") -> Hardware:
    """So many of that machine."""
    return replace(assumed_nodes(hardware, nodes), node_link=parse_link(link))


@settings(deadline=None, max_examples=60)
@given(cards, specs, numbers, st.sampled_from((1, 2, 8)))
def test_more_machines_never_hold_less(card: GpuSpec, model: ModelSpec, nodes: int, count: int) -> None:
    """A stage more leaves a rank no more weights than before; what fits n machines fits n + 1."""
    assume(model.layers >= (nodes + 1) * count)
    hardware = group(machine(card, count), nodes + 1)
    fewer = memory(candidate(count, model, nodes, nodes), hardware, model)
    more = memory(candidate(count, model, nodes + 1, nodes + 1), hardware, model)
    assert more.weights_bytes <= fewer.weights_bytes
    assert more.fits or not fewer.fits


@settings(deadline=None, max_examples=60)
@given(specs, numbers, st.sampled_from((1, 2, 8)))
def test_the_stages_hold_the_whole_model(model: ModelSpec, nodes: int, count: int) -> None:
    """The ranks of all machines together hold at least every weight."""
    assume(model.layers >= nodes * count)
    fmt = weights_format("bf16")
    tensor = count if model.heads and model.heads % count == 0 else 1
    stages = count // tensor * nodes
    whole = sum(stage_bytes(model, fmt, 1, 1)) / 2
    assert max(stage_bytes(model, fmt, tensor, stages)) * tensor * stages >= 0.999 * whole


@settings(deadline=None, max_examples=60)
@given(cards, specs, numbers, tokens, tokens, flights)
def test_a_replica_on_each_machine_is_so_many_times_one(
    card: GpuSpec, model: ModelSpec, nodes: int, prompt: int, output: int, in_flight: int
) -> None:
    """Independent engines share nothing: memory and speed of each are those of one machine under its part of the load."""
    hardware = machine(card, 2)
    one, many = candidate(2, model), candidate(2, model, nodes=nodes, replicas=nodes)
    alone = memory(one, hardware, model)
    assert memory(many, group(hardware, nodes), model) == alone
    assume(alone.fits)
    load = Load(in_flight=in_flight, input_tokens=prompt, output_tokens=output)
    assert speed(many, alone, group(hardware, nodes), model, load) == speed(one, alone, hardware, model, load)
    assert many.cards_in_all == nodes * one.cards_in_all


@settings(deadline=None, max_examples=60)
@given(cards, specs, tokens, tokens, flights, st.integers(1, len(LINKS) - 1))
def test_a_faster_network_never_hurts(
    card: GpuSpec, model: ModelSpec, prompt: int, output: int, in_flight: int, number: int
) -> None:
    """First token and pace get no worse with a faster network, and never better than on one imaginary machine."""
    assume(model.layers >= 4)
    hardware = machine(card, 2)
    way = candidate(2, model, nodes=2, stages=2)
    size = memory(way, group(hardware, 2), model)
    assume(size.fits)
    load = Load(in_flight=in_flight, input_tokens=prompt, output_tokens=output)
    slow, fast, none = (
        speed(way, size, replace(group(hardware, 2), node_link=link), model, load)
        for link in (parse_link(LINKS[number - 1]), parse_link(LINKS[number]), None)
    )
    assert slow is not None and fast is not None and none is not None
    assert slow.output_tokens_per_s.expected <= fast.output_tokens_per_s.expected * 1.002
    assert fast.output_tokens_per_s.expected <= none.output_tokens_per_s.expected * 1.002
    assert slow.ttft_s.expected >= fast.ttft_s.expected * 0.998 >= none.ttft_s.expected * 0.996


@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 4))
def test_machines_replicas_and_ports_agree(per_node: int, nodes: int, size: int) -> None:
    """However the machines are shared out, every card is used once and every replica is behind one port."""
    model = next(iter(MODELS_WITH_HEADS))
    spread = candidate(8, model, nodes=nodes, replicas=per_node * nodes)
    assert spread.servers * spread.replicas_of_server == spread.replicas
    assert spread.nodes_of_replica == 1
    wide = candidate(8, model, nodes=nodes * size, replicas=nodes)
    assert wide.nodes_of_replica == size
    assert wide.servers == nodes
    whole = len(cards_of_replica(wide, Hardware(source="simulated", os="linux", cpu=HOST)))
    assert whole == 0  # a machine without cards has none to share out


def _with_heads() -> list[ModelSpec]:
    from advisor.catalog import models

    return [model for model in models() if model.heads % 8 == 0 and model.layers]


MODELS_WITH_HEADS = _with_heads()


@settings(deadline=None, max_examples=40)
@given(cards, specs, numbers)
def test_no_way_uses_more_than_there_is(card: GpuSpec, model: ModelSpec, nodes: int) -> None:
    """Every way over machines uses at most all of them, all its replicas on whole machines, and at least two."""
    hardware = group(machine(card, 2), nodes)
    for way in over_nodes([candidate(2, model)], hardware, model):
        assert 2 <= way.nodes <= nodes
        assert way.nodes % way.replicas == 0 or way.replicas % way.nodes == 0
        assert way.tensor_parallel * way.pipeline_parallel * way.replicas == way.cards_in_all
