"""Values behave as frozen dataclasses do."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, field, fields, is_dataclass, replace

import pytest

from advisor.errors import BadInput
from advisor.schema import value
from advisor.wire import from_data, to_data


@value
class Pair:
    """A value with each kind of default."""

    left: int
    right: tuple[int, ...] = ()
    marks: dict[str, int] = field(default_factory=dict)


def test_it_is_a_dataclass_with_its_fields() -> None:
    """`fields`, `replace`, equality and hashing work; two values never share a default made by a factory."""
    one, same = Pair(left=1, right=(2,)), Pair(left=1, right=(2,))
    assert is_dataclass(one) and [f.name for f in fields(one)] == ["left", "right", "marks"]
    assert one == same and one != Pair(left=2) and one.marks is not same.marks
    assert replace(one, left=3) == Pair(left=3, right=(2,))
    assert repr(one) == "Pair(left=1, right=(2,), marks={})"


def test_it_cannot_be_changed() -> None:
    """Assigning or deleting a field is refused."""
    one = Pair(left=1)
    with pytest.raises(FrozenInstanceError):
        one.left = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del one.left


def test_wrong_arguments_are_named() -> None:
    """A missing and an unknown argument are both named."""
    with pytest.raises(TypeError, match="unknown middle; missing left"):
        Pair(middle=1)  # type: ignore[call-arg]


def test_it_goes_through_json() -> None:
    """Data in gives the value, the value gives the data back, and an unknown or missing key is refused by name."""
    data = {"left": 1, "right": [2, 3], "marks": {"a": 1}}
    assert to_data(from_data(Pair, data, where="x")) == data
    with pytest.raises(BadInput, match="x: middle: unknown key"):
        from_data(Pair, data | {"middle": 1}, where="x")
    with pytest.raises(BadInput, match="x: left: is missing"):
        from_data(Pair, {}, where="x")
