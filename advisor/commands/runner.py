"""`--runner`: how an engine is started, the same for every command that starts one."""

from __future__ import annotations

import click

from advisor.commands.accepting import one_of

runner_option = click.option(
    "--runner",
    type=one_of("auto", "native", "compose"),
    default="auto",
    show_default=True,
    help="run.sh on this machine (where the engine is installed), or Compose.",
)
