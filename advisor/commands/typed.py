"""What a person typed, as opposed to what is a default: nothing of it is passed over in silence."""

from __future__ import annotations

import click
from click.core import ParameterSource

from advisor.errors import BadInput


def typed(names: tuple[str, ...]) -> list[str]:
    """Those of the current command's options that stand on the command line, as they are spelt."""
    context = click.get_current_context()
    written = {param.name: param.opts[-1] for param in context.command.params}
    return [written[each] for each in names if context.get_parameter_source(each) is ParameterSource.COMMANDLINE]


def spelt(param: click.Parameter | None, otherwise: str = "") -> str:
    """How an option or an argument is written in messages."""
    if param is None:
        return otherwise
    return param.opts[-1] if isinstance(param, click.Option) else param.human_readable_name


def takes_value(param: click.Parameter) -> bool:
    """Whether it is an option that a word follows."""
    return isinstance(param, click.Option) and not param.is_flag


def refuse(names: tuple[str, ...], why: str) -> None:
    """Refuse options that would be ignored.

    Raises:
        BadInput: one of them was typed; `why` goes on behind their names.
    """
    if found := typed(names):
        raise BadInput(f"{', '.join(found)}: {why}", drop=tuple(found))
