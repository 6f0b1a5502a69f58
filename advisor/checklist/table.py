"""The checklist as a table that one reads in a minute: like lines folded, the small ones named in one."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from advisor.checklist.systems import looked
from advisor.schema import Check, Plan, value

ALONE_ROWS, SERVER_ROWS = 12, 25  # at most, the row of small lines included
SMALL = (  # a fault here shows itself, or is rare; the first go first
    "sampling", "prompt-cache", "tool-choice", "clock", "kernel", "open-files", "files", "models-owner", "weights",
    "kubernetes-prometheus", "kubernetes-runtime", "kubernetes-chart", "python", "engine-present", "capability", "numa",
    "env-file", "after-slots", "after-kv", "after-processor", "image-gateway",
    "retry-after", "shared-memory", "chat-template", "unit-file", "system", "compose", "driver", "gateway-port",
    "alerts-heard", "disk-volumes", "docker", "container-gpu-lasts", "rollback", "backup",
)  # fmt: skip
_NUMBER = re.compile(r"\d+(:\d+)?")


@value
class Row:
    """One row: what must be so, what shows it, and what to do otherwise."""

    fact: str
    expect: str
    otherwise: str


@value
class Table:
    """Rows for before and after the start, and the facts that only the command looks at."""

    before: tuple[Row, ...]
    after: tuple[Row, ...]
    rest: tuple[str, ...]


def table(plan: Plan) -> Table:
    """The plan's checks with no more rows than a person reads; whatever is left out is named by its id."""
    most = SERVER_ROWS if plan.serves_others else ALONE_ROWS
    groups = list(_groups(plan.checks))
    shown, rest = groups, list[tuple[Check, ...]]()
    if len(groups) > most:
        small_first = sorted(groups, key=lambda group: _weight(group[0]))
        rest = small_first[: len(groups) - most + 1]
        shown = [group for group in groups if group not in rest]
    return Table(
        before=tuple(_row(group, plan) for group in shown if group[0].when != "running"),
        after=tuple(_row(group, plan) for group in shown if group[0].when == "running"),
        rest=tuple(check.id for group in groups if group in rest for check in group),
    )


def _weight(check: Check) -> int:
    return SMALL.index(check.id) if check.id in SMALL else len(SMALL)


def _groups(checks: Sequence[Check]) -> Iterator[tuple[Check, ...]]:
    """Lines that differ by a number only (of a card, of a machine) stand together, in the place of the first."""
    kept = dict[tuple[str, ...], list[Check]]()
    for check in checks:
        alike = (_NUMBER.sub("#", check.id), _NUMBER.sub("#", check.fact), check.expect, check.otherwise)
        kept.setdefault(alike if check.id != _NUMBER.sub("#", check.id) else (check.id, check.fact), []).append(check)
    yield from (tuple(group) for group in kept.values())


def _row(group: Sequence[Check], plan: Plan) -> Row:
    first = group[0]
    shows = looked(first, plan)
    return Row(fact=_together([check.fact for check in group]), expect=shows, otherwise=first.otherwise)


def _together(facts: Sequence[str]) -> str:
    """One sentence for several that differ in one word: "GPU 0, 1, 2, 3 is ..."."""
    words = [fact.split(" ") for fact in facts]
    if len({len(each) for each in words}) > 1:
        return "; ".join(facts)
    columns = (list(dict.fromkeys(column)) for column in zip(*words, strict=True))
    return " ".join(", ".join(column) for column in columns)


def by_time(checks: Sequence[Check]) -> tuple[tuple[Check, ...], tuple[Check, ...]]:
    """The lines that have a command, for before and for after the start."""
    said = [check for check in checks if check.command]
    after = tuple(check for check in said if check.when == "running")
    return tuple(itertools.filterfalse(after.__contains__, said)), after
