"""`--measurements`: which measurements a prediction is corrected by, the same for every command that predicts."""

from __future__ import annotations

import click

measurements_option = click.option(
    "--measurements",
    metavar="FILE|none",
    help="What was measured before: a file by `advisor measurements list --json`, a folder of measurements, or none "
    "[default: what was kept on this machine]. Each counts only for the machine that it was taken on.",
)
