"""What click refuses, in words: a command or an option that there is not, a word too many, a value that is missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import click

from advisor.commands.failing import nearest, quoted
from advisor.commands.typed import spelt, takes_value
from advisor.errors import BadInput

_MOST_NAMED = 4  # commands that have an option
_EXTRA = re.compile(r"unexpected extra arguments? \((.+)\)")


def _is_card(word: str) -> bool:
    from advisor.probe.named import named

    return _read(lambda: named(word))


def _is_model(word: str) -> bool:
    from advisor.models.names import find_model

    return _read(lambda: find_model(word, offline=True))


def _read(read: Callable[[], object]) -> bool:
    try:
        read()
    except BadInput:
        return False
    return True


# Whose value a word without an option may be, in the order in which it is asked.
_TAKES: dict[str, Callable[[str], bool]] = {
    "--users": str.isdigit, "--gpu": _is_card, "--model": _is_model, "--search": lambda _: True
}  # fmt: skip


def misused(
    error: click.UsageError, path: str, command: click.Command | None, app: click.Command | None, argv: Sequence[str]
) -> tuple[list[str], str | None]:
    """What is said line by line, and what to type where that is known."""
    if isinstance(error, click.NoSuchOption):
        return _no_option(error.option_name, path, command, app, argv)
    if isinstance(error, click.BadOptionUsage) and error.option_name:
        return [f"{error.option_name} needs a value{_meaning(command, error.option_name)}"], None
    if isinstance(error, click.MissingParameter) and error.param is not None:
        return [f"{path} needs {spelt(error.param)}", *_example(command, path)], None
    if extra := _EXTRA.search(error.format_message()):
        return _too_many(extra[1], path, command, argv)
    said = error.format_message()
    return [line for line in (said[:1].lower() + said[1:].rstrip(".")).splitlines() if line.strip()], None


def _too_many(
    words: str, path: str, command: click.Command | None, argv: Sequence[str]
) -> tuple[list[str], str | None]:
    """A word too many: often the value of an option whose name was left out."""
    word = next((each for each in argv if each and words.startswith(each)), words)
    if whole := _torn(word, argv):
        said = f"{path} takes no {word!r} by itself; did you mean {whole}?"
        return [said, "what has blanks in it stands in quotes"], whole
    flag = next((name for name, takes in _TAKES.items() if name in _options(command) and takes(word)), None)
    said = f"{path} takes no {word!r}"
    if flag is None:
        return [f"{said}: it is a word too many", *_example(command, path)], None
    return [f"{said}; did you mean {flag} {quoted(word)}?", f"all options: {path} --help"], f"{flag} {quoted(word)}"


def _torn(word: str, argv: Sequence[str]) -> str | None:
    """The option and its whole value, where that was typed without quotes: `--gpu RTX 4090`; None: it was not."""
    place = list(argv).index(word) if word in argv else 0
    start = next((at for at in range(place - 1, -1, -1) if argv[at].startswith("--")), None)
    if start is None:
        return None
    end = next((at for at in range(place, len(argv)) if argv[at].startswith("-")), len(argv))
    flag, _, first = argv[start].partition("=")
    value = " ".join(filter(None, (first, *argv[start + 1 : end])))
    takes = _TAKES.get(flag)
    if takes is None or flag == "--users" or not takes(value):
        return None
    return f"{flag} {quoted(value)}"


def _no_option(
    name: str, path: str, command: click.Command | None, app: click.Command | None, argv: Sequence[str]
) -> tuple[list[str], str | None]:
    """The nearest of the command's own; else the commands that have it."""
    own = nearest(name.lstrip("-"), [each[2:] for each in _options(command)])[:_MOST_NAMED]
    others = [] if own else _who_has(app, path, name)
    said = f"there is no option {name}"
    if own:
        also = [f"also near: {', '.join(f'--{each}' for each in own[1:])}"] if own[1:] else []
        value = _value(name, argv) if _needs_value(command, f"--{own[0]}") else ""
        return [f"{said}; did you mean --{own[0]}?", *also, f"all options: {path} --help"], f"--{own[0]}{value}"
    if others and path == "advisor":
        line = " ".join(map(quoted, argv))
        return [f"{said} before a command; did you mean {others[0]}?"], f"{others[0]} {line}"
    more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
    had = [f"{name} is an option of {', '.join(others[:_MOST_NAMED])}{more}"] if others else []
    if not others or more:  # many have it: it is no sign of which was meant
        return [f"{said} of {path}", *had], None
    return [f"{said} of {path}", *had, f"all options: {path} --help"], f"{others[0]} --help"


def _value(name: str, argv: Sequence[str]) -> str:
    """What was typed behind the option, as it is typed behind another one."""
    for word, after in zip(argv, (*argv[1:], ""), strict=True):
        if word == name and after and not after.startswith("--"):
            return f" {quoted(after)}"
        if word.startswith(f"{name}="):
            return f" {quoted(word.partition('=')[2])}"
    return ""


def _needs_value(command: click.Command | None, name: str) -> bool:
    params = command.params if command is not None else []
    return any(takes_value(param) for param in params if name in param.opts)


def _options(command: click.Command | None) -> list[str]:
    params = command.get_params(click.Context(command)) if command is not None else []
    return [name for param in params for name in param.opts if name.startswith("--")]


def _who_has(app: click.Command | None, path: str, name: str) -> list[str]:
    """The other commands with an option of that name."""
    if not isinstance(app, click.Group):
        return []
    context = click.Context(app)
    known = ((f"advisor {each}", app.get_command(context, each)) for each in app.list_commands(context))
    return [each for each, command in known if each != path and name in _options(command)]


def _meaning(command: click.Command | None, name: str) -> str:
    """` (N): People who use the service in the same hour.`."""
    found = next((each for each in command.params if name in each.opts), None) if command is not None else None
    record = found.get_help_record(click.Context(command)) if found is not None and command is not None else None
    return f" ({record[0].split(maxsplit=1)[-1]}): {record[1]}" if record else ""


def _example(command: click.Command | None, path: str) -> list[str]:
    """The first example of its help."""
    lines = ((command.help if command is not None else None) or "").splitlines()
    found = next((line.strip() for line in lines if line.strip().startswith(f"{path} ")), None)
    return [f"for example: {found}"] if found else []
