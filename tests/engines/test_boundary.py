"""The engine boundary: which engine it is, is asked inside `engines/` and nowhere else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import advisor
from advisor.catalog import engine_names
from advisor.engines import ENGINES, predictable
from advisor.render import template_folder

PACKAGE = Path(advisor.__file__).parent
# The plug-ins themselves, development programs that ask one engine or fit one engine's figures, and the move from one
# named engine to another.
INSIDE = ("engines", "refresh", "calibrate", "migrate")
OWN_NAMES = re.compile(r"ollama[_ ]tag|ollama_quantization", re.IGNORECASE)  # of the contract with the user
NAMED = re.compile("|".join(map(re.escape, predictable())) + "|llamacpp", re.IGNORECASE)
WORDS = ("id", "attr", "arg", "name", "asname", "module")  # where a node of the syntax tree keeps a name
INCLUDED = ("notes.md.j2", "install.sh.j2", "fetch.sh.j2")  # by shared templates, from every engine's folder


def code_outside() -> Iterator[Path]:
    """Every module of the package that may not know an engine."""
    for path in sorted(PACKAGE.rglob("*.py")):
        place = str(path.relative_to(PACKAGE))
        if place.split("/")[0] not in INSIDE:
            yield path


def words_of(code: str) -> Iterator[str]:
    """Every name and every text of a module's code; a text that stands alone is a docstring, and says what it likes."""
    tree = ast.parse(code)
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value
        yield from (word for field in WORDS if isinstance(word := getattr(node, field, None), str))


def engines_in(code: str) -> list[str]:
    """The words that name an engine."""
    return [word for word in words_of(code) if NAMED.search(OWN_NAMES.sub("", word))]


def test_the_search_finds_names() -> None:
    """An import, a comparison, a keyword, an attribute and a name are each seen; a docstring and `ollama_tag` are not."""
    code = '"""Of vLLM."""\nfrom advisor.engines.vllm import x\nx == "ollama"\nf(ollama=1)\na.vllm\nOLLAMA_HOST\nx.ollama_tag'
    assert len(engines_in(code)) == 5


@pytest.mark.parametrize("path", list(code_outside()), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_engine_is_named(path: Path) -> None:
    """What differs between engines is said by them, or is data under a key that they hand over."""
    assert not engines_in(path.read_text(encoding="utf-8"))


def test_shared_templates_name_no_engine() -> None:
    """Templates outside the engines' own folders place what they are given; a comment may tell why."""
    root = template_folder()
    shared = (path for path in root.rglob("*.j2") if path.relative_to(root).parts[0] not in ENGINES)
    named = [line for path in shared for line in path.read_text(encoding="utf-8").splitlines() if NAMED.search(line)]
    assert all(line.strip().startswith("#") for line in named), named


def test_every_engine_has_what_shared_templates_include() -> None:
    """Its section of the README, its installation on a host, and how its weights are saved for another one."""
    assert all((template_folder() / engine / name).is_file() for engine in ENGINES for name in INCLUDED)


def test_the_registry_and_the_data_name_the_same_engines() -> None:
    """Those who must not import an engine read its name in the catalogue, in the same order."""
    assert engine_names() == tuple(ENGINES)
