"""What a PowerShell script is made of, as JSON: its faults, and the commands, variables and texts in it.

Run by the Python that has the grammar (judges.sh): `powershell-grammar/bin/python tests/tools/powershell.py FILE`.
"""

import json
import sys
from pathlib import Path

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

TEXTS = ("verbatim_string_characters", "expandable_string_literal")


def main() -> None:
    """Print what stands in the file."""
    content = Path(sys.argv[1]).read_bytes()
    found: dict[str, list[str]] = {"faults": [], "commands": [], "variables": [], "texts": []}
    left = [Parser(Language(tree_sitter_powershell.language())).parse(content).root_node]
    while left:
        node = left.pop()
        note(node, found)
        left.extend(reversed(node.children))
    print(json.dumps(found))


def note(node: Node, found: dict[str, list[str]]) -> None:
    """Put one node where it belongs."""
    text = (node.text or b"").decode()
    if node.is_error or node.is_missing:
        found["faults"].append(f"line {node.start_point.row + 1}: {text[:60]}")
    elif node.type == "command_name":
        found["commands"].append(text)
    elif node.type == "variable":
        found["variables"].append(text)
    elif node.type in TEXTS:
        found["texts"].append(text)


if __name__ == "__main__":
    main()
