"""Situations that people reported, with the answer that turned out right."""

from __future__ import annotations

from dataclasses import replace

from advisor.probe.simulate import simulate
from advisor.schema import Hardware
from advisor.search.nearest import nearest_yes
from advisor.verdict import verdict_for
from tests.test_laws import ask

GIB = 1024**3


def free(machine: Hardware, *free_gib: float) -> Hardware:
    """The machine with so much free on each card."""
    cards = zip(machine.accelerators, free_gib, strict=True)
    return replace(machine, accelerators=tuple(replace(card, free_bytes=int(one * GIB)) for card, one in cards))


def test_a_desktop_on_one_of_two_cards_lowers_the_share_of_both() -> None:
    """With 21.4 of 24 GiB free on the card of the desktop both ranks ask for 0.88 of theirs (vllm#49816)."""
    machine = free(simulate("2x RTX 3090"), 21.36, 23.99)
    verdict = verdict_for(ask(machine, "Qwen/Qwen3-32B", engine="vllm", concurrency=4, context_tokens=32768))
    assert verdict.winner is not None
    assert verdict.winner.estimate.candidate.memory_utilization == 0.88
    assert any(finding.rule == "FIT109" for finding in verdict.reasons)


def test_what_windows_keeps_lowers_the_share() -> None:
    """With 30.12 of 31.84 GiB free under WSL2 a share of 0.93 starts and 0.95 does not (cognithor PR 318)."""
    machine = replace(free(simulate("RTX 5090"), 30.12), wsl=True)
    question = ask(machine, "Qwen/Qwen3-14B", engine="vllm", concurrency=4, context_tokens=16384)
    verdict = verdict_for(question, depth=False)
    assert verdict.meets_targets and verdict.winner is not None
    assert (verdict.winner.estimate.candidate.memory_utilization or 1.0) <= 0.93


def test_a_known_no_names_the_format_that_fits() -> None:
    """FP8 of a 30B does not fit an RTX 5090 at 16K (vllm#41695); 4 bit does, and comes before any other card."""
    wishes = {"engine": "vllm", "quantization": "fp8", "concurrency": 1, "context_tokens": 16384}
    question = ask(simulate("RTX 5090"), "Qwen/Qwen3-Coder-30B-A3B-Instruct", **wishes)
    assert not verdict_for(question, depth=False).meets_targets
    assert nearest_yes(question)[0].change.startswith("--quantization ")


def test_known_contexts_fit() -> None:
    """29,000 tokens of an 8B on an RTX 3090 (vllm#10517), 131,072 of a 14B on two RTX 4090 (vllm#13061)."""
    for gpu, model, tokens in (
        ("RTX 3090", "meta-llama/Llama-3.1-8B-Instruct", 29_000),
        ("2x RTX 4090", "deepseek-ai/DeepSeek-R1-Distill-Qwen-14B", 131_072),
    ):
        question = ask(simulate(gpu), model, engine="vllm", concurrency=1, context_tokens=tokens)
        assert verdict_for(question, depth=False).meets_targets


def test_experts_on_the_processor_are_refused_until_allowed() -> None:
    """gpt-oss-20b on 12 GiB leaves layers to the processor (ollama#11688): no, and yes with --allow-offload."""
    question = ask(simulate("RTX 3060 12GB"), "openai/gpt-oss-20b", engine="ollama", users=1)
    verdict = verdict_for(question, depth=False)
    assert verdict.winner is None and "layers do not fit the accelerator" in verdict.summary
    assert any(change.change.startswith("--allow-offload") for change in nearest_yes(question))
