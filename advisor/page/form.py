"""The left side: every key of a workload as a field, made from its definition; the usual ones first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from advisor.catalog import model_entries, raw_entries
from advisor.page.html import Html, Inside, el, every
from advisor.page.question import WHOLE, Asked, label
from advisor.pipeline import Answer
from advisor.probe.describe import lines
from advisor.programs.functions import FIELDS
from advisor.schema import Hardware, Workload
from advisor.units import whole
from advisor.workload.key import REQUIRED, Key
from advisor.workload.kinds import Flag, Number, Whole
from advisor.workload.names import Name
from advisor.workload.profiles import profile_names

_USUAL = (
    ("Who asks", ("users", "profile")),
    ("On which machine", ("gpu",)),
    ("Which model", ("model", "quantization", "engine")),
    ("How long", ("input_tokens", "output_tokens", "think_time_s")),
    ("Targets, 95th percentile", ("ttft_ms", "tpot_ms")),
)
_GROUPS = {
    "profile": "Profile", "people": "People", "requests": "Requests", "targets": "Targets", "model": "Model",
    "service": "Service", "machines": "Machines",
}  # fmt: skip
_LISTS = {"gpu": "known-cards", "model": "known-models", "profile": "known-profiles"}
_SLIDER = "users-slider"
_LEAST_SLIDE = 100  # people at the right end of the slider


def form(asked: Asked, answer: Answer | None, machine: Hardware) -> Html:
    """The question as a form that works by itself; with scripts every change of a field asks at once.

    Args:
        answer: to the question, whose values stand in fields that nobody filled in; None: there is none.
        machine: this one, as it was looked at.
    """
    usual = {name for _, names in _USUAL for name in names}
    return el(
        "form",
        [_group(title, names, asked, answer) for title, names in _USUAL],
        _more([key for key in FIELDS.values() if key.name not in usual], asked, answer),
        [el("input", type="hidden", name="pin", value=pin) for pin in asked.pins],
        el("button", "Answer", type="submit", class_="main", name=WHOLE, value=1),
        every(_listed("gpu", _cards()), _listed("model", _models()), _listed("profile", profile_names())),
        _this(machine),
        id="question",
        method="get",
        action="./",
        aria_label="The question",
        hx_target="#answer",
        hx_sync="#question:queue last",
        hx_include="#question",
    )


def lengths(asked: Asked, answer: Answer, *, swapped: bool = False) -> Html:
    """The fields whose unsaid values are the profile's, to be put in place of the old ones when that changes."""
    names = [name for _, group in _USUAL[3:] for name in group]
    fields = [_field(FIELDS[name], asked, answer) for name in names]
    return (
        every([_swapped(field, name) for field, name in zip(fields, names, strict=True)]) if swapped else every(fields)
    )


def _swapped(field: Html, name: str) -> Html:
    return el("div", field, id=f"field-{name}", class_="field", hx_swap_oob="true")


def _group(title: str, names: Iterable[str], asked: Asked, answer: Answer | None) -> Html:
    """Fields under a heading that opens and closes, so that a small screen holds handles and answer."""
    fields = [el("div", _field(FIELDS[name], asked, answer), id=f"field-{name}", class_="field") for name in names]
    return el("details", el("summary", title), fields, open=True, class_="group")


def _more(keys: list[Key], asked: Asked, answer: Answer | None) -> Html:
    """Everything else that can be said, closed unless something of it was."""
    keys = sorted(keys, key=lambda key: list(_GROUPS).index(key.group))
    groups = [_group(_GROUPS[name], [key.name for key in found], asked, answer) for name, found in _grouped(keys)]
    return el(
        "details", el("summary", "More"), groups, open=any(key.name in asked.typed for key in keys), class_="more"
    )


def _grouped(keys: list[Key]) -> Iterator[tuple[str, list[Key]]]:
    for name, found in groupby(keys, key=lambda key: key.group):
        yield name, list(found)


def _field(key: Key, asked: Asked, answer: Answer | None) -> Html:
    """Label, control, and what is meant, which a screen reader tells with the control."""
    typed, hint = asked.typed.get(key.name, ""), f"{key.name}-hint"
    name = el("label", label(key.name), for_=key.name)
    usual = _usual(key, answer.workload if answer else None)
    if key.name == "users":
        control: Inside = _people(whole(typed) or int(usual or 1))
    elif key.name == "model":
        control = _input(key, typed or (answer.model.hf_id if answer else ""), "the best that meets the targets")
    elif isinstance(key.kind, Flag | Name):
        control = _select(key, typed, usual)
    else:
        control = _input(key, typed, usual or key.unset)
    return every(name, control, el("small", key.help, id=hint))


def _usual(key: Key, workload: Workload | None) -> str:
    """What counts where nobody fills the field in: the profile's value, else the key's default."""
    if key.name == "profile":
        return workload.profile if workload else ""
    found = getattr(workload, key.name, None) if workload else None
    found = (None if key.default is REQUIRED else key.default) if found is None else found
    if isinstance(key.kind, Flag):
        return "yes" if found else "no"
    return "" if found is None else f"{found:g}" if isinstance(found, float) else str(found)


def _asks(key: Key) -> dict[str, str]:
    """When a change of a control asks: words when they rest, everything else at once; and what the key means."""
    words = not isinstance(key.kind, Whole | Number | Flag | Name)
    when = "input changed delay:400ms, change" if words else "input"
    return {"hx_get": "answer", "hx_trigger": when, "title": key.help}


def _input(key: Key, typed: str, usual: str) -> Html:
    return el(
        "input", id=key.name, name=key.name, value=typed, placeholder=usual, list=_LISTS.get(key.name),
        inputmode="decimal" if isinstance(key.kind, Whole | Number) else None, autocomplete="off",
        spellcheck="false", aria_describedby=f"{key.name}-hint", **_asks(key),
    )  # fmt: skip


def _people(users: int) -> Html:
    """A number, and where there are scripts a slider whose end moves out of the way."""
    number = el(
        "input", id="users", name="users", type="number", min=1, max=1_000_000, step=1, value=users,
        aria_describedby="users-hint", **_asks(FIELDS["users"]),
    )  # fmt: skip
    slider = el(
        "input", id=_SLIDER, type="range", min=1, max=max(_LEAST_SLIDE, 2 * users), value=users, hidden=True,
        aria_label="People, as a slider", aria_describedby="users-hint", autocomplete="off",
    )  # fmt: skip
    return every(number, slider)


def _select(key: Key, typed: str, usual: str) -> Html:
    names = ("yes", "no") if isinstance(key.kind, Flag) else key.kind.names()  # type: ignore[attr-defined]
    empty = el("option", f"{usual} (unless said)" if usual else "unsaid", value="")
    return el(
        "select", empty, [el("option", name, value=name, selected=name == typed) for name in names],
        id=key.name, name=key.name, aria_describedby=f"{key.name}-hint", **_asks(key),
    )  # fmt: skip


def _listed(name: str, names: Iterable[str]) -> Html:
    return el("datalist", [el("option", value=each) for each in names], id=_LISTS[name])


def _cards() -> Iterator[str]:
    return (entry["name"] for entry in raw_entries("gpus"))


def _models() -> Iterator[str]:
    return (entry["hf_id"] for entry in model_entries())


def _this(machine: Hardware) -> Html:
    """What this machine has, and a button that looks again."""
    told = [el("div", el("dt", label), el("dd", text)) for label, text in lines(machine)]
    again = el("button", "Look again", type="submit", formaction="probe", formmethod="post")
    return el("details", el("summary", "This machine"), el("dl", told), again)
