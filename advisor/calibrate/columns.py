"""Measurements as columns of numbers: a fit turns constants into figures some thousand times."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from advisor.calibrate.points import Point
from advisor.engines.ready import Ready
from advisor.physics.speed.setup import Prepared
from advisor.physics.speed.step import Facts
from advisor.predict.rows import Asked
from advisor.predict.run import per_replica, rule_for

Vector = Any  # a NumPy array


class Columns:
    """Named vectors of one length, or single numbers."""

    def __init__(self, **vectors: Vector) -> None:
        self.__dict__.update(vectors)

    def __getattr__(self, name: str) -> Vector:
        raise AttributeError(name)  # every column is in __dict__; this only tells the type

    def at(self, where: Vector) -> Columns:
        """The columns with those places only."""
        return Columns(**{k: v[where] if isinstance(v, np.ndarray) else v for k, v in self.__dict__.items()})

    def but(self, **vectors: Vector) -> Columns:
        """The same with some columns replaced."""
        return Columns(**{**self.__dict__, **vectors})


class Setups(NamedTuple):
    """Distinct configurations: columns, and for family, kernel and link the names and each one's place among them."""

    facts: Columns
    device: Columns
    known: Columns
    ollama: Vector
    families: tuple[list[str], Vector]
    kernels: tuple[list[str], Vector]
    links: tuple[list[str], Vector]
    backends: tuple[list[str], Vector]


class Table(NamedTuple):
    """Points as columns."""

    engine: str
    setups: Setups
    setup: Vector  # of each point
    loads: Columns
    modes: Vector  # "single", "offline", "open", "at once" or "closed"
    replicas: Vector


def table_of(engine: str, points: Sequence[Point]) -> Table:
    """The columns of these points, which are all of one engine family."""
    places: dict[int, int] = {}
    readies: list[Ready] = []
    for point in points:
        if id(point.ready) not in places:
            places[id(point.ready)] = len(readies)
            readies.append(point.ready)
    asked = [per_replica(point.ready, point.asked) for point in points]
    return Table(
        engine=engine,
        setups=_setups(readies),
        setup=np.array([places[id(point.ready)] for point in points]),
        loads=_loads([point.ready for point in points], asked),
        modes=np.array([_mode(one) for one in asked]),
        replicas=np.array([float(point.ready.replicas) for point in points]),
    )


def _setups(readies: Sequence[Ready]) -> Setups:
    known = [ready.prepared for ready in readies]

    def names(get: Callable[[Prepared], str]) -> tuple[list[str], Vector]:
        found = sorted({get(one) for one in known})
        return found, np.array([found.index(get(one)) for one in known])

    def gathered(names: Iterable[str], part: str = "") -> Columns:
        of = attrgetter(part) if part else None
        values = {name: np.array([float(getattr(of(one) if of else one, name)) for one in known]) for name in names}
        return Columns(**values)

    return Setups(
        facts=gathered(Facts._fields, "facts"),
        device=gathered(("bandwidth", "flops_16", "flops_32", "cards", "link_bytes_per_s", "power_share"), "device"),
        known=gathered(("peak", "age", "tensor", "pipeline", "kv_share", "chunk_tokens")),
        ollama=np.array([ready.engine == "ollama" for ready in readies]),
        families=names(lambda one: one.device.family),
        kernels=names(lambda one: one.kernel),
        links=names(lambda one: one.device.link),
        backends=names(lambda one: one.backend),
    )


def _loads(readies: Sequence[Ready], asked: Sequence[Asked]) -> Columns:
    """NaN where a row does not say."""

    def stated(name: str) -> Vector:
        found = (getattr(one, name) for one in asked)
        return np.array([math.nan if value is None else float(value) for value in found])

    entered, answer = stated("input_tokens"), stated("output_tokens")
    cached = np.minimum(stated("cached_tokens"), np.maximum(entered - 1.0, 0.0))
    output = np.maximum(answer, 1.0)
    rules = [rule_for(ready, one) for ready, one in zip(readies, asked, strict=True)]
    return Columns(
        entered=entered, answer=answer, cached=cached, output=output, context=entered + output / 2,
        prompt=np.maximum(entered - cached, 1.0), flight=stated("concurrency"), arrivals=stated("request_rate"),
        prompts=stated("prompts"), longest=np.array([one.longest for one in asked]),
        slots=np.array([float(rule.slots) for rule in rules]),
        sequences=np.array([float(rule.sequences) for rule in rules]),
        chunk=np.array([float(rule.chunk_tokens) for rule in rules]),
    )  # fmt: skip


def _mode(asked: Asked) -> str:
    if asked.mode in ("single_stream", "offline"):
        return asked.mode.removesuffix("_stream")
    if asked.request_rate is not None and not math.isinf(asked.request_rate):
        return "open"
    return "at once" if asked.concurrency is None and asked.prompts is not None else "closed"
