"""Several machines: planned only where one is not enough, and then as few as do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from advisor.errors import BadInput
from advisor.measured.correction import Measurements
from advisor.models.names import find_model
from advisor.pipeline import Answer, recommend
from advisor.probe.network import parse_link, with_nodes
from advisor.probe.simulate import simulate
from advisor.propose import levers
from advisor.propose.over_nodes import machines
from advisor.schema import Candidate, Question, Workload
from advisor.search.step import is_yes
from advisor.verdict import verdict_for
from advisor.workload import load_workload

LARGE: dict[str, Any] = {"model": "deepseek-ai/DeepSeek-V3", "quantization": "fp8", "users": 50}
MIDDLE: dict[str, Any] = {"model": "meta-llama/Llama-3.3-70B-Instruct"}


def asked(nodes: int | None, gpu: str = "8x H100", **options: Any) -> Answer:
    """What is recommended on so many machines."""
    return recommend(profile="production-api", overrides={"nodes": nodes, "parts": "none"} | options, gpu=gpu)


def planned(answer: Answer) -> Candidate:
    """The winner."""
    assert answer.verdict.winner is not None, answer.verdict.summary
    return answer.verdict.winner.estimate.candidate


def test_one_machine_that_does_is_all_that_is_planned() -> None:
    """With four machines at hand the plan, and everything told about it, is that of one, where one is enough."""
    one, four = asked(None, users=100, **MIDDLE), asked(4, users=100, **MIDDLE)
    assert four.verdict.meets_targets
    assert planned(four) == planned(one)
    assert four.verdict.winner == one.verdict.winner
    assert four.verdict.losers == one.verdict.losers
    assert "machines" not in four.verdict.summary


def test_a_model_too_large_for_one_machine_lies_in_stages_on_two() -> None:
    """What does not fit eight cards gets tensor parallelism inside each machine and a stage on each; no third machine."""
    answer = asked(4, **LARGE)
    candidate = planned(answer)
    assert answer.verdict.meets_targets
    assert (candidate.tensor_parallel, candidate.pipeline_parallel, candidate.nodes, candidate.replicas) == (8, 2, 2, 1)
    assert (candidate.nodes_of_replica, candidate.servers, candidate.cards_in_all) == (2, 1, 16)
    told = {finding.rule: finding.message for finding in answer.verdict.reasons}
    assert "1 machine is not enough" in told["SVC309"]
    assert "assumed" in told["SPD208"]
    assert "16 GPUs of 2 machines" in answer.verdict.summary
    assert answer.plan is not None and "nodes" in answer.plan.parts


def test_a_load_too_high_for_one_machine_gets_an_engine_on_each() -> None:
    """Replicas stand behind one port on each machine; no model is cut that fits one."""
    answer = asked(3, users=900, **MIDDLE)
    candidate = planned(answer)
    assert answer.verdict.meets_targets
    assert candidate.nodes == 2
    assert candidate.nodes_of_replica == 1
    assert candidate.servers == 2
    assert candidate.replicas_of_server * 2 == candidate.replicas
    assert answer.plan is not None
    flags = {setting.name: setting.value for setting in answer.plan.settings}
    assert "--nnodes" not in flags
    assert flags.get("--data-parallel-size", "1") == str(candidate.replicas_of_server)


def test_more_groups_carry_more_load() -> None:
    """A model on two machines each gets a second pair when the load asks for it."""
    one = asked(2, **LARGE)
    most = one.verdict.capacity_users
    assert most is not None
    answer = asked(4, **(LARGE | {"users": int(most * 1.5)}))
    candidate = planned(answer)
    assert answer.verdict.meets_targets
    assert (candidate.nodes, candidate.replicas, candidate.nodes_of_replica) == (4, 2, 2)


def test_ollama_never_lies_on_several_machines() -> None:
    """Ollama may run on each of several machines; one model over two it has not."""
    answer = asked(2, engine="ollama", **LARGE)
    everyone = [*answer.verdict.losers, *([answer.verdict.winner] if answer.verdict.winner else [])]
    assert all(judged.estimate.candidate.nodes_of_replica == 1 for judged in everyone)
    wide = {"engine": "ollama", "model": "qwen2.5:7b", "nodes": 8, "users": 300}
    spread = recommend(profile="chat", gpu="RTX 4090", overrides=wide)
    candidate = planned(spread)
    assert candidate.nodes > 1
    assert (candidate.servers, candidate.replicas_of_server) == (candidate.nodes, 1)


def test_the_prediction_pays_for_the_network() -> None:
    """The slower the network, the later the first token of an engine over two machines; a fast one costs little."""
    waits = {}
    for link in ("1GbE", "25GbE", "400G IB"):
        verdict = asked(2, node_link=link, **LARGE).verdict
        judged = next(j for j in (verdict.winner, *verdict.losers) if j and j.estimate.candidate.nodes_of_replica == 2)
        assert judged.estimate.speed is not None
        waits[link] = judged.estimate.speed.ttft_s.expected
        assert judged.estimate.speed.output_tokens_per_s.basis == "analytic"
    assert waits["1GbE"] > waits["25GbE"] + 0.1 > waits["400G IB"] + 0.1


def test_a_no_offers_more_machines_where_no_card_is_missing() -> None:
    """A full machine's nearest yes is a second one."""
    changes = [change.change for change in asked(None, **LARGE).verdict.nearest_yes]
    assert "--nodes 2" in changes
    few = [change.change for change in asked(None, gpu="RTX 4090", **LARGE).verdict.nearest_yes]
    assert not any(change.startswith("--nodes") for change in few)


