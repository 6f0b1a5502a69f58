"""Every value in every template passes a quoting filter of its file's language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import nodes

from advisor.render import environment, template_folder
from advisor.report.html import pages

TEMPLATES = template_folder()
EVERYWHERE = {"plain", "words"}  # what no language reads as anything but itself
YAML = {"yaml", "comment", "compose", "kubernetes", "literal", "helm", "alert"}
UNIT = {"unit_word", "unit_value", "unit_path", "unit_text", "comment"}
MARKDOWN = {"code", "block", "prose", "cell", "sh", "ps"}  # cell: of a table; sh, ps: inside a block of commands
ALLOWED = {
    ".yaml.j2": YAML,
    ".yml.j2": YAML,
    ".sh.j2": {"sh", "comment"},
    ".ps1.j2": {"ps", "comment"},
    ".env.j2": {"sh", "comment"},
    "env.example.j2": {"comment"},
    ".md.j2": MARKDOWN,
    ".json.j2": {"json"},
    ".service.j2": UNIT,
    ".container.j2": UNIT | {"quadlet"},
    ".volume.j2": UNIT,
    ".network.j2": UNIT,
    "_hardening.j2": UNIT,
    "_mounts.j2": UNIT | {"quadlet"},
    "gitignore.j2": set(),  # no value at all
    "Modelfile.j2": {"modelfile", "comment"},
    "Caddyfile.j2": {"caddycomment", "caddymodel", "caddylist"},
    ".py.j2": set(),  # no value of a plan stands in a program
    ".css.j2": set(),  # no value at all
}
PAGES = ".html.j2"  # escape by themselves
# Values without a filter, and why each is safe.
EXCEPTIONS = {
    ("ollama/run.sh.j2", ""): "a command of the vendors' table; the one value of the plan in it passes sh",
    ("_shared/run.sh.j2", ""): "a line of the vendors' table; the slice's place in it is two numbers",
    ("_shared/run.sh.j2", "command"): "shell of this program; names of the plan in it pass plain or shell",
    ("vllm/production-stack-values.yaml.j2", "tojson"): "numbers and true, in the branch that is no string",
}
# Shell that an engine's module states for its model; what the plan gives comes in "$1" and "$2".
COMMANDS = {"up", "present", "fetch", "make", "load"}


def stated_by_engine(node: nodes.Node) -> bool:
    """Whether it is one of the commands of `preparation`."""
    return isinstance(node, nodes.Getattr) and node.attr in COMMANDS and getattr(node.node, "attr", "") == "preparation"


def unquoted(node: nodes.Node, allowed: set[str]) -> list[nodes.Node]:
    """Parts of an output expression that are neither text of the template nor the result of an allowed filter."""
    match node:
        case nodes.TemplateData() | nodes.Const():
            return []
        case nodes.CondExpr():
            return [bad for branch in (node.expr1, node.expr2) if branch for bad in unquoted(branch, allowed)]
        case nodes.Concat():
            return [bad for part in node.nodes for bad in unquoted(part, allowed)]
        case nodes.Filter() if node.name in allowed:
            return []
        case nodes.Filter(name="join", node=nodes.Filter(name="map", args=[nodes.Const(value=each)])):
            return [] if each in allowed else [node]
        case _:
            return [node]


def language(path: Path) -> set[str]:
    """Filters of the language of a template, by the end of its name."""
    return next(filters for ending, filters in ALLOWED.items() if path.name.endswith(ending)) | EVERYWHERE


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(TEMPLATES.rglob("*.j2")) if not path.name.endswith(PAGES)],
    ids=lambda path: str(path.relative_to(TEMPLATES)),
)
def test_every_value_is_quoted_for_its_language(path: Path) -> None:
    """An output expression is text of the template, a macro of it, or ends in a filter of the file's language."""
    tree = environment().parse(path.read_text(encoding="utf-8"))
    macros = {macro.name for macro in tree.find_all(nodes.Macro)}
    name = str(path.relative_to(TEMPLATES))
    for output in tree.find_all(nodes.Output):
        for expression in output.nodes:
            for bad in unquoted(expression, language(path)):
                if isinstance(bad, nodes.Call) and isinstance(bad.node, nodes.Name) and bad.node.name in macros:
                    continue  # its own outputs are looked at here too
                if stated_by_engine(bad):
                    continue
                filtered = bad.name if isinstance(bad, nodes.Filter) else ""
                assert (name, filtered) in EXCEPTIONS, f"{name}:{bad.lineno}: {bad}"


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.sh.j2")), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_no_log_reaches_a_terminal_as_it_is(path: Path) -> None:
    """What a script shows of a log, or of what a command of the checklist saw, has its control characters written out."""
    for line in path.read_text(encoding="utf-8").splitlines():
        shows = re.search(r"\b(tail|head|cat) .*\.log|\btail -n \S+ \"\$(2|log)\"|seen=\$\(", line)
        assert not shows or "| cat -v" in line, line


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob(f"*{PAGES}")), ids=lambda path: path.name)
def test_every_page_escapes_every_value(path: Path) -> None:
    """Pages are escaped as a whole: no template of one marks a value as safe, turns it off, or leaves out the quotes."""
    text = path.read_text(encoding="utf-8")
    tree = environment().parse(text)
    assert pages().autoescape is True
    assert not {"safe", "forceescape", "xmlattr"} & {each.name for each in tree.find_all(nodes.Filter)}
    assert not list(tree.find_all(nodes.EvalContextModifier)) and "autoescape" not in text
    assert not re.search(r"<[^>]*=\s*{{", text)
