"""An error as a person reads it: what is wrong with the nearest name, then one fact a line, at last what to type."""

from __future__ import annotations

import difflib
import shlex
import sys
from collections.abc import Iterator, Sequence

import click

from advisor.commands.typed import takes_value
from advisor.errors import BadInput

_TYPE = "type: "


def say(error: Exception, app: click.Command | None = None, argv: Sequence[str] = ()) -> None:
    """Print to standard error: the first line behind the program's name, the others set in; wrapped on a terminal.

    Args:
        app: the command line in which it was typed; None: it answered a question, and has no option.
        argv: what was typed.
    """
    from advisor.report.screen import MOST_COLUMNS, terminal_columns

    seen = terminal_columns(sys.stderr) if sys.stderr.isatty() else None  # a log is searched line by line
    for line in told(error, app, argv, min(seen, MOST_COLUMNS) if seen else None):
        click.echo(line, err=True)


def told(
    error: Exception, app: click.Command | None = None, argv: Sequence[str] = (), width: int | None = None
) -> list[str]:
    """The lines of a message, no wider than `width`; None: each fact is one line."""
    from advisor.report.layout import wrapped

    first, *others = _facts(error, app, argv) or [""]
    lines = []
    for head, text in (("advisor: ", first), *(("  ", line) for line in others)):
        parts = wrapped(text, width - len(head)) if width else [text]
        lines += [f"{head if not number else '  '}{part}" for number, part in enumerate(parts)]
    return lines


def _facts(error: Exception, app: click.Command | None, argv: Sequence[str]) -> list[str]:
    """Everything that is said; where something was typed wrongly, the last line says what to type."""
    path, command = _where(app, argv)
    if isinstance(error, click.UsageError):
        from advisor.commands.misused import misused

        said, near = misused(error, path, command, app, argv)
    else:
        said = (error.format_message() if isinstance(error, click.ClickException) else str(error)).splitlines()
        near = _typed(error, command, argv) if isinstance(error, BadInput) else None
    facts = [line for line in said if not line.startswith(_TYPE)]
    proposed = near or next((line.removeprefix(_TYPE) for line in said if line.startswith(_TYPE)), None)
    if proposed is None and command is not None and getattr(error, "exit_code", 0) == BadInput.exit_code:
        proposed = f"{path} --help"
    return [*facts, *([f"{_TYPE}{proposed}"] if proposed else [])]


def _where(app: click.Command | None, argv: Sequence[str]) -> tuple[str, click.Command | None]:
    """`advisor catalog gpus` and that command: as far as what was typed names one."""
    path, command = "advisor", app
    for word in argv:
        found = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
        if found is None:
            break
        path, command = f"{path} {word}", found
    return path, command


def _typed(error: BadInput, command: click.Command | None, argv: Sequence[str]) -> str | None:
    """What to type: the option with its new value, of a word without an option the whole line; else a command."""
    if error.drop:
        return _without(error.drop, command, argv)
    if error.near is None:
        return None
    if command is None:  # an answer to a question is typed without an option
        answer = argv[0] if argv else ""
        return answer.replace(error.seen, error.near, 1) if error.seen and error.seen in answer else error.near
    if error.seen is None:
        return error.near if not error.flag else f"{error.flag} {quoted(error.near)}"
    for place, flag, value in _values(command, argv):
        if value == error.seen or (len(error.seen) > 1 and error.seen in value):
            corrected = quoted(value.replace(error.seen, error.near, 1))
            return f"{flag} {corrected}" if flag else _line(argv, place, corrected)
    return f"{error.flag} {quoted(error.near)}" if error.flag else None


def _without(flags: Sequence[str], command: click.Command | None, argv: Sequence[str]) -> str | None:
    """The line that was typed, those options and their values left out; None where none of them stands in it."""
    gone = {place for place, flag, _ in _values(command, argv) if flag in flags}
    gone |= {place for place, word in enumerate(argv) if word.partition("=")[0] in flags}
    kept = [quoted(word) for place, word in enumerate(argv) if place not in gone]
    return " ".join(["advisor", *kept]) if gone else None


def _line(argv: Sequence[str], place: int, corrected: str) -> str:
    """The line that was typed, with another word at that place."""
    return " ".join(("advisor", *(corrected if number == place else quoted(each) for number, each in enumerate(argv))))


def _values(command: click.Command | None, argv: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Every value that was typed: its place, the option that it is of (empty: none), and the value."""
    params = command.params if command is not None else []
    takes = {name for param in params if takes_value(param) for name in param.opts}
    flags = {name for param in params for name in (*param.opts, *param.secondary_opts)}
    for place, word in enumerate(argv):
        name, equals, value = word.partition("=")
        before = argv[place - 1] if place else ""
        if name in takes and equals:
            yield place, name, value
        elif before in takes:
            yield place, before, word
        elif word not in flags:
            yield place, "", word


def quoted(word: str) -> str:
    """A word as it is typed in any shell: in double quotes where it needs some and they are enough."""
    if shlex.quote(word) == word:
        return word
    return shlex.quote(word) if any(sign in word for sign in '"$`\\!') else f'"{word}"'


def nearest(text: str, names: Sequence[str], least: float = 0.6) -> list[str]:
    """What it begins, else what it looks like; the nearest first."""
    begun = [name for name in names if name.startswith(text)]
    return begun or difflib.get_close_matches(text, names, n=3, cutoff=least)
