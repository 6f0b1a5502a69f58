"""What can go wrong, as exit codes: a message says what happened, what was seen, and what to do."""

from __future__ import annotations

EXIT_YES = 0
EXIT_NO = 1
EXIT_BAD_INPUT = 2
EXIT_ENVIRONMENT = 3


class AdvisorError(Exception):
    """Base of every error that is shown to a person without a traceback."""

    exit_code = EXIT_ENVIRONMENT


class BadInput(AdvisorError):
    """The user's file, flag or name cannot be used: says where, what was seen, what is accepted.

    Args:
        said: the message, one fact a line.
        near: what to write in its place, where that can be said.
        seen: the part of what was typed in whose place it stands; None: all of it.
        flag: the option that is its usual place, where it was not typed; empty: `near` is a whole command.
        drop: options that are too many: the same without them is what to type.
    """

    exit_code = EXIT_BAD_INPUT

    def __init__(
        self,
        said: str,
        *,
        near: str | None = None,
        seen: str | None = None,
        flag: str = "",
        drop: tuple[str, ...] = (),
    ) -> None:
        super().__init__(said)
        self.near, self.seen, self.flag, self.drop = near, seen, flag, drop


class EnvironmentFailed(AdvisorError):
    """The machine refused something that the input did not cause: cannot write, cannot start."""

    exit_code = EXIT_ENVIRONMENT
