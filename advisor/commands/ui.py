"""`advisor ui`: the answer as a local page on which the numbers can be moved."""

from __future__ import annotations

import click

from advisor.commands.accepting import Of
from advisor.workload.kinds import Whole


@click.command("ui")
@click.option("--port", type=Of(Whole(least=0, most=65535)), default=0, help="Port on loopback [default: a free one].")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def command(port: int, no_browser: bool) -> int:
    """Open the question and its answer as a page of this machine, and answer while the numbers are moved.

    The first line is the address with its token; nothing else answers. It listens on 127.0.0.1 alone, refuses other
    sites, and writes nothing but what a check or smoke test that you start needs, which goes away with it. Ctrl-C ends
    it.

    \b
    Examples:
      advisor ui
      advisor ui --port 8080 --no-browser

    \b
    Exit codes: 0 ended, 2 bad input or the extra is not installed, 3 the environment failed (port taken, ...).
    """
    from advisor.commands.extras import require

    require("ui", "starlette", "uvicorn")
    from advisor.commands.size_tool import sized
    from advisor.page.serve import serve

    serve(port, click.echo, browser=not no_browser, size=sized)
    return 0
