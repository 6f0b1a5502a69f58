"""The command line. It imports click and nothing else; a command's module is imported when the command runs."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from advisor import __version__

# name → (module, one line for --help). The line stands here so that --help imports no command.
COMMANDS = {
    "recommend": ("advisor.commands.recommend", "Which engine for this load, with settings and files."),
    "probe": ("advisor.commands.probe", "What this machine has."),
    "predict": ("advisor.commands.predict", "Predictions for many given configurations."),
    "evaluate": ("advisor.commands.evaluate", "Your own measurements against the predictions."),
    "check": ("advisor.commands.check", "The pre-deployment checklist, run on this host."),
    "smoke": ("advisor.commands.smoke", "Start what was rendered, drive it, compare it with the prediction."),
    "measurements": ("advisor.commands.measurements", "What was measured on this machine."),
    "render": ("advisor.commands.render", "The files again from a saved plan."),
    "explain": ("advisor.commands.explain", "A rule, a setting or a figure: reason, threshold, source."),
    "catalog": ("advisor.commands.catalog", "The GPUs, models, engines and rules that are known."),
}


class LazyGroup(click.Group):
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


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="advisor")
def app() -> None:
    """Ollama or vLLM, for this hardware and these users: the decision, the settings, and files that start.

    \b
    Examples:
      advisor recommend --users 50
      advisor recommend --users 50 --gpu "2x RTX 4090" --model Qwen/Qwen2.5-7B-Instruct
      advisor probe --out hw.json

    \b
    Exit codes: 0 a plan that meets the targets, 1 no (the nearest yes is printed),
    2 bad input, 3 the environment failed.
    """


def main(argv: list[str] | None = None) -> None:
    """Run the command line; our own errors become one message and their exit code."""
    from advisor.errors import AdvisorError

    try:
        result: Any = app.main(args=argv, prog_name="advisor", standalone_mode=False)
        sys.exit(result if isinstance(result, int) else 0)
    except AdvisorError as error:
        click.echo(f"advisor: {error}", err=True)
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        click.echo("advisor: interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
