"""The models of a running server, as far as its API tells of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from advisor.edge.reading import said_json
from advisor.engines.asking import Server, ask, number, rows, text
from advisor.engines.ollama.runners import Runner, runners
from advisor.errors import BadInput, EnvironmentFailed
from advisor.schema import value

MOST_MODELS = 64
MOST_NAME = 200  # characters
_ALSO = "also"  # of a listed model: its further names
_ADAPTER = re.compile(r"^ADAPTER\s+(.+)$", re.MULTILINE)
_RENDERER = re.compile(r"^RENDERER\s", re.MULTILINE)  # code of Ollama's own then writes the prompt, and no template
_PARAMETER = re.compile(r"^(\w+)\s+(.*\S)\s*$")


@value
class FoundModel:
    """One model of a server."""

    name: str  # as clients call it
    aliases: tuple[str, ...] = ()  # further names for it that clients may use
    quantization: str = ""  # as the server names it; empty: it does not tell
    words: tuple[str, ...] = ()  # further names that say which model it is, the surest first
    made_here: bool = False  # from another model or file, by whoever owns the server
    layers: int | None = None
    hidden: int | None = None
    heads: int | None = None
    context_tokens: int | None = None  # of one request, in force now or as the model is set
    capabilities: tuple[str, ...] = ()  # "completion", "tools", "vision", "thinking", "embedding"
    system: str = ""
    template: str = ""  # in the server's own language
    chat_template: str = ""  # Jinja, where the file carries one
    begins: bool = False  # every prompt with the token that begins a text
    parameters: tuple[tuple[str, str], ...] = ()  # in their order; `stop` may stand more than once
    adapters: tuple[str, ...] = ()
    altered: bool = False  # an adapter is part of it: without it this is another model
    own_template: bool | None = None  # whether it is another than that of the model it was made from; None: not told
    messages: int = 0  # turns that are put before every chat
    remote: bool = False  # it runs on somebody else's servers
    loaded: bool = False
    held_bytes: int = 0  # on cards, now
    file_bytes: int = 0  # of its weights; 0: the server does not tell
    slots: int | None = None  # in force, as its process on this machine tells
    kv_type: str = ""  # likewise

    @property
    def names(self) -> tuple[str, ...]:
        """What clients may call it: a name that ends in :latest is also said without."""
        both = (short for name in (self.name, *self.aliases) for short in (name, name.removesuffix(":latest")))
        return tuple(dict.fromkeys(both))

    def parameter(self, name: str) -> str | None:
        """The last value of a parameter; None: it has none."""
        return next((found for key, found in reversed(self.parameters) if key == name), None)


def found_models(server: Server, only: tuple[str, ...] = ()) -> tuple[FoundModel, ...]:
    """Every model of the server, or those that are named, in its order.

    Raises:
        BadInput: one that is named is not there; says which are.
        EnvironmentFailed: it does not answer as such an engine does.
    """
    every = _ollama(server, only) if server.engine == "ollama" else _vllm(server)
    if not every:
        raise EnvironmentFailed(f"{server.base}: has no models; there is nothing to migrate")
    missing = [name for name in only if not any(name in each.names for each in every)]
    if missing:
        known = ", ".join(each.name for each in every)
        raise BadInput(f"--only {missing[0]}: {server.base} has no such model; it has {known}")
    return tuple(each for each in every if not only or set(only) & set(each.names))


def left_there(server: Server, found: tuple[FoundModel, ...]) -> tuple[tuple[str, ...], int]:
    """The names of the server's other models, and the bytes of cards that it holds for them now.

    Raises:
        EnvironmentFailed: it does not answer any more.
    """
    if server.engine != "ollama":
        return (), 0
    ours = {name for each in found for name in each.names}
    every, held = (rows(ask(f"{server.base}/api/{path}", server.here), "models") for path in ("tags", "ps"))
    names = tuple(text(each, "name") for each in every if _named(each) and text(each, "name") not in ours)
    return names, sum(int(number(each, "size_vram") or 0) for each in held if text(each, "name") in names)


def _ollama(server: Server, only: tuple[str, ...]) -> tuple[FoundModel, ...]:
    listed = _once(rows(ask(f"{server.base}/api/tags", server.here), "models"))
    if len(listed) > MOST_MODELS and not only:
        raise BadInput(f"{server.base}: has {len(listed)} models; name those to migrate with --only")
    held = {text(each, "name"): each for each in rows(ask(f"{server.base}/api/ps", server.here), "models")}
    every = [_names(each) for each in listed]
    if set(only) - {name for names in every for name in names}:  # said by the caller, with the names that are there
        return tuple(FoundModel(name=names[0]) for names in every)
    wanted = [each for each in listed if not only or set(_names(each)) & set(only)]
    known = {name for names in every for name in names}
    return tuple(_shown(server, each, next(filter(None, map(held.get, _names(each))), None), known) for each in wanted)


def _once(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each model once: tags with one digest are names of one model, in weights and in all that it brings along."""
    found: dict[str, dict[str, Any]] = {}
    for each in filter(_named, listed):
        first = found.setdefault(text(each, "digest") or text(each, "name"), each | {_ALSO: []})
        if text(first, "name") != text(each, "name"):
            first[_ALSO].append(text(each, "name"))
    return list(found.values())


def _names(entry: dict[str, Any]) -> tuple[str, ...]:
    """What clients may call it: a name that ends in :latest is also said without."""
    return tuple(
        short for name in (text(entry, "name"), *entry[_ALSO]) for short in (name, name.removesuffix(":latest"))
    )


