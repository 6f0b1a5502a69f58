"""The packaged data files: every entry is strict, every key unique, every source known."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pydantic
import pytest
import yaml

import advisor.catalog as catalog
from advisor.catalog.entries import CpuSpec, EngineLimits, GpuSpec, Source, WeightsFormat
from advisor.catalog.vendor_entries import VendorSpec
from advisor.refresh.table import SOURCES, rows
from advisor.schema import ModelSpec

FILES = [
    ("gpus.json", "gpus", GpuSpec),
    ("gpus_more.json", "gpus", GpuSpec),
    ("cpus.json", "cpus", CpuSpec),
    ("models.json", "models", ModelSpec),
    ("models_extra.json", "models_extra", ModelSpec),
    ("models_hub.json", "models_hub", ModelSpec),
]


@pytest.mark.parametrize(("name", "key", "cls"), FILES, ids=[name for name, _, _ in FILES])
def test_generated_entries_are_strict(name: str, key: str, cls: type) -> None:
    """Every entry of a generated file passes strict validation: no unknown key, no text for a number."""
    adapter: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(cls)
    document = json.loads((catalog.DATA / name).read_text(encoding="utf-8"))
    for entry in document[key]:
        adapter.validate_json(json.dumps(entry), strict=True)


@pytest.mark.parametrize(
    ("name", "key", "cls"),
    [
        ("formats", "formats", WeightsFormat),
        ("engines", "engines", EngineLimits),
        ("vendors", "vendors", VendorSpec),
    ],
)
def test_kept_entries_are_strict(name: str, key: str, cls: type) -> None:
    """Every entry of a hand-kept file passes strict validation, so that `on` or 4.8e12 cannot slip in as text."""
    adapter: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(cls)
    for entry in catalog.constants(name)[key]:
        adapter.validate_json(json.dumps(entry), strict=True)


def test_sources_are_strict() -> None:
    """Every source has a title, an address and a licence, all as text."""
    adapter = pydantic.TypeAdapter(Source)
    for path in (catalog.DATA / "sources.yaml", *sorted((catalog.DATA / "sources.d").glob("*.yaml"))):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8")).values():
            adapter.validate_json(json.dumps(entry), strict=True)


def test_no_source_is_defined_twice() -> None:
    """A source key stands in one file only, so that no helper silently replaces another's."""
    seen: dict[str, str] = {}
    for path in (catalog.DATA / "sources.yaml", *sorted((catalog.DATA / "sources.d").glob("*.yaml"))):
        for key in yaml.safe_load(path.read_text(encoding="utf-8")):
            assert key not in seen, f"{key} stands in {seen[key]} and {path.name}"
            seen[key] = path.name


def _sources_in(node: Any) -> list[str]:
    """Every value of a key called `source`, at any depth."""
    if isinstance(node, dict):
        own = [node["source"]] if isinstance(node.get("source"), str) else []
        return own + [key for item in node.values() for key in _sources_in(item)]
    if isinstance(node, list):
        return [key for item in node for key in _sources_in(item)]
    return []


@pytest.mark.parametrize(
    "path", sorted(catalog.DATA.glob("*.yaml")) + sorted(catalog.DATA.glob("*.json")), ids=lambda p: p.name
)
def test_every_source_resolves(path: Path) -> None:
    """Each figure's source key leads to an entry that a reader can open."""
    text = path.read_text(encoding="utf-8")
    document = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    unknown = set(_sources_in(document)) - set(catalog.sources())
    assert not unknown


def test_defaults_name_known_sources() -> None:
    """The source that an entry has when it names none is a known one too."""
    tables = (catalog.gpus(), catalog.cpus(), catalog.models(), catalog.formats().values())
    used = {entry.source for table in tables for entry in table}
    assert used <= set(catalog.sources())


def test_names_are_unique() -> None:
    """No two entries share an id or a Hub id, whatever the case."""
    for names in ([gpu.id for gpu in catalog.gpus()], [model.hf_id.lower() for model in catalog.models()]):
        assert len(set(names)) == len(names)


