"""Physics, predictions and their evaluation hold for every engine: none of their code knows one by name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import advisor
from advisor.engines import predictable

PACKAGE = Path(advisor.__file__).parent
ROOMS = ("physics", "predict", "evaluate")
FILES = [path for room in ROOMS for path in sorted((PACKAGE / room).rglob("*.py"))]
NAMED = re.compile("|".join(name.replace(".", r"\W?") for name in predictable()), re.IGNORECASE)
WORDS = ("id", "attr", "arg", "name", "asname", "module")  # where a node of the syntax tree keeps a name


def words_of(tree: ast.AST) -> Iterator[str]:
    """Every name and every text of a module's code; a text that stands alone is a docstring, and says what it likes."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value
        yield from (word for field in WORDS if isinstance(word := getattr(node, field, None), str))


def test_the_search_finds_names() -> None:
    """An import, a comparison, a keyword and a name are each seen; a docstring is not."""
    code = '"""Of vLLM."""\nfrom advisor.engines.vllm import x\nx == "llama.cpp"\nf(ollama=1)\nllamacpp_rates'
    assert len([word for word in words_of(ast.parse(code)) if NAMED.search(word)]) == 4


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_engine_is_named(path: Path) -> None:
    """What differs between engines is handed over by them, or data under a key that they hand over."""
    found = [word for word in words_of(ast.parse(path.read_text(encoding="utf-8"))) if NAMED.search(word)]
    assert not found