def _named(entry: Mapping[str, Any]) -> bool:
    return 0 < len(text(dict(entry), "name")) <= MOST_NAME


def _shown(server: Server, listed: dict[str, Any], held: dict[str, Any] | None, known: set[str]) -> FoundModel:
    name, also = text(listed, "name"), tuple(listed[_ALSO])
    details = _object(listed, "details")
    if listed.get("remote_host") or name.endswith((":cloud", "-cloud")):
        return FoundModel(name=name, aliases=also, remote=True)
    shown_model = ask(f"{server.base}/api/show", server.here, {"model": name})
    info = _object(shown_model, "model_info")
    parameters = _parameters(text(shown_model, "parameters"))
    own = dict(parameters).get("num_ctx", "")
    context = number(held, "context_length") if held else None
    told = shown_model.get("capabilities")
    runner = _runner(text(shown_model, "modelfile")) if server.here and held is not None else None
    adapters, parent = tuple(_ADAPTER.findall(text(shown_model, "modelfile"))), text(details, "parent_model")
    base = ask(f"{server.base}/api/show", server.here, {"model": parent}) if parent in known - {name} else None
    return FoundModel(
        name=name,
        aliases=also,
        quantization=text(details, "quantization_level"),
        words=_words(name, parent, info),
        made_here=bool(parent) or name.count("/") > 0,
        layers=_whole(info, "block_count", less="nextn_predict_layers"),
        hidden=_whole(info, "embedding_length"),
        heads=_whole(info, "attention.head_count"),
        context_tokens=int(context) if context else int(own) if own.isdecimal() and len(own) < 10 else None,
        capabilities=tuple(each for each in told if isinstance(each, str)) if isinstance(told, list) else (),
        system=text(shown_model, "system"),
        template="" if _RENDERER.search(text(shown_model, "modelfile")) else text(shown_model, "template"),
        chat_template=text(info, "tokenizer.chat_template"),
        begins=info.get("tokenizer.ggml.add_bos_token") is True,
        parameters=parameters,
        adapters=adapters,
        altered=bool(adapters),
        own_template=None if base is None else text(base, "template") != text(shown_model, "template"),
        messages=len(rows(shown_model, "messages")),
        loaded=held is not None,
        held_bytes=int(number(held, "size_vram") or 0) if held else 0,
        file_bytes=int(number(listed, "size") or 0),
        slots=runner.slots if runner else None,
        kv_type=runner.kv_type if runner else "",
    )


def _runner(modelfile: str) -> Runner | None:
    """The process that serves these weights; None where several Ollamas of this machine share them."""
    found = [each for each in runners() if each.blob in modelfile]
    return found[0] if len(found) == 1 else None


def _object(found: Mapping[str, Any], key: str) -> dict[str, Any]:
    inner = found.get(key)
    return inner if isinstance(inner, dict) else {}


def _whole(info: dict[str, Any], key: str, less: str = "") -> int | None:
    """A dimension that stands behind the architecture's own name."""
    architecture = text(info, "general.architecture")
    count = number(info, f"{architecture}.{key}")
    return None if count is None else int(count - (number(info, f"{architecture}.{less}") or 0))


def _words(name: str, parent: str, info: dict[str, Any]) -> tuple[str, ...]:
    """What the file says of itself: its own base, the file it was made from, its basename with size and tuning."""
    basename, size, tuned = (text(info, f"general.{key}") for key in ("basename", "size_label", "finetune"))
    parts = ["-".join(part for part in parts if part) for parts in ((basename, size, tuned), (basename, size))]
    repository = text(info, "general.base_model.0.repo_url").partition("huggingface.co/")[2]
    found = (parent.rpartition("/")[2], repository, *(parts if basename else ()), text(info, "general.name"))
    return tuple(dict.fromkeys(each for each in found if each and each != name and len(each) <= MOST_NAME))


def _parameters(lines: str) -> tuple[tuple[str, str], ...]:
    """`stop  "<|im_end|>"` → the word itself; what Go quotes is JSON in all but rare cases."""
    found = []
    for line in lines.splitlines():
        matched = _PARAMETER.match(line)
        if matched:
            found.append((matched[1], _unquoted(matched[2])))
    return tuple(found)


def _unquoted(given: str) -> str:
    if not given.startswith('"'):
        return given
    read = said_json(given)
    return read if isinstance(read, str) else given.strip('"')


def _vllm(server: Server) -> tuple[FoundModel, ...]:
    """Its one model under its first name, further names of the same root are names; and each adapter on it."""
    listed = [each for each in rows(ask(f"{server.base}/v1/models", server.here), "data") if _id(each)]
    bases = [each for each in listed if not each.get("parent")]
    if not bases:
        return ()
    first = bases[0]
    context, root = number(first, "max_model_len"), text(first, "root")
    base = FoundModel(
        name=_id(first),
        aliases=tuple(_id(each) for each in bases[1:]),
        words=(root,) if root and root != _id(first) else (),
        context_tokens=int(context) if context else None,
        capabilities=("completion",),
        loaded=True,
    )
    own = [_id(each) for each in listed if each.get("parent")]
    return (
        base,
        *(replace(base, name=name, aliases=(), words=(), adapters=(name,), altered=True) for name in own),
    )


def _id(entry: dict[str, Any]) -> str:
    found = text(entry, "id")
    return found if len(found) <= MOST_NAME else ""
