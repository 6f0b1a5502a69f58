"""How a setting of vLLM is written down."""

from __future__ import annotations

from advisor.schema import Setting


def flag(name: str, value: object, because: str, source: str) -> Setting:
    """A command-line argument; `None` as the value: a switch."""
    return Setting(name=name, kind="flag", value=None if value is None else str(value), because=because, source=source)


def env(name: str, value: str | None, because: str, source: str) -> Setting:
    """An environment variable; `None` as the value: it comes from .env and stands in no other file."""
    return Setting(name=name, kind="env", value=value, because=because, source=source)
