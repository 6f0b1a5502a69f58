"""Groups of commands that answer an unknown name with the nearest one and what to type."""

from __future__ import annotations

import click


class Group(click.Group):
    """A group in which a slip of the finger is understood."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words; without any the releases of click differ, so that it is said here.

        Raises:
            UsageError: no command is named.
        """
        if not args and not self.invoke_without_command and not ctx.resilient_parsing:
            names = ", ".join(self.list_commands(ctx))
            raise click.UsageError(f"{ctx.command_path} needs one of its commands: {names}", ctx)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names.

        Raises:
            UsageError: none has that name; says the nearest, what to type, and where all stand.
        """
        if args[0] not in self.list_commands(ctx) and not ctx.resilient_parsing and not args[0].startswith("-"):
            raise click.UsageError(unknown(args[0], self.list_commands(ctx), ctx.command_path), ctx)
        return super().resolve_command(ctx, args)


def unknown(name: str, names: list[str], path: str) -> str:
    """What is said of a command that does not exist."""
    import difflib

    from advisor.edge.terminal import shown

    said = f"there is no command {shown(name)}"
    near = difflib.get_close_matches(name.lower(), names, n=1)
    if near:
        said += f"; did you mean {near[0]}?\ntype: {path} {near[0]}"
    return f"{said}\nall commands: {', '.join(names)}"
