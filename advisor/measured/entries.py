"""The values that are kept: what one configuration did on one machine under which loads.

A machine is its processor, memory and cards: no serial number, host or user name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace

from advisor.schema import Accelerator, Candidate, Hardware, ModelSpec, Plan, value
from advisor.units import GIB

SAME, SAME_ANSWERS = 0.02, 0.45  # how far two runs of one load may differ


@value
class MeasuredLoad:
    """One load that was run to its end without errors, over all replicas."""

    in_flight: float
    input_tokens: float
    output_tokens: float
    shared_prefix_tokens: float
    output_tokens_per_s: float
    ttft_s: float
    ttft_p95_s: float
    tpot_s: float
    tpot_p95_s: float
    requests: int
    seconds: float
    history_tokens: float = 0.0  # of each prompt, which the engine had read before


@value
class Measurement:
    """What one configuration did on one machine."""

    id: str  # the file's name
    machine: str  # `machine_key` of the hardware
    machine_text: str
    engine: str
    engine_version: str
    model: ModelSpec
    candidate: Candidate
    loads: tuple[MeasuredLoad, ...]
    taken: str  # UTC, of the last run
    kv_tokens: int | None = None
    slots: int | None = None
    memory_bytes: int | None = None
    schema_version: int = 1


def machine_text(hardware: Hardware) -> str:
    """A machine in one line: what its speed depends on, and nothing that names it."""
    cpu = hardware.cpu
    cards = [_card_text(card) for card in hardware.accelerators]
    return ", ".join([f"{cpu.model} x {cpu.cores:g}", f"{round(cpu.memory_bytes / GIB)} GiB", *cards])


def _card_text(card: Accelerator) -> str:
    limit = f" at {card.power_share:.0%} of its power" if card.power_share < 1.0 else ""
    return f"{card.name} {round(card.memory_bytes / GIB)} GiB{limit}"


def machine_key(hardware: Hardware) -> str:
    """Twelve characters that are the same whenever `machine_text` and the instruction sets are."""
    text = f"{machine_text(hardware)}|{hardware.os}|{' '.join(sorted(hardware.cpu.instruction_sets))}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def measurement_of(
    plan: Plan,
    loads: Iterable[MeasuredLoad],
    *,
    engine_version: str,
    taken: str,
    kv_tokens: int | None = None,
    slots: int | None = None,
    memory_bytes: int | None = None,
) -> Measurement:
    """What a plan's configuration did; paths and what the engine was told to load are left out."""
    key = machine_key(plan.hardware)
    candidate = replace(plan.estimate.candidate, model_ref="")
    return Measurement(
        id=f"{key}-{plan.engine}-{_slug(plan.model.hf_id)}-{_settings_key(candidate)}",
        machine=key,
        machine_text=machine_text(plan.hardware),
        engine=plan.engine,
        engine_version=engine_version,
        model=replace(plan.model, path=None),
        candidate=candidate,
        loads=_without_repeats(loads),
        taken=taken,
        kv_tokens=kv_tokens,
        slots=slots,
        memory_bytes=memory_bytes,
    )


def later(before: Measurement, now: Measurement) -> Measurement:
    """`now` with the loads of `before` that it did not run again."""
    return replace(now, loads=_without_repeats((*before.loads, *now.loads)))


def _without_repeats(loads: Iterable[MeasuredLoad]) -> tuple[MeasuredLoad, ...]:
    """Of two runs of one load the last, in the order of requests in flight."""
    kept: list[MeasuredLoad] = []
    for new in loads:
        kept = [*(old for old in kept if not same_load(old, new)), new]
    return tuple(sorted(kept, key=lambda load: (load.in_flight, load.input_tokens)))


def same_load(one: MeasuredLoad, other: MeasuredLoad) -> bool:
    """The same requests in flight and tokens in, and answers of about the same length: some engines end them early."""
    pairs = (
        (one.in_flight, other.in_flight, SAME),
        (one.input_tokens, other.input_tokens, SAME),
        (one.shared_prefix_tokens, other.shared_prefix_tokens, SAME),
        (one.history_tokens, other.history_tokens, SAME),
        (one.output_tokens, other.output_tokens, SAME_ANSWERS),
    )
    return all(abs(a - b) <= share * max(a, b, 1.0) for a, b, share in pairs)


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.rsplit("/", 1)[-1].lower()).strip("-")[:40]


def _settings_key(candidate: Candidate) -> str:
    from advisor.wire import to_data

    return hashlib.sha256(json.dumps(to_data(candidate), sort_keys=True).encode()).hexdigest()[:8]
