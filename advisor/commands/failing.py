"""An error as a person reads it: what is wrong with the nearest name, then one fact a line and what to type."""

from __future__ import annotations

import difflib
import re
import sys

import click


def say(error: Exception) -> None:
    """Print to standard error: the first line behind the program's name, the others set in; wrapped on a terminal."""
    from advisor.report.layout import wrapped
    from advisor.report.screen import MOST_COLUMNS, terminal_columns

    seen = terminal_columns(sys.stderr) if sys.stderr.isatty() else None  # a log is searched line by line
    width = min(seen, MOST_COLUMNS) if seen else None
    first, *others = _message(error).splitlines() or [""]
    for head, text in (("advisor: ", first), *(("  ", line) for line in others)):
        told = wrapped(text, width - len(head)) if width else [text]
        click.echo("\n".join(f"{head if not number else '  '}{line}" for number, line in enumerate(told)), err=True)


def _message(error: Exception) -> str:
    if isinstance(error, click.NoSuchOption):
        return f"{_option(error)}{_help(error)}"
    if isinstance(error, click.UsageError):
        said = error.format_message()
        lowered = said[:1].lower() + said[1:].rstrip(".")
        return lowered if "all commands:" in said else f"{lowered}{_help(error)}"
    return error.format_message() if isinstance(error, click.ClickException) else str(error)


def _option(error: click.NoSuchOption) -> str:
    """The nearest option first: what was typed as its beginning counts before likeness."""
    name, known = error.option_name, _options(error)
    ends = [each for each in known if each.startswith(name)]
    near = ends or difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    if not near:
        return f"there is no option {name}"
    also = f"\nalso near: {', '.join(near[1:])}" if near[1:] else ""
    return f"there is no option {name}; did you mean {near[0]}?{also}"


def _options(error: click.NoSuchOption) -> list[str]:
    ctx = error.ctx
    known = [name for param in ctx.command.get_params(ctx) for name in param.opts] if ctx is not None else []
    return [name for name in known if name.startswith("--")]


def _help(error: click.UsageError) -> str:
    path = re.sub(r"\s+", " ", error.ctx.command_path) if error.ctx is not None else "advisor"
    return f"\nall options: {path} --help"
