"""The registry of card vendors: entries and readers belong together, and nothing else knows a vendor by name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from advisor import __file__ as package
from advisor.catalog import constants, engine_limits, gpus
from advisor.catalog.vendors import build_for, card_variables, check_backend, check_vendors, gpu_share, vendors
from advisor.engines.devices import usable
from advisor.errors import BadInput
from advisor.probe import READERS
from advisor.schema import Accelerator, Cpu, Hardware

ROOT = Path(package).parent
GIB = 1024**3
READING = ("probe/nvidia", "probe/nvml", "probe/amd", "probe/intel", "probe/apple")  # the vendors' own modules
OWN_WORDS = {  # file → what a string of it may say all the same, and why
    "models/text.py": ("nvidia", "a publisher of models, in the names of repositories"),
    "report/listing.py": ("NVIDIA", "the title of a column: `min_nvidia_driver` of each engine"),
    "schema.py": ("apple", "a class of devices, in recorded JSON"),
}


def strings(file: Path) -> Iterator[tuple[int, str]]:
    """Every string of a module but docstrings, with its line."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef)
    texts = {id(n.body[0].value) for n in ast.walk(tree) if isinstance(n, owners) and isinstance(n.body[0], ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in texts:
            yield node.lineno, node.value


def names() -> frozenset[str]:
    """Vendors and back ends: a string that is one of them asks who made a card."""
    backends = {build.backend for vendor in vendors().values() for build in vendor.builds.values()}
    return frozenset({*vendors(), *backends} - {"other"})


def owned() -> re.Pattern[str]:
    """What only one vendor has, anywhere in a string: title, variables, resource, tool, device nodes of its own."""
    words = {*card_variables()}
    for vendor in vendors().values():
        words |= {vendor.title, *([vendor.tool.program] if vendor.tool else [])}
        words |= {vendor.kubernetes.resource.partition("/")[0]} if vendor.kubernetes else set()
        words |= set(vendor.access.device_nodes) if vendor.access else set()
    return re.compile("|".join(rf"\b{re.escape(word)}\b" for word in sorted(words)).replace(r"\b/", "/"))


def test_only_the_registry_and_the_readers_know_a_vendor() -> None:
    """Outside of the vendors' modules no string is a vendor's or a back end's name, or holds what only one of them has."""
    pattern, found = owned(), []
    for file in sorted(ROOT.rglob("*.py")):
        place = file.relative_to(ROOT).as_posix()
        if place.startswith((*READING, "refresh/", "calibrate/")) or place == "probe/__init__.py":
            continue
        allowed = OWN_WORDS.get(place, ("", ""))[0].split()
        for line, text in strings(file):
            said = {text} & names() or set(pattern.findall(text))
            found += [f"{place}:{line}: {text!r}"] if said - set(allowed) else []
    assert found == []


def test_no_exception_is_stale() -> None:
    """Every exception of the test above still says something that the test would refuse."""
    for place, (allowed, reason) in OWN_WORDS.items():
        said = {text for _, text in strings(ROOT / place)}
        assert reason and all(word in said or any(word in text.split() for text in said) for word in allowed.split())


def test_every_vendor_has_a_reader() -> None:
    """A vendor with a build for an engine is read on some system, and every reader belongs to a vendor."""
    readers = [name for system in READERS.values() for name in system]
    assert sorted(readers) == sorted(name for name, vendor in vendors().items() if vendor.builds)
    for system in READERS.values():
        for module in system.values():
            assert callable(import_module(module).ask) and callable(import_module(module).read)


def test_builds_are_of_known_engines_and_reach_their_cards() -> None:
    """An image that reaches the card says how a container, a unit and a pod get it."""
    engines = {entry["name"] for entry in constants("engines")["engines"]}
    for vendor in vendors().values():
        assert set(vendor.builds) <= engines
        if any(build.in_container for build in vendor.builds.values()):
            assert vendor.access and vendor.kubernetes
            assert vendor.access.by_runtime != bool(vendor.access.device_nodes)


def test_a_host_gets_the_version_that_the_image_has() -> None:
    """Every version in the words for a host without containers stands in the pinned image's tag."""
    for vendor in vendors().values():
        found = vendor.metrics_exporter
        if found is not None:
            versions = re.findall(r"\d+\.\d+\.\d+", found.program)
            assert versions and all(each in found.image.rpartition(":")[2] for each in versions)


def test_every_card_of_the_catalogue_has_a_maker() -> None:
    """The catalogue names only vendors of the registry."""
    assert {spec.vendor for spec in gpus()} <= set(vendors())


def test_families_are_those_of_the_speed_model() -> None:
    """Each family that a rule can give has a fitted bandwidth, so that no card is reckoned by a name that was misspelt."""
    fitted = str(constants("speed"))
    for vendor in vendors().values():
        rule = vendor.families
        given = {rule.otherwise, rule.unified, *rule.capabilities.values(), *rule.architectures.values()} - {None}
        assert [family for family in given if f"'bandwidth.{family}'" not in fitted] == []


def test_the_share_of_unified_memory_grows_with_it() -> None:
    """Two thirds up to 32 GiB, three quarters above; a vendor without a rule has none."""
    assert gpu_share(vendors()["apple"], 32 * GIB) == 0.6667
    assert gpu_share(vendors()["apple"], 36 * GIB) == 0.75
    assert gpu_share(vendors()["amd"], 36 * GIB) is None


def test_files_name_known_vendors_and_back_ends() -> None:
    """A vendor or back end that nobody knows is refused with file, key, what was seen and what is accepted."""
    card = Accelerator(index=0, name="Card", vendor="acme", device_class="other", memory_bytes=GIB)
    cpu = Cpu(model="", architecture="x86_64", cores=1, threads=1, memory_bytes=GIB)
    machine = Hardware(source="file", os="linux", cpu=cpu, accelerators=(card,))
    accepted = "'nvidia', 'amd', 'apple', 'intel' or 'other'"
    with pytest.raises(BadInput, match=rf"hw.json: accelerators.0.vendor: Input should be {accepted}; saw 'acme'"):
        check_vendors(machine, "hw.json")
    with pytest.raises(BadInput, match=r"plan.json: launch.variant: .*'cuda'.* or 'xpu'; saw 'cudb'"):
        check_backend("cudb", "plan.json")


def test_a_vendor_without_a_build_refuses_the_engine() -> None:
    """A plan of a file that puts an engine on cards it does not run on gets a sentence."""
    card = Accelerator(index=0, name="Apple M4", vendor="apple", device_class="apple", memory_bytes=GIB)
    with pytest.raises(BadInput, match="vllm does not run on cards of Apple; it does on nvidia, amd, intel"):
        build_for(card, "vllm")


def test_an_engine_is_offered_only_where_it_has_a_back_end() -> None:
    """Of every card that the table marks n or plug-in for an engine, that engine never plans the card."""
    refused = [(gpu, engine) for gpu in gpus() for engine, said in gpu.supported.items() if said in ("n", "plugin")]
    assert len(refused) > 60
    for gpu, engine in refused:
        card = Accelerator(
            index=0, name=gpu.name, vendor=gpu.vendor, device_class=gpu.device_class, memory_bytes=gpu.memory_bytes,
            catalog_id=gpu.id, compute_capability=gpu.compute_capability,
        )  # fmt: skip
        assert not usable(card, engine_limits(engine)), (gpu.id, engine)
