"""A vendor that nobody has heard of: one entry in the registry and one reader carry it from the probe into every file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from advisor.catalog import engine_limits
from advisor.catalog.vendor_entries import Access, Families, Kubernetes, Toolkit, VendorSpec
from advisor.catalog.vendor_parts import Build
from advisor.catalog.vendors import vendors
from advisor.catalog.versions import limits_of
from advisor.pipeline import files_of, recommend
from advisor.probe import READERS, probe
from advisor.probe.card import Card, Reading
from advisor.schema import Accelerator, Hardware
from advisor.wire import to_json
from tests.probe.recorded_machines import host_of, recording

GIB = 1024**3
NODES = Access(device_nodes=("/dev/acme0", "/dev/acmectl"), groups=("acme",), unit_devices=("char-acme rw",))
RUNTIME = Access(
    cdi_kind="acme.example/card",
    reservation_driver="acme",
    docker_options="--cards all",
    unit_devices=("char-acme rw",),
)
TOOLKIT = Toolkit(
    title="Acme toolkit",
    version_field="nvidia_toolkit_version",
    command="acme-ctk --version && {runtimes} | grep acme",
    expect="a version",
    install="install acme-ctk",
    make_cdi="acme-ctk generate",
)


def entry(access: Access, toolkit: Toolkit | None = None) -> VendorSpec:
    """The one entry of data."""
    build: dict[str, Any] = {"backend": "warp", "cards_variable": "ACME_CARDS"}
    return VendorSpec(
        name="acme",
        title="Acme",
        families=Families(otherwise="rdna"),
        access=access,
        toolkit=toolkit,
        kubernetes=Kubernetes(resource="acme.example/card"),
        builds={
            "ollama": Build(image="acme/ollama:{version}", **build),
            "vllm": Build(image="acme/vllm:v{version}", capabilities=("SYS_ACME",), **build),
        },
    )


def reader() -> Any:
    """The one module of the probe: a card of 48 GiB."""
    card = Accelerator(
        index=0,
        name="Acme One",
        vendor="acme",
        device_class="datacenter",
        memory_bytes=48 * GIB,
        bandwidth_bytes_per_s=1.2e12,
        dense_flops={"fp16": 200e12, "bf16": 200e12},
    )
    module: Any = ModuleType("acme_reader")
    module.ask = lambda host: None
    module.read = lambda host, asked, unknown: Reading((Card(card),))
    return module


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[VendorSpec]:
    """The vendor in the registry and its reader among the readers."""
    made: VendorSpec = request.param
    monkeypatch.setitem(vendors(), "acme", made)
    monkeypatch.setitem(READERS["linux"], "acme", "acme_reader")
    monkeypatch.setitem(sys.modules, "acme_reader", reader())
    for read in (engine_limits, limits_of):
        read.cache_clear()
    yield made
    for read in (engine_limits, limits_of):
        read.cache_clear()


def machine(tmp_path: Path) -> Hardware:
    """A laptop without a card of any other vendor, with one of this one."""
    return probe(host=host_of(recording("laptop-no-gpu"), tmp_path))


def files(engine: str, tmp_path: Path) -> dict[str, str]:
    """The folder of a service on that machine, as `recommend --hardware` makes it."""
    recorded = tmp_path / "hardware.json"
    recorded.write_text(to_json(machine(tmp_path / "root")), encoding="utf-8")
    asked = {"model": "Qwen/Qwen3-8B", "engine": engine, "users": 20, "parts": "all"}
    answer = recommend(profile="chat", overrides=asked, hardware_file=recorded)
    assert answer.plan is not None and answer.plan.engine == engine
    assert answer.plan.estimate.candidate.gpu_indices == (0,) and answer.plan.launch.variant == "warp"
    return {file.path: file.text for file in files_of(answer.plan)}


def requests(text: str) -> set[str]:
    """Every resource name with a slash that a manifest asks for."""
    found = (name for part in yaml.safe_load_all(text) for name in _keys(part))
    return {name for name in found if name.startswith("acme.example/")}


def _keys(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, item in node.items():
            yield str(key)
            yield from _keys(item)
    elif isinstance(node, list):
        for item in node:
            yield from _keys(item)


@pytest.mark.parametrize("registered", [entry(NODES)], indirect=True, ids=["nodes"])
def test_the_probe_finds_it(registered: VendorSpec, tmp_path: Path) -> None:
    """The reader's card stands in the hardware as it told it."""
    (card,) = machine(tmp_path).accelerators
    assert (card.index, card.vendor, card.memory_bytes) == (0, registered.name, 48 * GIB)


@pytest.mark.parametrize("engine", ["ollama", "vllm"])
@pytest.mark.parametrize("registered", [entry(NODES)], indirect=True, ids=["nodes"])
def test_every_file_names_its_device_nodes(registered: VendorSpec, engine: str, tmp_path: Path) -> None:
    """Compose, systemd, Podman and Kubernetes hand over what the entry says, and the image is the entry's."""
    made = files(engine, tmp_path)
    service = yaml.safe_load(made["compose.yaml"])["services"]["engine"]
    image = registered.builds[engine].image.format(version=engine_limits(engine).version)
    assert service["image"] == image
    assert service["devices"] == ["/dev/acme0", "/dev/acmectl"]
    assert "group_add" not in service  # no name of a host's group means anything inside the image
    unit = next(text for path, text in made.items() if path.endswith(".service") and "gateway" not in path)
    assert "DeviceAllow=char-acme rw" in unit
    quadlet = next(text for path, text in made.items() if path.endswith(".container") and "AddDevice" in text)
    assert "AddDevice=/dev/acmectl" in quadlet and "GroupAdd" not in quadlet
    kind = "kubernetes/statefulset.yaml" if engine == "ollama" else "kubernetes/deployment.yaml"
    assert requests(made[kind]) == {"acme.example/card"}


@pytest.mark.parametrize("engine", ["ollama", "vllm"])
@pytest.mark.parametrize("registered", [entry(RUNTIME, TOOLKIT)], indirect=True, ids=["runtime"])
def test_every_file_names_its_runtime(registered: VendorSpec, engine: str, tmp_path: Path) -> None:
    """The same for cards that a container runtime hands over, and the checklist asks for that runtime."""
    made = files(engine, tmp_path)
    service = yaml.safe_load(made["compose.yaml"])["services"]["engine"]
    reserved = service["deploy"]["resources"]["reservations"]["devices"]
    assert [(one["driver"], one["device_ids"]) for one in reserved] == [("acme", ["0"])]
    quadlet = next(text for path, text in made.items() if "AddDevice" in text and path.endswith(".container"))
    assert "AddDevice=acme.example/card=0" in quadlet and "keep-groups" not in quadlet
    assert "Acme toolkit" in made["CHECKLIST.md"] and "acme-ctk generate" in made["README.md"]
    assert not any("nvidia" in text.lower() for path, text in made.items() if path.endswith((".container", ".service")))
