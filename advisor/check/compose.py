"""The compose.yaml that Compose reads during a check: rendered by this program, never the folder's.

A file from elsewhere may include others, from the network too, and the .env beside it may name any file to read.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from advisor.render import render
from advisor.schema import Plan

NAME = "compose.yaml"
# Of Compose's own settings none is taken from the folder.
NOT_FROM_FOLDER = {"COMPOSE_DISABLE_ENV_FILE": "1", "COMPOSE_ENV_FILES": os.devnull, "COMPOSE_PROFILES": ""}


@contextmanager
def own_compose(plan: Plan) -> Iterator[Mapping[str, str]]:
    """Environment variables with which every `docker compose` reads what the plan renders.

    Where the plan has no compose.yaml, it reads an empty file: the folder's does not count.
    """
    with tempfile.TemporaryDirectory(prefix="advisor-check-") as made:
        file = Path(made) / NAME
        texts = {file.path: file.text for file in render(plan)}
        file.write_text(texts.get(NAME, "services: {}\n"), encoding="utf-8")
        yield {**NOT_FROM_FOLDER, "COMPOSE_FILE": str(file)}
