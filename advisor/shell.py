"""Pieces of shell that several lines of the checklist share."""

from __future__ import annotations


def from_env(name: str, file: str = ".env") -> str:
    """The value of a variable in a file, read and not executed: what stands there may be anything."""
    return f"$(sed -n 's/^{name}=//p' {file} 2>/dev/null | tail -n 1 | tr -d \"\\\"'\")"


def bearer(variable: str) -> str:
    """curl's option for a key in a variable, so that the key does not stand in the process list."""
    return f'-K <(printf \'header = "Authorization: Bearer %s"\' "${{{variable}:-}}")'


def at_least(query: str, least: str) -> str:
    """Print what the query says; succeed when it is that version or a later one."""
    return f'found=$({query}) && echo "$found" && printf \'%s\\n\' {least} "$found" | sort -V -C'


def no_less(query: str, least: int) -> str:
    """Print a whole number; succeed when it is large enough."""
    return f'found=$({query}) && echo "$found" && [ "$found" -ge {least} ]'


def stop_if_busy(port: int | str) -> str:
    """Say so and fail when something listens on the port of this machine: a number, or a shell word."""
    return f"if (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; then echo busy; exit 1; fi"
