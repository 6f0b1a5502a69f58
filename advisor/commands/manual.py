"""The manual page advisor(1), made of the help of every command; the same program gives the same bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from advisor.catalog import engines_told

_HEAD = (
    '.TH ADVISOR 1 "" "" "User Commands"',
    ".SH NAME",
    f"advisor \\- decides between {engines_told('and')}, with settings and files",
)


def manual(app: click.Group) -> str:
    """Troff of the whole program; `man -l FILE` shows it."""
    context = click.Context(app, info_name="advisor")
    lines = [*_HEAD, ".SH SYNOPSIS", "advisor COMMAND [OPTIONS] ...", ".SH DESCRIPTION", *_told(app.help or "")]
    lines.append(".SH COMMANDS")
    for name in app.list_commands(context):
        lines += _command(app.get_command(context, name), context, name)
    return "\n".join(lines) + "\n"


def _command(command: click.Command | None, above: click.Context, name: str) -> Iterator[str]:
    """Its usage, what it says of itself, its options; then the commands below it."""
    if command is None:
        return
    context = click.Context(command, info_name=name, parent=above)
    yield f".SS {_plain(context.command_path)} {_plain(' '.join(command.collect_usage_pieces(context)))}"
    yield from _told(command.help or "")
    for param in command.get_params(context):
        record = param.get_help_record(context)
        if record and "--help" not in param.opts:
            yield from (".TP", f".B {_plain(record[0])}", _plain(record[1]))
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            yield from _command(command.get_command(context, below), context, below)


def _told(text: str) -> Iterator[str]:
    """Paragraphs; what click does not wrap stands as it is."""
    for paragraph in re.split(r"\n\s*\n", "\n".join(line.strip() for line in text.strip().splitlines())):
        lines = [line for line in paragraph.splitlines() if line]
        if lines[:1] == ["\b"]:
            yield from (".PP", ".nf", *map(_plain, lines[1:]), ".fi")
        else:
            yield from (".PP", *map(_plain, lines))


def _plain(text: str) -> str:
    """A line that troff takes for text alone."""
    told = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{told}" if told.startswith((".", "\\(aq")) else told
