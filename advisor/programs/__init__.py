"""The same for other programs: plain data in, plain data out, and the MCP server that hands it to assistants."""
