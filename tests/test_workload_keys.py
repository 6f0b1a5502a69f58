"""One definition of each workload key: what is made from it, and that nothing gets past it."""

from __future__ import annotations

from dataclasses import MISSING, fields
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.commands.recommend import command as recommend
from advisor.errors import BadInput
from advisor.refresh.profiles import with_tables
from advisor.schema import Workload
from advisor.workload import load_workload, profiles_folder
from advisor.workload.key import REQUIRED, Key
from advisor.workload.keys import KEYS, OF_WORKLOAD
from advisor.workload.kinds import Number, Whole

TYPES = get_type_hints(Workload)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(10**4000), max_value=10**4000)
    | st.floats()
    | st.text()
    | st.from_regex(r"[-+]?[0-9_:.,eE²x ]{0,12}")
    | st.sampled_from(
        ["yes", "NO", "on", "off", "auto", "all", "none", "both", "chat", "embed", "q4_K_M", "gateway,ray"]
    )
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


def accepts(annotation: Any, item: object) -> bool:
    """Whether a value is of an annotation's type, `bool` being no `int`."""
    if get_origin(annotation) is Literal:
        return item in get_args(annotation)
    if isinstance(annotation, UnionType):
        return any(accepts(one, item) for one in get_args(annotation))
    return type(item) is annotation


@given(name=st.sampled_from(sorted(OF_WORKLOAD)) | st.text(max_size=8), item=JSON)
def test_any_value_of_any_key_is_read_or_refused(name: str, item: object) -> None:
    """Any JSON value for any key gives a value of the field's type within the key's bounds, or a BadInput that names the key."""
    try:
        read = getattr(load_workload("chat", {name: item}), name)
    except BadInput as refused:
        shown = name if name.isidentifier() else repr(name)
        assert str(refused).startswith(f"{shown}: ")
        assert all(fact.isprintable() for fact in str(refused).split("\n"))
        assert len(str(refused)) < 600
    else:
        assert accepts(TYPES[name], read)
        assert read is None or OF_WORKLOAD[name].read(read) == read


@pytest.mark.parametrize("key", [key for key in KEYS if isinstance(key.kind, Whole | Number)], ids=lambda key: key.name)
def test_both_bounds_are_accepted_and_nothing_beyond(key: Key) -> None:
    """The least and the most are read as they are, as numbers and as text; a step beyond either is refused."""
    assert isinstance(key.kind, Whole | Number)
    for bound, beyond in ((key.kind.least, -1), (key.kind.most, 1)):
        assert key.read(bound) == key.read(str(bound)) == bound
        with pytest.raises(BadInput):
            key.read(bound + beyond)


def test_the_dataclass_and_the_definition_agree() -> None:
    """`Workload` has a field for each key, in any order, with the same default and a type that holds it."""
    of_class = {f.name: f.default for f in fields(Workload) if f.name != "profile"}
    assert of_class == {key.name: MISSING if key.default is REQUIRED else key.default for key in KEYS}
    for key in KEYS:
        assert (NoneType in get_args(TYPES[key.name])) is (key.default is None), key.name


def test_recommend_has_an_option_for_each_key() -> None:
    """`recommend` takes each key as an option of the same name, with the definition's sentence."""
    options = {option.name: option for option in recommend.params if isinstance(option, click.Option)}
    for key in (key for key in KEYS if key.option):
        assert key.flag in options[key.name].opts
        assert options[key.name].help == key.help


def test_the_tables_of_the_readme_are_up_to_date() -> None:
    """profiles/README.md is what `python -m advisor.refresh.profiles` writes."""
    text = (profiles_folder() / "README.md").read_text(encoding="utf-8")
    assert text == with_tables(text)
    assert all(f"| `{key.name}` |" in text for key in KEYS)
