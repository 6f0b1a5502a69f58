"""Text on its way out: control characters are shown, never obeyed, and a stream that takes no more says so once.

`main` puts a `Gate` before standard output and standard error, so that whatever prints, and wherever the text came from
(a model's name, the header of a CSV, a key of a profile, an answer of an engine), goes through `visible`. Who draws on
the terminal by own control sequences makes its text `visible` and writes to `styled(stream)`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO, cast

from advisor.errors import EnvironmentFailed

MOST_SHOWN = 80  # characters of a value that a message repeats
_KEY = re.compile(r"[A-Za-z0-9_.()/ -]{1,120}")
# C0 but tab and newline, DEL, C1, what turns the direction of text, what ends a line elsewhere, halves of surrogates.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    r"""The text with every control character but newline and tab written out: `\u001b`, which JSON reads as it was."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def shown(item: object) -> str:
    """Any value in a message: at most 80 characters, and nothing that a terminal obeys.

    A list or a number of thousands of digits is named, not written out.
    """
    if isinstance(item, str | bytes):
        kept = repr(item[:MOST_SHOWN])
        return kept if len(item) <= MOST_SHOWN and len(kept) <= MOST_SHOWN else f"{kept[: MOST_SHOWN - 4]}{kept[-1]}..."
    if isinstance(item, int) and item.bit_length() > 200:
        return "a number of more than 60 digits"
    plain = item is None or isinstance(item, bool | int | float)
    return repr(item) if plain else f"a {'mapping' if isinstance(item, dict) else type(item).__name__}"


def shown_key(key: str) -> str:
    """The path of a key in a message: as it is where it is an ordinary one."""
    return key if _KEY.fullmatch(key) else shown(key)


class OutputLost(EnvironmentFailed):
    """A standard stream takes no more: `quiet` where its reader left (`| head`), which is nobody's fault."""

    def __init__(self, error: OSError | ValueError) -> None:
        super().__init__(f"standard output cannot be written ({getattr(error, 'strerror', None) or error})")
        self.quiet = isinstance(error, BrokenPipeError)


class Gate:
    """A text stream before another one, None where that is closed; what is not `needed` may be lost in silence."""

    def __init__(self, stream: TextIO | None, *, needed: bool, through: Callable[[str], str] = visible) -> None:
        self.stream, self.needed, self.through = stream, needed, through

    def write(self, text: str) -> int:
        """Pass the visible text on.

        Raises:
            OutputLost: disk full, reader gone, stream closed.
        """
        if not isinstance(text, str):
            raise TypeError("a text stream takes text")  # how click tells text streams from binary ones
        coding = self.encoding
        with self._noticed():
            self._open().write(self.through(text).encode(coding, "backslashreplace").decode(coding))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Every line through the gate."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Pass on what is held back.

        Raises:
            OutputLost: as `write`.
        """
        if self.stream is not None:
            with self._noticed():
                self.stream.flush()

    def _open(self) -> TextIO:
        if self.stream is None:
            raise OSError(errno.EBADF, "it is closed")
        return self.stream

    @contextlib.contextmanager
    def _noticed(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # a ValueError: closed by somebody else
            if self.needed:
                raise OutputLost(error) from None

    def isatty(self) -> bool:
        """Whether a person looks at it."""
        return self.stream is not None and self.stream.isatty()

    def fileno(self) -> int:
        """The descriptor, for who asks how wide the terminal is."""
        return self._open().fileno()

    @property
    def encoding(self) -> str:
        """What the stream writes its text in."""
        return (self.stream.encoding if self.stream is not None else None) or "utf-8"

    @property
    def errors(self) -> str:
        """Nothing is left to go wrong: what the encoding lacks is written out."""
        return "backslashreplace"

    def drop(self) -> None:
        """Let what is held back go nowhere, so that the interpreter does not try to write it again at its end."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)


def styled(stream: TextIO) -> TextIO:
    """The same stream for text that was made `visible` before its own colours went around it."""
    gate: object = stream
    return cast(TextIO, Gate(gate.stream, needed=gate.needed, through=str)) if isinstance(gate, Gate) else stream


@contextlib.contextmanager
def gated() -> Iterator[Gate]:
    """Put gates before standard output, which is handed out, and standard error, and take them away again."""
    out, err = Gate(sys.stdout, needed=True), Gate(sys.stderr, needed=False)
    with contextlib.redirect_stdout(cast(TextIO, out)), contextlib.redirect_stderr(cast(TextIO, err)):
        yield out
