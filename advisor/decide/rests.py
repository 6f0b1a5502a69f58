"""What a no rests on that nobody looked at here, and what to type where it is otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from advisor.models.names import is_guess
from advisor.rules import VETO
from advisor.schema import Cpu, Judged, Question
from advisor.units import GB, count, gib

_CORES = 64  # of the example
_MEMORY = {"FIT101", "FIT102", "FIT105"}


def rests_on(winner: Judged | None, judged: Sequence[Judged], question: Question) -> str:
    """One sentence; empty where everything was looked at."""
    told = list(_told(winner, judged, question))
    return f"This rests on {'; and on '.join(told)}." if told else ""


def _on_the_host(judged: Judged) -> bool:
    """Whether the processor computes layers."""
    candidate = judged.estimate.candidate
    return candidate.device == "cpu" or candidate.cpu_layers > 0


def _only_memory(judged: Judged) -> bool:
    """Whether more memory would do: nothing else refuses it."""
    refused = {finding.rule for finding in judged.findings if finding.severity in VETO}
    return bool(refused) and refused <= _MEMORY


def _processor(cpu: Cpu, alone: bool) -> str:
    """What is taken for granted of a processor that nobody looked at.

    Args:
        alone: no card stands beside it, so that its cores can be typed too.
    """
    typed = f'say so (--gpu "cpu, {_CORES} cores"), or ' if alone else ""
    rate = f" and {cpu.bandwidth_bytes_per_s / GB:.0f} GB/s of memory" if cpu.bandwidth_bytes_per_s else ""
    return (
        f"{count(cpu.cores)} cores{rate} of a processor that was not looked at: if it has others, {typed}take "
        f"--hardware FILE with what `advisor probe --out FILE` says there"
    )


def _told(winner: Judged | None, judged: Sequence[Judged], question: Question) -> Iterator[str]:
    hardware, model = question.hardware, question.model
    if is_guess(model) or model.confidence == "low":
        yield f"uncertain dimensions of {model.hf_id}: if they are otherwise, name its folder (--model FOLDER)"
    elif winner is None and model.origin == "hub":
        yield f"what the Hub says of {model.hf_id}: if it is otherwise, name its folder (--model FOLDER)"
    if winner is None and any(map(_only_memory, judged)) and hardware.source == "simulated" and hardware.accelerators:
        card = hardware.accelerators[0]
        yield (
            f"{gib(card.memory_bytes)} of memory for {card.name}, which was named and not looked at: if it has more, "
            f"take --hardware FILE with what `advisor probe --out FILE` says there"
        )
    if winner is not None and hardware.source == "simulated" and _on_the_host(winner):
        yield _processor(hardware.cpu, not hardware.accelerators)
    speed = winner.estimate.peak_speed if winner else None
    if speed is not None and speed.output_tokens_per_s.basis == "analytic":
        yield (
            "speeds that were worked out and never measured on such a device: `advisor smoke` measures them, and its "
            "figures count from then on"
        )
