"""A check of objects against the structural schema of their custom resource, for tests without an API server."""

from __future__ import annotations

from typing import Any


def matches(seen: Any, schema: dict[str, Any], where: str) -> None:
    """A structural schema of Kubernetes, as far as objects of ours use it."""
    if schema.get("x-kubernetes-int-or-string"):
        assert isinstance(seen, (int, str)), where
        return
    kind: dict[str, type | tuple[type, ...]] = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "boolean": bool,
        "number": (int, float),
    }
    assert isinstance(seen, kind[schema["type"]]), where
    assert "enum" not in schema or seen in schema["enum"], where
    if isinstance(seen, dict):
        known = schema.get("properties")
        for name in schema.get("required", []):
            assert name in seen, f"{where}.{name} is missing"
        for name, item in seen.items():
            if known is not None and name in known:
                matches(item, known[name], f"{where}.{name}")
            elif schema.get("additionalProperties"):
                matches(item, schema["additionalProperties"], f"{where}.{name}")
            else:
                assert known is None or schema.get("x-kubernetes-preserve-unknown-fields"), f"{where}.{name} is no key"
    if isinstance(seen, list):
        for number, item in enumerate(seen):
            matches(item, schema["items"], f"{where}[{number}]")