def test_models_name_known_formats() -> None:
    """Every native format, repository format and Ollama quantisation is one that the catalogue describes."""
    known = catalog.formats()
    for model in catalog.models():
        named = {model.native_format, *model.repos, *filter(None, [model.ollama_quantization])}
        assert named <= set(known), model.hf_id


def test_layers_add_up() -> None:
    """A model never has more attention layers, or more linear ones, than layers."""
    for model in catalog.models():
        assert model.layers_full + model.layers_sliding <= model.layers, model.hf_id
        assert model.layers_linear <= model.layers, model.hf_id
        assert (model.sliding_window is None) == (model.layers_sliding == 0), model.hf_id


def test_active_parameters_belong_to_experts() -> None:
    """A mixture of experts uses fewer parameters for a token than it has."""
    for model in catalog.models():
        if model.active_parameters is not None:
            assert model.experts > 0, model.hf_id
            assert 0 < model.active_parameters < model.parameters, model.hf_id


def test_gpus_are_plausible() -> None:
    """Rates that are given are positive, and fp8 and int8 are not slower than the vector rate."""
    for gpu in catalog.gpus():
        assert all(rate > 0 for rate in gpu.dense_flops.values()), gpu.id
        assert gpu.bandwidth_bytes_per_s is None or gpu.bandwidth_bytes_per_s > 1e9, gpu.id
        assert gpu.nvlink_bytes_per_s is None or gpu.nvlink_bytes_per_s < 1e12, gpu.id


def test_no_cloud_tags() -> None:
    """A tag that runs on the vendor's servers is never offered for a local deployment."""
    assert not [model.ollama_tag for model in catalog.models() if (model.ollama_tag or "").endswith("cloud")]


def test_unknown_area_lists_the_known() -> None:
    """Asking for constants that do not exist names those that do."""
    with pytest.raises(Exception, match="formats"):
        catalog.constants("nonsense")


def test_matrix_units_of_one_generation_have_one_rate() -> None:
    """Cards of one chip family have 16-bit rates in proportion to their units: none is left at the vector rate."""
    orin = [gpu for gpu in catalog.gpus() if gpu.id.startswith("nvidia-jetson") and gpu.compute_capability == "8.7"]
    assert all(
        gpu.dense_flops["fp16"] > 5e12 and gpu.dense_flops["fp16"] >= 4 * gpu.dense_flops["fp32"] for gpu in orin
    )
    arc = {gpu.id: gpu.dense_flops["fp16"] for gpu in catalog.gpus() if gpu.id.startswith("intel-arc-a7")}
    assert arc["intel-arc-a750"] / arc["intel-arc-a770-16gb"] == pytest.approx(28 / 32, rel=0.01)


def test_sources_lead_somewhere_after_an_installation() -> None:
    """Each is an address, or a file that the wheel brings along: never a path of the repository."""
    for key, source in catalog.sources().items():
        if key == "own":
            continue  # this user's folder
        address = urlsplit(source.url)
        assert address.scheme in ("https", "http", "file") or not source.url, f"{key}: {source.url}"
        if address.scheme == "file":
            path = Path(url2pathname(address.path))
            inside = path.relative_to(Path(catalog.__file__).parent.parent)
            assert path.is_file() and inside.parts[0] not in ("refresh", "calibrate"), f"{key}: {source.url}"


def test_a_source_without_an_address_is_an_exception() -> None:
    """One seed table was collected by hand; else only measurements whose table gives no address go without, and say so."""
    without = {key: source.note or "" for key, source in catalog.sources().items() if not source.url}
    without.pop("speed-seed", None)
    assert all(key.startswith("speed-") and "no address is known" in note for key, note in without.items()), without


def test_every_repository_and_tag_was_seen_on_a_day() -> None:
    """Nothing that an engine would be told to fetch is made up: each name stands in a list with a date and its origin."""
    seen = {(row["kind"], row["name"].lower()): row for row in rows(SOURCES / "known_names.csv")}
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", row["seen"]) and row["by"] for row in seen.values())
    named = {
        ("repository", name.lower()) for model in catalog.models() for name in (model.hf_id, *model.repos.values())
    }
    named |= {("tag", model.ollama_tag.lower()) for model in catalog.models() if model.ollama_tag}
    assert sorted(named - set(seen)) == []
