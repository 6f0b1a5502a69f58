"""Which checkpoint is the model of a server: by its name or its file's own words, and confirmed by its dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from advisor.catalog import gguf_format, weights_format
from advisor.errors import BadInput
from advisor.migrate.found import FoundModel
from advisor.models.names import find_model_and_format
from advisor.schema import ModelSpec, value

CLOUD = "it runs on its vendor's servers (a cloud tag): there are no weights here to serve"
MAP = "say which it is: --map {name}=HF_ID, or =FOLDER"
ALTERED = (
    "an adapter is part of it, which the other engine does not read as it is, and without it this would be another "
    "model: --map {name}=MODEL says what it becomes: a folder with its adapter_config.json (vLLM alone), merged "
    "weights, or the bare model"
)


@value
class Mapped:
    """A model and the checkpoint to serve in its place; None, and why, where nobody can say which it is."""

    found: FoundModel
    model: ModelSpec | None = None
    named: str = ""  # the name that leads to it, for --model
    format: str | None = None  # of the weights now, by formats.yaml; None: the server does not tell
    because: str = ""
    confirmed: bool = False  # dimensions were compared and agree
    doubts: tuple[str, ...] = ()  # what a person should look at


def map_model(found: FoundModel, given: Mapping[str, str], *, offline: bool) -> Mapped:
    """The checkpoint of one model.

    Args:
        found: as the server tells.
        given: what the user says, by any of the model's names.
        offline: whether the Hub may not be asked for a name that the catalogue does not hold.

    Raises:
        BadInput: what the user says names nothing, or a model of other dimensions.
    """
    fmt = _format(found)
    if found.remote:
        return Mapped(found=found, because=CLOUD)
    said = next((given[name] for name in found.names if name in given), None)
    if said is not None:
        return _as_said(found, said, fmt, offline)
    if found.altered:
        return Mapped(found=found, format=fmt, because=ALTERED.format(name=found.name))
    odd = []
    for name, basis in _candidates(found):
        model, form = _model(name, offline)
        if model is None:
            continue
        different = _different(found, model)
        if different:
            odd.append(f"{name} would be {model.hf_id}, but {different}")
            continue
        return _mapped(found, model, name, fmt or form, basis)
    ask = MAP.format(name=found.name)
    told = "; ".join(odd[:2]) or f"none of its names is in the catalogue ({', '.join((found.name, *found.words)[:4])})"
    return Mapped(found=found, format=fmt, because=f"{told}: {ask}")


def _format(found: FoundModel) -> str | None:
    """The weights format that the server names; None where the catalogue knows none of that name."""
    try:
        return gguf_format(found.quantization).name if found.quantization else None
    except BadInput:
        return None


def _candidates(found: FoundModel) -> Iterator[tuple[str, str]]:
    """Names to try and where each comes from; the tag of a model that was made here says nothing of its weights."""
    if not found.made_here:
        yield found.name, "by its name"
    yield from ((word, "by what its file says of itself") for word in found.words)
    if found.made_here:
        yield found.name, "by its name, which whoever made it chose"


def _model(name: str, offline: bool) -> tuple[ModelSpec | None, str | None]:
    """The model of a name, and the form of its weights where the name says one."""
    try:
        model, form = find_model_and_format(name, offline=offline)
    except BadInput:
        return None, None
    return model, form.name if form else None


def _as_said(found: FoundModel, said: str, fmt: str | None, offline: bool) -> Mapped:
    try:
        model, _ = find_model_and_format(said, offline=offline)
    except BadInput as error:
        raise BadInput(f"--map {found.name}={said}: {error}") from None
    different = _different(found, model)
    if different:
        raise BadInput(f"--map {found.name}={said}: is another model: {different}")
    return _mapped(found, model, said, fmt, "as you said")


def _different(found: FoundModel, model: ModelSpec) -> str:
    """The first dimension in which the two differ; empty where all that are known agree."""
    pairs = (
        ("layers", found.layers, model.layers),
        ("hidden", found.hidden, model.hidden),
        ("heads", found.heads, model.heads),
    )
    return next(
        (
            f"it has {what} {one}, {model.hf_id} has {other}"
            for what, one, other in pairs
            if one and other and one != other
        ),
        "",
    )


def _mapped(found: FoundModel, model: ModelSpec, named: str, fmt: str | None, basis: str) -> Mapped:
    known = [each for each in (found.layers, found.hidden) if each]
    seen = f"; {found.layers} layers of {found.hidden} agree" if len(known) == 2 else "; its server tells no dimensions"
    doubts = []
    if found.made_here and basis != "as you said":
        template = "" if found.own_template is not None else ", and its TEMPLATE may be its own"
        doubts.append(
            f"was made here: that its weights are those of {model.hf_id} is what its file says; fine-tunes look alike"
            f"{template}"
        )
    if model.confidence != "high":
        doubts.append(f"{model.hf_id}: the architecture is taken from the model in its name")
    return Mapped(
        found=found, model=model, named=_name(model, named), format=fmt, because=basis + seen,
        confirmed=len(known) == 2, doubts=tuple(doubts),
    )  # fmt: skip


def _name(model: ModelSpec, named: str) -> str:
    """What `--model` is given: the place of local weights, else the checkpoint's own id, in whatever form."""
    return model.path or (model.hf_id if model.origin == "catalogue" else named)


def bits(format_name: str) -> float:
    """Bits of a weight in its linear layers."""
    return weights_format(format_name).linear_bits
