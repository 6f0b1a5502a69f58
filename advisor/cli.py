"""The command line. It imports click and its groups only; a command's module is imported when the command runs."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click

from advisor import __version__
from advisor.commands.groups import Group

# name → (module, one line for --help). The line stands here so that --help imports no command.
COMMANDS = {
    "recommend": ("advisor.commands.recommend", "Which engine for this load, with settings and files."),
    "size": ("advisor.commands.size", "Which machines for this load, and what they cost."),
    "capacity": ("advisor.commands.capacity", "How many users this machine serves, and what stops it there."),
    "compare": ("advisor.commands.compare", "Plans, cards, models, formats or engines under one load."),
    "migrate": (
        "advisor.commands.migrate",
        "From the engine that runs here to the other one, and back.",
    ),
    "watch": ("advisor.commands.watch", "A running engine observed: load, waits, trend, what is wrong."),
    "workload": ("advisor.commands.workload", "A profile from a log of requests, or from metrics."),
    "probe": ("advisor.commands.probe", "What this machine has."),
    "predict": ("advisor.commands.predict", "Predictions for many given configurations."),
    "evaluate": ("advisor.commands.evaluate", "Your own measurements against the predictions."),
    "check": ("advisor.commands.check", "The pre-deployment checklist, run on this host."),
    "smoke": ("advisor.commands.smoke", "Start what was rendered, drive it, compare it with the prediction."),
    "tune": ("advisor.commands.tune", "Try settings on the real engine, and keep what is better."),
    "measurements": ("advisor.commands.measurements", "What was measured on this machine."),
    "render": ("advisor.commands.render", "The files again from a saved plan."),
    "plan": ("advisor.commands.plan", "What changed between two saved plans."),
    "report": ("advisor.commands.report", "A plan as one page to look at and to hand to a reviewer."),
    "explain": ("advisor.commands.explain", "A rule, a setting or a figure: reason, threshold, source."),
    "catalog": ("advisor.commands.catalog", "The GPUs, models, engines and rules that are known."),
    "ui": ("advisor.commands.ui", "The same as a local page on which the numbers can be moved."),
    "mcp": ("advisor.commands.mcp", "The same functions for assistants (MCP)."),
    "doctor": ("advisor.commands.doctor", "A report to paste into an issue."),
}


_COMPLETING = "_ADVISOR_COMPLETE"  # set by the script that a shell was given
_BETWEEN_COLLECTIONS = 100_000  # new objects: those of an answer stay, and at 700 a tenth of its time is looking


class LazyGroup(Group):
    """A group whose commands are imported one at a time, on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names in the order in which a person meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the module of one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.command(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="advisor")
@click.pass_context
def app(context: click.Context) -> int:
    """Ollama or vLLM, for this hardware and these users: the decision, the settings, and files that start.

    Without a command it asks the four questions that matter.

    \b
    Examples:
      advisor
      advisor recommend --users 50
      advisor recommend --users 50 --gpu "2x RTX 4090" --model Qwen/Qwen2.5-7B-Instruct
      advisor probe --out hw.json

    \b
    Exit codes: 0 a plan that meets the targets, 1 no (the nearest yes is printed),
    2 bad input, 3 the environment failed.
    TAB completes: eval "$(_ADVISOR_COMPLETE=bash_source advisor)", or zsh_source.
    """
    if context.invoked_subcommand is not None:
        return 0
    if sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty():
        from advisor.commands.wizard import run

        return run()
    click.echo(context.get_help())
    return 0


def main(argv: list[str] | None = None) -> None:
    """Run the command line; whatever happens is an exit code, and one message where it is no answer."""
    from advisor.edge.terminal import OutputLost, gated

    gc.set_threshold(_BETWEEN_COLLECTIONS)
    atexit.register(gc.freeze)  # at its end the interpreter looks for garbage in all that an answer was made of
    if _COMPLETING in os.environ:  # a shell asks; click writes bytes, which a gate does not take
        app.main(args=argv, prog_name="advisor")
    with gated() as out:
        try:
            code = _run(argv)
            out.flush()
        except OutputLost as lost:
            code = lost.exit_code
            out.drop()
            if not lost.quiet:
                click.echo(f"advisor: {lost}", err=True)
    sys.exit(code)


def _run(argv: list[str] | None) -> int:
    """The exit code of a command; our own errors are one message, and so is what nobody expected.

    Raises:
        OutputLost: standard output takes no more.
    """
    from advisor.edge.terminal import OutputLost
    from advisor.errors import AdvisorError

    try:
        result: Any = app.main(args=argv, prog_name="advisor", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except OutputLost:
        raise
    except (AdvisorError, click.ClickException) as error:
        _say(error, argv)
        return error.exit_code
    except click.exceptions.Abort:
        click.echo("advisor: interrupted", err=True)
        return 130
    except Exception as error:  # noqa: BLE001 - the net under all commands: exit code 1 would read as "no plan"
        return _unexpected(error)


def _say(error: Exception, argv: list[str] | None) -> None:
    from advisor.commands.failing import say

    say(error, app, sys.argv[1:] if argv is None else argv)


def _unexpected(error: Exception) -> int:
    """A fault of this program: one line that says how to report it, the traceback where it was asked for."""
    import traceback

    from advisor.edge.terminal import MOST_SHOWN
    from advisor.errors import EXIT_ENVIRONMENT

    if os.environ.get("ADVISOR_DEBUG") == "1":
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    here = str(Path(__file__).parent)
    place = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(here)][-1]
    said = " ".join(f"{type(error).__name__}: {error}".split())[:MOST_SHOWN]
    click.echo(
        f"advisor {__version__}: this is a fault of advisor, not yours: {said} ({Path(place.filename).name}:"
        f"{place.lineno}). Please report it with the command, its input and what ADVISOR_DEBUG=1 prints",
        err=True,
    )
    return EXIT_ENVIRONMENT


if __name__ == "__main__":
    main()
