"""Files of NAME=value lines that a script sources, read as data: what is more than a plain value shows."""

from __future__ import annotations

import re
from collections.abc import Mapping

# A value in which a shell finds nothing to expand, run or split: bare, or in quotes of either kind.
_LINE = re.compile(r"""(?:export )?([A-Za-z_]\w*)=([^\s$`"'\\;&|<>()*?\[\]~#]*|'[^']*'|"[^"$`\\]*")[ \t]*(?:#.*)?""")


def assignments(text: str) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """The variables of such a file, and the lines that are neither comments nor plain assignments."""
    found: dict[str, str] = {}
    others = []
    for line in text.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match:
            found[match[1]] = match[2].strip("'\"")
        elif line.strip() and not line.lstrip().startswith("#"):
            others.append(line)
    return found, tuple(others)
