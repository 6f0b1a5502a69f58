"""The load generator: requests over HTTP, their streams, and what was measured."""
