"""What a check of a folder finds out."""

from __future__ import annotations

from typing import Literal

from advisor.errors import EXIT_NO, EXIT_YES
from advisor.schema import value

Status = Literal["pass", "fail", "skipped", "by hand"]


@value
class Line:
    """One line of the checklist as it went."""

    id: str
    fact: str
    status: Status
    reason: str  # why it failed or was skipped; empty for a pass
    seen: str  # the last lines of what the command printed
    command: str | None
    expect: str
    otherwise: str
    why: str = ""
    seconds: float = 0.0


@value
class CheckReport:
    """Every line, in the order of CHECKLIST.md."""

    plan: str
    target: str  # the way of running that was looked at
    running: bool  # whether the deployment itself runs now
    lines: tuple[Line, ...]
    schema_version: int = 1

    @property
    def failed(self) -> tuple[Line, ...]:
        """The lines that did not show what they must."""
        return tuple(line for line in self.lines if line.status == "fail")

    @property
    def exit_code(self) -> int:
        """0 nothing failed, 1 something did."""
        return EXIT_NO if self.failed else EXIT_YES
