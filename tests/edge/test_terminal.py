"""What goes out to a terminal: control characters are shown, never obeyed."""

from __future__ import annotations

import io
import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from advisor.edge.terminal import MOST_SHOWN, Gate, gated, shown, visible
from advisor.report.console import show

HOSTILE = "a\x1b]52;c;ZXZpbA==\x1b\\\x1b[2J\x07\r\x9b2J\x7fb\u202ec\u2028d"


def obeyed(text: str) -> list[str]:
    """Characters that a terminal would act upon."""
    return [one for one in text if one not in "\n\t" and unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp")]


@given(st.text(st.characters(categories=None)))
def test_no_control_character_gets_out(text: str) -> None:
    """Whatever a text holds, its visible form holds nothing that a terminal obeys; what was harmless stays as it was."""
    assert not obeyed(visible(text))
    assert visible(visible(text)) == visible(text)
    assert obeyed(text) or "\\u" in visible(text) or visible(text) == text


@given(st.text())
def test_json_reads_as_it_was(text: str) -> None:
    """A JSON document that goes through the gate is the same document."""
    assert json.loads(visible(json.dumps(text, ensure_ascii=False))) == text


def test_what_is_printed_by_any_way_goes_through_the_gate() -> None:
    """`print` and rich text alike reach the terminal visible, with the program's own colours around them."""
    sink = io.StringIO()
    with gated() as gate:
        gate.stream = sink
        print(HOSTILE)
        show([Text(HOSTILE), f"[bold]{HOSTILE[:1]}[/bold]"])
    assert not obeyed(sink.getvalue())
    assert "\\u001b[2J" in sink.getvalue()


def test_what_an_encoding_lacks_is_written_out() -> None:
    """A terminal without Unicode gets an escape in place of an error."""
    raw = io.BytesIO()
    gate = Gate(io.TextIOWrapper(raw, encoding="ascii"), needed=True)
    gate.write("24 GiB × 2 – ok")
    gate.flush()
    assert raw.getvalue() == b"24 GiB \\xd7 2 \\u2013 ok"


@given(
    st.one_of(st.text(), st.text(min_size=70, max_size=300), st.binary(max_size=300), st.integers(), st.floats())
    | st.recursive(st.none(), st.lists)
)
def test_a_message_repeats_at_most_80_characters_of_a_value(item: object) -> None:
    """However long a value is, what a message repeats of it is short, of one line, and printable."""
    assert len(shown(item)) <= MOST_SHOWN
    assert shown(item).isprintable()
