"""Numbers and yes or no: what a workload key accepts, how it is read, its JSON Schema.

A form and a YAML file send text, a program sends numbers: `read` takes both and gives the same value. It never raises
anything but `NotAccepted`, whatever it is handed.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

from advisor.schema import value

_WHOLE = re.compile(r"[+-]?\d{1,30}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})(e[+-]?\d{1,4})?", re.ASCII | re.IGNORECASE)
_SIZE = re.compile(r"(\d{1,18}(?:\.\d{0,9})?) *([kmgt]i?b|[mgt])?", re.ASCII | re.IGNORECASE)
_SIZE_MEANT = re.compile(r"(\d+(?:\.\d+)?) *([kmgt])")
_UNITS = {
    **{f"{letter}b": 1000**power for power, letter in enumerate("kmgt", 1)},
    **{f"{letter}ib": 1024**power for power, letter in enumerate("kmgt", 1)},
    **{letter: 1024**power for power, letter in enumerate("mgt", 2)},
}
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class NotAccepted(Exception):
    """The value is none of this kind; the message, where there is one, is a hint, `near` the nearest that is one."""

    def __init__(self, hint: str = "", near: str | None = None) -> None:
        super().__init__(hint)
        self.near = near


class Kind(Protocol):
    """What every kind of value has."""

    @property
    def metavar(self) -> str:
        """How `--help` writes a value."""
        ...

    @property
    def example(self) -> str:
        """A value that it accepts."""
        ...

    def accepted(self) -> str:
        """A phrase that completes "this is not ..."."""
        ...

    def read(self, item: object) -> Any:
        """The value of its type.

        Raises:
            NotAccepted: it is not of this kind.
        """
        ...

    def schema(self) -> dict[str, Any]:
        """JSON Schema of what `read` returns."""
        ...


@value
class Whole:
    """A whole number between two bounds, both included."""

    least: int
    most: int
    metavar: str = "N"

    @property
    def example(self) -> str:
        """The bound that is nearest to ten, or ten."""
        return self.nearest(10)

    def nearest(self, number: float) -> str:
        """The whole number within the bounds that is nearest."""
        return str(round(min(max(number, self.least), self.most)))

    def accepted(self) -> str:
        """`a whole number from 1 to 64`."""
        return f"a whole number from {self.least:,} to {self.most:,}"

    def read(self, item: object) -> int:
        """`50`, `50.0`, `"50"` and `"5e1"` are 50."""
        number = _number(item)
        if not self.least <= number <= self.most or number != int(number):
            raise NotAccepted
        return int(number)

    def schema(self) -> dict[str, Any]:
        """An integer with both bounds."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@value
class Size:
    """Bytes, as a whole number or with a unit; GB is 10⁹, GiB (and a bare G) 2³⁰."""

    most: int
    metavar: str = "SIZE"
    example: str = "4GiB"

    def accepted(self) -> str:
        """What a size looks like."""
        return "a size such as 4GiB, 500MiB, 4GB, or a whole number of bytes"

    def read(self, item: object) -> int:
        """`"4GiB"`, `"4 GiB"` and 4294967296 are the same."""
        found = _SIZE.fullmatch(item.strip()) if isinstance(item, str) else None
        try:
            number = float(found[1]) * _UNITS[found[2].lower()] if found and found[2] else _number(item)
        except NotAccepted:
            raise NotAccepted(near=_size_meant(item)) from None
        if not 0 <= number <= self.most or (not found and number != int(number)):
            raise NotAccepted(near=_size_meant(item))
        return int(number)

    def schema(self) -> dict[str, Any]:
        """A whole number of bytes."""
        return {"type": "integer", "minimum": 0, "maximum": self.most}


def _size_meant(item: object) -> str | None:
    """`4 gigs`, `4GBs` and `4096 megabytes` by number and first letter; None where nothing tells."""
    found = _SIZE_MEANT.search(item.lower()) if isinstance(item, str) else None
    return f"{found[1]}{found[2].upper()}iB" if found and len(found[1]) <= 6 else None


@value
class Number:
    """A finite number between two bounds, both included; read as a float."""

    least: float
    most: float
    metavar: str = "NUMBER"

    @property
    def example(self) -> str:
        """The bound that is nearest to one, or one."""
        return self.nearest(1.0)

    def nearest(self, number: float) -> str:
        """The number within the bounds that is nearest; of a share, what is more than all is a percentage."""
        share = number / 100 if self.most <= 1 < number <= 100 else number
        return _decimal(min(max(share, self.least), self.most)).replace(",", "")

    def accepted(self) -> str:
        """`a number from 0 to 86,400`."""
        return f"a number from {_decimal(self.least)} to {_decimal(self.most)}"

    def read(self, item: object) -> float:
        """`20`, `20.0` and `"2e1"` are 20.0."""
        number = _number(item)
        if not self.least <= number <= self.most:
            raise NotAccepted
        return float(number)

    def schema(self) -> dict[str, Any]:
        """A number with both bounds."""
        return {"type": "number", "minimum": self.least, "maximum": self.most}


def _decimal(number: float) -> str:
    """`0.000001` and `86,400`, never `1e-06`."""
    return f"{number:,.6f}".rstrip("0").rstrip(".")


def _number(item: object) -> int | float:
    """A number, or text that spells one in ASCII digits; neither `true` nor `3000:22` nor `²` does."""
    if isinstance(item, str):
        text = item.strip()
        if _WHOLE.fullmatch(text):
            return int(text)
        if _NUMBER.fullmatch(text):
            return float(text)
    elif isinstance(item, int | float) and not isinstance(item, bool):
        return item
    raise NotAccepted


@value
class Flag:
    """Yes or no."""

    metavar: str = ""
    example: str = "true"

    def accepted(self) -> str:
        """Both words; `yes`, `no`, `on` and `off` are read as well."""
        return "true or false (or yes, no, on, off)"

    def read(self, item: object) -> bool:
        """`True`, `"true"`, `"yes"` and `"on"` are True; a number is neither."""
        if isinstance(item, bool):
            return item
        found = _FLAGS.get(item.strip().lower()) if isinstance(item, str) else None
        if found is None:
            raise NotAccepted
        return found

    def schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}
