"""Remember the last results of a pure function by the identity of its arguments.

The values of `advisor.schema` hold mappings and so cannot be hashed; the solvers ask the same question about
the same objects thousands of times.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
KEPT = 4096
_LAST: deque[object] = deque(maxlen=16)


def same(one: T) -> T:
    """The equal value that was asked about before, where it is among the last: what is kept by identity stays known.

    Whoever drags a handle asks about one machine and one model again and again, and each question reads them anew.
    """
    found = next((seen for seen in tuple(_LAST) if seen == one), None)
    if found is None:
        _LAST.append(one)
        return one
    return found  # equal values are of one type


def by_identity(function: Callable[P, R]) -> Callable[P, R]:
    """Cache `function` on the identity of its positional arguments, which must be frozen values."""
    kept: dict[tuple[int, ...], tuple[tuple[Any, ...], R]] = {}

    @wraps(function)
    def remembered(*args: P.args, **kwargs: P.kwargs) -> R:
        if kwargs:
            return function(*args, **kwargs)
        key = tuple(id(argument) for argument in args)
        found = kept.get(key)
        if found is not None:  # the arguments are kept alive, so the identities cannot have been reused
            return found[1]
        if len(kept) >= KEPT:
            kept.clear()
        result = function(*args, **kwargs)
        kept[key] = (args, result)
        return result

    return remembered


def by_value_and_identity(function: Callable[Concatenate[K, P], R]) -> Callable[Concatenate[K, P], R]:
    """Cache `function` on the value of its first argument and the identity of the others, which are frozen values."""
    kept: dict[tuple[object, ...], tuple[tuple[Any, ...], R]] = {}

    @wraps(function)
    def remembered(first: K, /, *others: P.args, **named: P.kwargs) -> R:
        if named:
            return function(first, *others, **named)
        key = (first, *map(id, others))
        found = kept.get(key)
        if found is not None:
            return found[1]
        if len(kept) >= KEPT:
            kept.clear()
        result = function(first, *others, **named)
        kept[key] = (others, result)
        return result

    return remembered
