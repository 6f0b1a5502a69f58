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
        try:
            return self.kind.read(item)
        except NotAccepted as refused:
            hint = f"; {refused}" if str(refused) else self._meant(item, name)
            said = f"{where}{name or self.name}: {shown(item)} is not {self.kind.accepted()}{hint}"
            raise BadInput(said) from None

    def _meant(self, item: object, name: str) -> str:
        """The number that was meant, if this key would take it."""
        found = meant(item, self.unit) if isinstance(item, str) and len(item) <= MOST_SHOWN else None
        if found is None or not isinstance(self.kind, Whole | Number):
            return ""
        try:
            self.kind.read(found)
        except NotAccepted:
            return ""
        typed = f"\ntype: {name} {found}" if name.startswith("--") else ""
        return f"; did you mean {found}?{typed}"


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
