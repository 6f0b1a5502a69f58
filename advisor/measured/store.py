"""What was measured on which machine, and what it says about loads and models that were not measured.

`advisor smoke` keeps its figures under ${XDG_DATA_HOME:-~/.local/share}/advisor/measurements, one file for a machine,
model, engine and settings. A machine is its processor, memory and cards: no serial number, host or user name.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.errors import BadInput, EnvironmentFailed
from advisor.schema import Accelerator, Candidate, Hardware, ModelSpec, Plan, value
from advisor.units import GIB

if TYPE_CHECKING:
    from advisor.smoke.load.stats import LoadResult
    from advisor.smoke.outcome import SmokeReport

SAME, SAME_ANSWERS = 0.02, 0.45  # how far two runs of one load may differ
_LEAST_REQUESTS = 4  # fewer say nothing about a steady state


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


def folder() -> Path:
    """Where measurements lie; it need not exist."""
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "advisor" / "measurements"


def all_measurements() -> tuple[Measurement, ...]:
    """Everything that is kept; a file that cannot be understood is passed over."""
    where = folder()
    try:
        changed = where.stat().st_mtime_ns
    except OSError:
        return ()
    return _read(str(where), changed)


def measurements_of(hardware: Hardware) -> tuple[Measurement, ...]:
    """What was measured on this machine. A simulated machine has none."""
    if hardware.source == "simulated":
        return ()
    known = all_measurements()
    if not known:
        return ()
    key = machine_key(hardware)
    return tuple(entry for entry in known if entry.machine == key)


@functools.lru_cache(maxsize=4)
def _read(where: str, changed: int) -> tuple[Measurement, ...]:  # noqa: ARG001 - `changed` makes a new reading
    found = []
    for path in sorted(Path(where).glob("*.json")):
        try:
            found.append(_from_data(json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return tuple(found)


def _from_data(data: Mapping[str, Any]) -> Measurement:
    """Without pydantic: it is on the way of every advice, and a bad file is passed over."""
    loads = tuple(MeasuredLoad(**load) for load in data["loads"])
    return Measurement(
        **{
            **data,
            "model": ModelSpec(**_tuples(data["model"])),
            "candidate": Candidate(**_tuples(data["candidate"])),
            "loads": loads,
        }
    )


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(item) if isinstance(item, list) else item for key, item in data.items()}


def keep(plan: Plan, report: SmokeReport) -> Path | None:
    """Add a smoke test's loads to what is kept; a load that was there already is replaced. None: nothing to keep.

    Raises:
        EnvironmentFailed: the system refuses: no permission, disk full.
    """
    loads = tuple(measured for load in report.loads if (measured := _measured(load, plan)) is not None)
    if not loads:
        return None
    key = machine_key(plan.hardware)
    candidate = replace(plan.estimate.candidate, model_ref="")
    model = replace(plan.model, path=None)
    name = f"{key}-{plan.engine}-{_slug(plan.model.hf_id)}-{_settings_key(candidate)}"
    before = next((entry for entry in all_measurements() if entry.id == name), None)
    kept: list[MeasuredLoad] = []
    for new in (*(before.loads if before else ()), *loads):
        kept = [*(old for old in kept if not same_load(old, new)), new]
    slots = report.effective.slots if report.effective else None
    entry = Measurement(
        id=name,
        machine=key,
        machine_text=machine_text(plan.hardware),
        engine=plan.engine,
        engine_version=report.engine_version,
        model=model,
        candidate=candidate,
        loads=tuple(sorted(kept, key=lambda load: (load.in_flight, load.input_tokens))),
        taken=report.began,
        kv_tokens=report.effective.kv_tokens if report.effective else None,
        slots=slots,
        memory_bytes=report.memory_bytes,
    )
    return _write(entry)


def _write(entry: Measurement) -> Path:
    from advisor.folder.write import write_atomically
    from advisor.wire import to_json

    path = folder() / f"{entry.id}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, to_json(entry), overwrite=True)
        _read.cache_clear()
    except OSError as error:
        raise EnvironmentFailed(f"{path}: cannot be written ({error.strerror})") from None
    return path


def forget(words: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Remove the measurements whose id begins with one of `words`; without words all. Returns what is gone.

    Raises:
        BadInput: a word fits none.
        EnvironmentFailed: a file cannot be removed.
    """
    known = [entry.id for entry in all_measurements()]
    chosen = list(known) if not words else []
    for word in words:
        fitting = [name for name in known if name.startswith(word)]
        if not fitting:
            raise BadInput(f"no measurement begins with {word!r}; there are: {', '.join(known) or 'none'}")
        chosen += [name for name in fitting if name not in chosen]
    for name in chosen:
        try:
            (folder() / f"{name}.json").unlink(missing_ok=True)
        except OSError as error:
            raise EnvironmentFailed(f"{name}.json: cannot be removed ({error.strerror})") from None
    _read.cache_clear()
    return tuple(chosen)


def same_load(one: MeasuredLoad, other: MeasuredLoad) -> bool:
    """The same requests in flight and tokens in, and answers of about the same length: some engines end them early."""
    pairs = (
        (one.in_flight, other.in_flight, SAME),
        (one.input_tokens, other.input_tokens, SAME),
        (one.shared_prefix_tokens, other.shared_prefix_tokens, SAME),
        (one.output_tokens, other.output_tokens, SAME_ANSWERS),
    )
    return all(abs(a - b) <= share * max(a, b, 1.0) for a, b, share in pairs)


def _measured(load: LoadResult, plan: Plan) -> MeasuredLoad | None:
    """None for what is no measurement: errors, too few requests, or a machine that was busy with something else."""
    from advisor.smoke.load.stats import QUIET

    if load.errors or load.ttft_s is None or load.tpot_s is None or load.completed < _LEAST_REQUESTS:
        return None
    if load.mode != "closed" or (load.others_share or 0.0) > QUIET:
        return None
    return MeasuredLoad(
        in_flight=load.in_flight,
        input_tokens=load.input_tokens,
        output_tokens=load.output_tokens,
        shared_prefix_tokens=plan.workload.shared_prefix_tokens,
        output_tokens_per_s=load.steady_output_tokens_per_s or load.output_tokens_per_s,
        ttft_s=load.ttft_s.mean,
        ttft_p95_s=load.ttft_s.p95,
        tpot_s=load.tpot_s.mean,
        tpot_p95_s=load.tpot_s.p95,
        requests=load.completed,
        seconds=load.seconds,
    )


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.rsplit("/", 1)[-1].lower()).strip("-")[:40]


def _settings_key(candidate: Candidate) -> str:
    from advisor.wire import to_data

    return hashlib.sha256(json.dumps(to_data(candidate), sort_keys=True).encode()).hexdigest()[:8]
