"""The boundary is the one that trying every number would find."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from advisor.physics.bisect import largest, narrowed


@given(edge=st.integers(0, 3000), most=st.integers(0, 3000))
def test_the_largest_is_exact(edge: int, most: int) -> None:
    """The largest number up to `most` that holds; 0 where none does."""
    assert largest(lambda number: number <= edge, most) == min(edge, most)


@given(least=st.integers(1, 100), more=st.integers(0, 3000), room=st.integers(1, 500))
def test_an_answer_is_carried(least: int, more: int, room: int) -> None:
    """The answer handed back is that of the number handed back, and the number at most a part in 64 too small."""
    edge = least + more

    def answer(number: int) -> str | None:
        return str(number) if number <= edge else None

    number, found = narrowed(answer, (least, str(least)), edge + room, grain=1 / 64)
    assert found == str(number)
    assert number <= edge <= number + max(1, number // 64)
    assert narrowed(answer, (least, str(least)), edge + room) == (edge, str(edge))
