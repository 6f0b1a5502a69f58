"""YAML that somebody hands in, as plain data: without aliases, of which a few lines make more than any memory holds."""

from __future__ import annotations

from typing import Any

from advisor.errors import BadInput


def plain_yaml(text: str | bytes, where: str) -> Any:
    """What a text says, read with the C loader where it was built; `where` names the file in a message.

    Raises:
        BadInput: it is no YAML, or has an alias.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, loader)):
            raise BadInput(f"{where}: has an alias (*name); write the value out")
        return yaml.load(text, loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        told = " ".join(str(error).split())
        raise BadInput(f"{where}: is not YAML ({told[:200]})") from None
