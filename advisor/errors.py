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
    """The user's file, flag or name cannot be used: says where, what was seen, what is accepted."""

    exit_code = EXIT_BAD_INPUT


class EnvironmentFailed(AdvisorError):
    """The machine refused something that the input did not cause: cannot write, cannot start."""

    exit_code = EXIT_ENVIRONMENT
