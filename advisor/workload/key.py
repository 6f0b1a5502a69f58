"""What a workload key is: its name, its values and their bounds, what it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from advisor.edge.terminal import MOST_SHOWN, shown
from advisor.errors import BadInput
from advisor.schema import value
from advisor.workload.kinds import Kind, NotAccepted, Number, Whole
from advisor.workload.meant import meant

REQUIRED: Final = object()  # the default of a key that a profile must hold
Group = Literal["profile", "people", "requests", "targets", "model", "service", "machines"]


@value
class Key:
    """One key: the option of the same name, the line of a profile, the field of `Workload`."""

    name: str
    group: Group
    kind: Kind
    help: str  # one sentence
    unit: str = ""
    default: object = REQUIRED
    unset: str = ""  # what None means
    metavar: str = ""  # in `--help`, where the kind's own says too little or too much
    option: bool = True
    word: str = ""  # on the command line, where the name is none there

    @property
    def flag(self) -> str:
        """`ttft_ms` → `--ttft-ms`."""
        return f"--{self.word or self.name.replace('_', '-')}"

    @property
    def off(self) -> str:
        """`offline` → `--no-offline`, of a key that is yes or no."""
        return f"--no-{self.flag[2:]}"

    def read(self, item: object, where: str = "", name: str = "") -> Any:
        """The value, of its type and within its bounds.

        Args:
            item: a value of JSON or YAML, or the text that spells it.
            where: what the message begins with, e.g. the file and `: `.
            name: how the key was spelled, e.g. `--users`.

        Raises:
            BadInput: names the key, what was seen and what is accepted.
        """
        said = f"{where}{name or self.name}"
        return accepted(self.kind, item, said, unit=self.unit, flag=name if name.startswith("--") else "")


def accepted(kind: Kind, item: object, name: str, *, unit: str = "", flag: str = "") -> Any:
    """A value of that kind.

    Args:
        name: what the message begins with.
        unit: of a number; a time in another one is converted in what is proposed.
        flag: the option, where it was typed: what is then proposed has one.

    Raises:
        BadInput: names what was seen and what is accepted, and the nearest that is, or an example.
    """
    try:
        return kind.read(item)
    except NotAccepted as refused:
        near = _taken(kind, refused.near or _meant(kind, item, unit))
        hint = f"; did you mean {near}?" if near else ""
        said = f"{name}: {shown(item)} is not {kind.accepted()}{hint}" + (f"\n{refused}" if str(refused) else "")
        raise BadInput(
            said, near=near or kind.example or None, seen=item if isinstance(item, str) else shown(item), flag=flag
        ) from None


def _meant(kind: Kind, item: object, unit: str) -> str | None:
    """The number that was meant, or the nearest to it that is taken."""
    if not isinstance(kind, Whole | Number) or not isinstance(item, str) or len(item) > MOST_SHOWN:
        return None
    found = meant(item, unit)
    return None if found is None else kind.nearest(float(found))


def _taken(kind: Kind, near: str | None) -> str | None:
    """What is proposed, if it would be taken."""
    try:
        return near if near is not None and kind.read(near) is not None else None
    except NotAccepted:
        return None


def key_named(name: object, known: Mapping[str, Key], where: str = "") -> Key:
    """The definition of a key.

    Raises:
        BadInput: there is none of that name; names the nearest.
    """
    if isinstance(name, str) and name in known:
        return known[name]
    plain = isinstance(name, str) and name.isidentifier() and len(name) <= 60
    import difflib

    near = difflib.get_close_matches(name[:60], known, n=1) if isinstance(name, str) else []
    hint = f"; did you mean {near[0]}?" if near else ""
    raise BadInput(f"{where}{name if plain else shown(name)}: unknown key{hint} Accepted: {', '.join(sorted(known))}")
