"""What a checkpoint in a local folder says of chats: its template, and the tokens that end an answer."""

from __future__ import annotations

from pathlib import Path

from advisor.edge.reading import is_file, read_json, read_text
from advisor.errors import BadInput
from advisor.schema import ModelSpec
from advisor.smoke.load.events import at, mappings

TEMPLATE_FILE = "chat_template.jinja"


def checkpoint_template(model: ModelSpec) -> str | None:
    """The chat template in a local folder; None: there is none, or the weights are not here."""
    if not is_here(model) or model.path is None:
        return None
    folder = Path(model.path)
    if is_file(folder / TEMPLATE_FILE):
        return read_text(folder / TEMPLATE_FILE)
    return _tokenizer(model, "chat_template")


def ends_of_turn(model: ModelSpec) -> tuple[str, ...]:
    """The tokens at which every engine stops, as a local folder tells; none: the weights are not here."""
    if not is_here(model) or model.path is None:
        return ()
    files = ("generation_config.json", "config.json")
    told = [at(_json(Path(model.path) / name), "eos_token_id") for name in files]
    numbers = {each for ids in told for each in (ids if isinstance(ids, list) else [ids])}
    added = mappings(at(_json(Path(model.path) / "tokenizer.json"), "added_tokens"))
    named = [each.get("content") for each in added if each.get("id") in numbers]
    return tuple(each for each in (*named, _tokenizer(model, "eos_token")) if isinstance(each, str))


def is_here(model: ModelSpec) -> bool:
    """Whether it is a folder of this machine, whose files can be read."""
    return model.path is not None and model.origin != "gguf"


def _json(path: Path) -> object:
    """What a file of the folder holds; None where it cannot be read."""
    try:
        return read_json(path)
    except BadInput:
        return None


def _tokenizer(model: ModelSpec, key: str) -> str | None:
    """A text of the folder's tokenizer_config.json."""
    if model.path is None:
        return None
    told = at(_json(Path(model.path) / "tokenizer_config.json"), key)
    return told if isinstance(told, str) else None
