"""A configuration that somebody names, made ready for any load: what `advisor predict` asks of an engine.

Not only engines that a plan may choose can be asked: servers that others measured are as good.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from advisor.catalog.entries import WeightsFormat
from advisor.physics.speed.inside import Discipline
from advisor.physics.speed.rates import Constants
from advisor.physics.speed.setup import Prepared, discipline
from advisor.physics.speed.step import StepModel
from advisor.schema import Hardware, Memory, ModelSpec
from advisor.units import GIB

TIGHT = 0.08  # of device memory that people run beyond the default plan (utilisation raised, nothing else on the card)


class Unsupported(Exception):
    """This configuration cannot be predicted, and why."""


class Wanted(NamedTuple):
    """How somebody runs the model; what is left open is the engine's to choose."""

    server: str  # the engine as written, with what may stand in parentheses behind its name
    version: str  # of the engine; "" is the pinned one
    split: tuple[int, int] | None  # tensor and pipeline parallel degree of one replica
    kv_dtype: str  # as written
    slots: int | None
    context_tokens: int
    alone: bool  # one request at a time, as a single-stream benchmark runs


class Ready(NamedTuple):
    """A configuration; what is left is the load."""

    engine: str
    prepared: Prepared
    step: StepModel
    bench: StepModel  # of one stream and of one batch, as benchmarks run them
    rule: Discipline  # with the slots; `sequences` is filled in per load
    kv_bytes: float  # that running sequences may fill, all ranks; infinite where slots own their KV
    kv_tokens: int
    replicas: int
    decode_alone: bool  # benchmarks of one stream and of one batch print the rate of decoding, not over the whole time
    note: str


class Predictable(Protocol):
    """What can be predicted: an engine, or a server that others measured. Both functions are pure."""

    def files_of(self, fmt: WeightsFormat | None, model: ModelSpec) -> WeightsFormat:
        """The files that are loaded for that precision; for None those that are taken where nobody says.

        Raises:
            BadInput: it loads nothing of the kind.
        """
        ...

    def ready(self, wanted: Wanted, hardware: Hardware, model: ModelSpec, fmt: WeightsFormat) -> Ready | None:
        """The model placed on all cards of the machine, and the step; None where the device's speed is not known.

        Raises:
            Unsupported: it cannot run so.
        """
        ...


def benchmark_rule(
    values: Constants, slots: float, chunk_tokens: float, *, own_request_s: float = 0.0, age: float = 0.0
) -> Discipline:
    """The discipline under a benchmark's clients, of which a part comes in step (`physics/speed/lockstep.py`)."""
    rule = discipline(values, slots, chunk_tokens, own_request_s=own_request_s, age=age)
    return rule._replace(together=values["together"], in_step=values["in_step"])


def nearly_fits(found: Memory) -> bool:
    """Whether people run it so all the same: it fits, or is a little short by the plan of this program."""
    return found.fits or found.short_bytes <= TIGHT * found.device_bytes


def does_not_fit(found: Memory) -> Unsupported:
    """The refusal, with both figures."""
    needs, may = (found.budget_bytes + found.short_bytes) / GIB, found.budget_bytes / GIB
    return Unsupported(f"does not fit: needs {needs:.1f} GiB a card, may use {may:.1f} GiB")
