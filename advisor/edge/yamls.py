"""YAML that somebody hands in, as plain data: without aliases, of which a few lines make more than any memory holds."""

from __future__ import annotations

from typing import Any

from advisor.edge.terminal import shown_key
from advisor.errors import BadInput


def plain_yaml(text: str | bytes, where: str) -> Any:
    """What a text says, read with the C loader where it was built; `where` names the file in a message.

    Raises:
        BadInput: it is no YAML, has an alias, or a key twice.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, loader)):
            raise BadInput(f"{where}: has an alias (*name); write the value out")
        top = yaml.compose(text, loader)
        _once(top, where)
        return None if top is None else loader("").construct_document(top)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        told = " ".join(str(error).split())
        raise BadInput(f"{where}: is not YAML ({told[:200]})") from None


def _once(top: Any, where: str) -> None:
    """Refuse a key that stands twice in its mapping, of which YAML's reader takes the last without a word."""
    left = [top] if top is not None else []
    while left:
        node = left.pop()
        if node.id == "mapping":
            lines: dict[str, int] = {}
            for key, _ in node.value:
                name = str(key.value) if key.id == "scalar" else ""
                if name in lines:
                    line = key.start_mark.line + 1
                    raise BadInput(f"{where}:{line}: {shown_key(name)}: stands twice, first in line {lines[name]}")
                lines |= {name: key.start_mark.line + 1} if name else {}
            left.extend(value for _, value in node.value)
        elif node.id == "sequence":
            left.extend(node.value)
