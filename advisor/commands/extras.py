"""Parts of the program that need packages which not everybody installs."""

from __future__ import annotations

from importlib.util import find_spec

from advisor.errors import BadInput


def require(extra: str, *modules: str) -> None:
    """Nothing where every module is there.

    Raises:
        BadInput: says what to install.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise BadInput(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed, which this command needs\n"
            f"type: pip install 'llm-engine-advisor[{extra}]'"
        )
