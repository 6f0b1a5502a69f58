"""`advisor mcp`: the same functions for assistants."""

from __future__ import annotations

import click


@click.command("mcp")
def command() -> int:
    """Serve probe, recommend, predict, size, explain and check to an assistant, on standard input and output (MCP).

    None of the tools changes anything. An assistant starts this command itself; name it in its configuration.

    \b
    Examples:
      advisor mcp
      {"mcpServers": {"advisor": {"command": "advisor", "args": ["mcp"]}}}

    \b
    Exit codes: 0 ended, 2 the extra is not installed.
    """
    from advisor.commands.extras import require

    require("mcp", "mcp")
    import sys
    from contextlib import redirect_stdout

    from advisor.commands.size_tool import size
    from advisor.programs.server import server

    with redirect_stdout(sys.__stdout__):  # bytes go out as they are, which a gate for text does not take
        server(size).run()
    return 0