def test_all_that_was_assumed_is_said() -> None:
    """A network that nobody named stands among the assumptions; one that was named does not."""
    assert any("25GbE between the 2 machines" in text for text in asked(2, **LARGE).hardware.assumed)
    assert not any("machines" in text for text in asked(2, node_link="100GbE", **LARGE).hardware.assumed)


@pytest.mark.parametrize(
    ("text", "gigabytes", "rdma"),
    [
        ("25GbE", 3.125, False),
        ("100 GbE", 12.5, False),
        ("10 Gbit/s", 1.25, False),
        ("1.6T Ethernet", 200, False),
        ("400G IB", 50, True),
        ("8x 400G IB", 400, True),
        ("200G RoCE", 25, True),
        ("InfiniBand NDR", 50, True),
        ("HDR", 25, True),
        ("12.5 GB/s", 12.5, False),
    ],
)
def test_a_network_is_read_as_people_write_it(text: str, gigabytes: float, rdma: bool) -> None:
    """Speed in one direction, and whether it is RDMA."""
    link = parse_link(text)
    assert link.bytes_per_s == pytest.approx(gigabytes * 1e9)
    assert link.rdma is rdma


@pytest.mark.parametrize("text", ["", "fast", "100", "GbE", "0GbE", "25GbE over string", "100 apples"])
def test_a_network_that_says_nothing_is_refused(text: str) -> None:
    """What holds no speed, or words that mean nothing, is bad input that shows what is accepted."""
    with pytest.raises(BadInput, match="25GbE"):
        parse_link(text)


@pytest.mark.parametrize(
    "options", [{"nodes": 0}, {"nodes": 65}, {"node_link": "100GbE"}, {"nodes": 1, "node_link": "1GbE"}]
)
def test_contradictions_are_refused(options: dict[str, Any]) -> None:
    """No machine, too many, or a network with nobody to talk to."""
    with pytest.raises(BadInput, match=r"^(nodes: |--node-link: )"):
        with_nodes(simulate("H100"), load_workload("chat", options))


def test_a_recorded_group_of_machines_stays_one() -> None:
    """Machines that the hardware file counts are used unless the workload says otherwise."""
    recorded = with_nodes(simulate("H100"), load_workload("chat", {"nodes": 3, "node_link": "100GbE"}))
    silent = load_workload("chat", {})
    assert with_nodes(recorded, silent) == recorded
    assert with_nodes(recorded, replace(silent, nodes=1)).nodes == 1


def test_every_few_machines_are_tried() -> None:
    """Up to eight machines every number is judged, beyond it doubled numbers and all."""
    assert machines(1) == ()
    assert machines(4) == (2, 3, 4)
    assert machines(20) == (2, 3, 4, 5, 6, 7, 8, 16, 20)


def test_two_small_machines_hold_what_one_does_not() -> None:
    """Without a card too: stages on two machines of little memory, in vLLM's CPU build."""
    workload: Workload = load_workload(
        "desktop", {"model": "Qwen/Qwen2.5-7B-Instruct", "engine": "vllm", "ttft_ms": 1e6, "tpot_ms": 1e6}
    )
    machine = with_nodes(simulate("cpu"), replace(workload, nodes=2))
    cpu = replace(machine.cpu, memory_bytes=14 << 30, available_bytes=None, instruction_sets=("avx512", "avx512_bf16"))
    verdict = verdict_for(
        Question(
            model=find_model("Qwen/Qwen2.5-7B-Instruct", offline=True),
            workload=replace(workload, quantization="bf16"),
            hardware=replace(machine, cpu=cpu),
            measurements=Measurements(),
        )
    )
    assert verdict.winner is not None, verdict.summary
    assert verdict.winner.estimate.candidate.pipeline_parallel == 2


def test_every_way_on_one_machine_is_tried_on_all_of_them_before_a_no() -> None:
    """Of the further ways none is crowded out by the first ones on every number of machines."""
    question = Question(
        model=find_model(MIDDLE["model"], offline=True),
        workload=load_workload("chat", {"users": 800, "offline": True}),
        hardware=simulate("8x RTX 3090"),
        measurements=Measurements(),
    )
    four = with_nodes(question.hardware, replace(question.workload, nodes=4))
    alone = levers(question.hardware, question.workload, question.model, "vllm")
    spread = levers(four, question.workload, question.model, "vllm")
    whole = {_kind(way) for way in alone if len(way.gpu_indices) == 8 and not way.cpu_layers}
    assert whole <= {_kind(way) for way in spread if way.nodes == 4}


def _kind(way: Candidate) -> tuple[object, ...]:
    """What a way on one machine and its copies have in common."""
    return way.weights_format, way.kv_cache_dtype, way.tensor_parallel, way.pipeline_parallel


@pytest.mark.parametrize(("card", "each", "machines_", "users"), [("RTX 3090", 8, 4, 800), ("L40S", 2, 8, 800)])
def test_a_format_that_only_the_further_ways_have_carries_on_several_machines(
    card: str, each: int, machines_: int, users: int
) -> None:
    """A 70B whose usual formats are too slow on such cards is a yes with one that is not, machines side by side."""
    workload = load_workload("chat", {"users": users, "ttft_ms": 4000, "tpot_ms": 150, "offline": True})
    hardware = with_nodes(simulate(card, each), replace(workload, nodes=machines_))
    model = find_model(MIDDLE["model"], offline=True)
    assert is_yes(Question(model=model, workload=workload, hardware=hardware, measurements=Measurements()))
