"""A page of metrics in Prometheus's text format, as samples: bounded, and refused in words where it is something else.

What is compared or subtracted is read by name: `total` over all labels, `buckets` of a histogram and its `quantile`.
The format: https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4, and OpenMetrics' `# EOF`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from advisor.edge.terminal import shown
from advisor.errors import BadInput

MOST_SAMPLES = 200_000  # of a page; a busy vLLM has some thousand
_MOST_LABELS = 64
_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\\n]|\\.)*)"\s*')
# name {labels} value timestamp, and what OpenMetrics puts behind it (an exemplar)
_LINE = re.compile(
    rf'({_NAME})\s*(?:\{{((?:[^"{{}}]|"(?:[^"\\]|\\.)*")*)\}})?\s*([^\s#]+)(?:\s+(-?[0-9.e+]+))?\s*(?:#.*)?'
)
_ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}


class Sample(NamedTuple):
    """One line: what is measured, whose it is, and the figure."""

    name: str
    labels: Mapping[str, str]
    value: float


def read_samples(text: str, where: str) -> tuple[Sample, ...]:
    """Every sample of a page, in its order.

    Args:
        text: the page.
        where: the address or file, for the message.

    Raises:
        BadInput: a line that is no sample, none at all, or more than `MOST_SAMPLES`; names the line.
    """
    found = tuple(_samples(text, where))
    if not found:
        raise BadInput(f'{where}: holds no metrics in Prometheus\'s text format (`name{{label="..."}} number`)')
    return found


def _samples(text: str, where: str) -> Iterator[Sample]:
    many = 0
    for number, line in enumerate(text.split("\n"), 1):
        plain = line.strip()
        if not plain or plain.startswith("#"):
            continue
        many += 1
        if many > MOST_SAMPLES:
            raise BadInput(f"{where}: has more than {MOST_SAMPLES:,} samples")
        yield _sample(plain, f"{where}: line {number}")


def _sample(line: str, where: str) -> Sample:
    found = _LINE.fullmatch(line)
    if found is None:
        raise BadInput(f'{where}: {shown(line)} is no sample (`name{{label="..."}} number`)')
    try:
        value = float(found[3].replace("_", "x"))  # Python's own 1_000 is none here
    except ValueError:
        raise BadInput(f"{where}: {shown(found[3])} is no number") from None
    return Sample(name=found[1], labels=dict(_labels(found[2] or "", where)), value=value)


def _labels(text: str, where: str) -> Iterator[tuple[str, str]]:
    at = 0
    for _ in range(_MOST_LABELS):
        if not text[at:].strip():
            return
        found = _LABEL.match(text, at)
        after = text[found.end() : found.end() + 1] if found else ""
        if found is None or after not in ("", ","):
            raise BadInput(f"{where}: {shown(text)} are no labels")
        yield found[1], re.sub(r"\\.", lambda each: _ESCAPES.get(each[0], each[0]), found[2])
        at = found.end() + len(after)
    raise BadInput(f"{where}: has more than {_MOST_LABELS} labels")


def total(samples: Iterable[Sample], name: str) -> float | None:
    """The sum over all labels of what has that name; None: nothing has it, or it is no finite number."""
    found = [each.value for each in samples if each.name == name]
    return math.fsum(found) if found and all(map(math.isfinite, found)) else None


def labels_of(samples: Iterable[Sample], name: str) -> Mapping[str, str]:
    """The labels of the first sample of a metric that carries facts in them; none where there is none."""
    return next((each.labels for each in samples if each.name == name), {})


def buckets(samples: Iterable[Sample], name: str) -> tuple[tuple[float, float], ...]:
    """A histogram summed over its labels: upper bounds (the last is infinite) and how many were at most that."""
    counts: dict[float, float] = {}
    for each in samples:
        if each.name == f"{name}_bucket" and (bound := _bound(each.labels.get("le"))) is not None:
            counts[bound] = counts.get(bound, 0.0) + each.value
    return tuple(sorted(counts.items()))


def _bound(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def quantile(histogram: Sequence[tuple[float, float]], share: float) -> float | None:
    """The value below which `share` of what a histogram counted lies, straight within its bucket as Prometheus does.

    None: it counted nothing. What lies beyond its last finite bound is told as that bound: at least so much.
    """
    many = histogram[-1][1] if histogram else 0.0
    if not many > 0:
        return None
    below, before = 0.0, 0.0
    for bound, count in histogram:
        if count >= share * many:
            inside = (share * many - before) / (count - before) if count > before else 0.0
            return below if math.isinf(bound) else below + (bound - below) * inside
        below, before = bound, count
    return below


def since(now: Sequence[tuple[float, float]], then: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """What a histogram counted between two readings; all of it where the server began anew in between."""
    earlier = dict(then)
    left = tuple((bound, count - earlier.get(bound, 0.0)) for bound, count in now)
    return tuple(now) if any(count < 0 for _, count in left) else left
