"""What an air-gapped deployment has to carry: images, weights, programs, and how to save, verify and load them."""

from __future__ import annotations

from pathlib import PurePosixPath

from advisor import DISTRIBUTION, __version__
from advisor.deploy import gateway, monitoring, native
from advisor.engines import ENGINES
from advisor.engines.base import Placement
from advisor.engines.containers import local_mount
from advisor.schema import Check, Plan, value

IMAGE_BYTES = 10 * 10**9  # an engine's image as a file; assumed, for the disk it takes on the way


@value
class Image:
    """An image and the file that carries it."""

    name: str
    file: str


@value
class Carry:
    """What the scripts and the list are filled with."""

    images: tuple[Image, ...]
    model_ref: str
    local: str  # path of a local model, empty where it comes from a hub
    local_name: str
    from_store: bool  # the engine keeps models in a store of its own (Ollama), not in the Hub's cache
    store_variable: str  # native
    volume_variable: str  # of compose.yaml
    below: str  # where the engine itself looks, below the carried folder
    cached: str  # folder of the Hub's cache
    weights_bytes: int
    requirement: str  # of the engine for pip; empty where it is no Python package
    archive: str  # address of the engine's program; empty where it is a Python package
    caddy: str  # version; empty without a gateway
    distribution: str  # of this program, for pip
    advisor: str  # its version
    variables: tuple[str, ...]  # that keep the engine from asking anybody
    target: str  # folder of the engine natively


def wanted(plan: Plan) -> bool:
    """Whenever the plan says offline."""
    return plan.workload.offline


def possible(plan: Plan) -> str:  # noqa: ARG001
    """Everywhere."""
    return ""


def facts(plan: Plan) -> Carry:
    """Every image and file by name."""
    store = ENGINES[plan.engine].container(plan).mounts[0]
    from_store = plan.launch.modelfile is not None
    local = plan.model.path or ""
    return Carry(
        images=tuple(Image(name=name, file=_file(name)) for name in _images(plan)),
        model_ref=plan.launch.model_ref,
        local=next((mount.source for mount in local_mount(plan.model.path)), ""),
        local_name=PurePosixPath(local).name,
        from_store=from_store,
        store_variable=store.native_variable,
        volume_variable=store.variable,
        below="models" if from_store else "",
        cached="models--" + plan.launch.model_ref.replace("/", "--"),
        weights_bytes=plan.launch.cache_bytes,
        requirement="" if from_store else f"{plan.launch.program[0]}=={plan.engine_version}",
        archive=_archive(plan) if from_store else "",
        caddy=gateway.VERSION if "gateway" in plan.parts else "",
        distribution=DISTRIBUTION,
        advisor=__version__,
        variables=tuple(f"{name}={text}" for name, text in plan.launch.env.items() if name in OFFLINE_VARIABLES),
        target=native.engine_home(plan),
    )


OFFLINE_VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "VLLM_NO_USAGE_STATS", "OLLAMA_NO_CLOUD")


def placements(plan: Plan) -> tuple[Placement, ...]:  # noqa: ARG001
    """The list for people, and the two scripts."""
    return (
        Placement("offline/CARRY.md.j2", "offline/CARRY.md"),
        Placement("offline/save.sh.j2", "offline/save.sh", executable=True),
        Placement("offline/load.sh.j2", "offline/load.sh", executable=True),
    )


def checks(plan: Plan) -> tuple[Check, ...]:  # noqa: ARG001
    """What was carried is what was saved."""
    return (
        Check(
            id="carried",
            fact="Everything that was carried arrived whole",
            why="a weight file with one wrong bit loads, and answers nonsense",
            command="[ ! -d offline/carry ] || (cd offline/carry && sha256sum --check --quiet SHA256SUMS)",
            expect="no output",
            otherwise="carry again what it names; offline/save.sh on the other side only repeats what is missing",
            limit_s=1800,
        ),
    )


def _images(plan: Plan) -> list[str]:
    """Of the engine and of every part; none where no image reaches the device."""
    if plan.launch.variant in ("metal", "xpu"):
        return []
    names = [plan.launch.image]
    if "gateway" in plan.parts:
        names.append(gateway.facts(plan).image)
    if "monitoring" in plan.parts:
        watched = monitoring.facts(plan)
        names += [watched.prometheus_image, watched.grafana_image]
    return names


def _file(image: str) -> str:
    """`vllm/vllm-openai:v0.33.0` → `images/vllm-vllm-openai-v0.33.0.tar`."""
    return "images/" + image.replace("/", "-").replace(":", "-") + ".tar"


def _archive(plan: Plan) -> str:
    """Address of the engine's own archive for this machine."""
    system = "arm64" if plan.hardware.cpu.architecture in ("aarch64", "arm64") else "amd64"
    name = plan.launch.program[0]
    base = f"https://github.com/{name}/{name}/releases/download/v{plan.engine_version}"
    return f"{base}/{name}-darwin.tgz" if plan.hardware.os == "darwin" else f"{base}/{name}-linux-{system}.tar.zst"
