"""What an air-gapped deployment has to carry: images, weights, programs, and how to save, verify and load them."""

from __future__ import annotations

from pathlib import PurePosixPath

from advisor import DISTRIBUTION, __version__
from advisor.deploy import gateway, monitoring, native
from advisor.engines import ENGINES
from advisor.engines.base import Placement
from advisor.engines.builds import has_image
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
    repositories: tuple[str, ...]  # the model, and what is loaded beside it
    local: str  # path of a local model, empty where it comes from a hub
    local_name: str
    store_variable: str  # native
    volume_variable: str  # of compose.yaml
    below: str  # where the engine itself looks, below the carried folder
    weights: str  # where they lie in that folder
    fetched_by: str
    weights_bytes: int
    requirement: str  # of the engine for pip; empty where it is no Python package
    archive: str  # address of the engine's program; empty where it is a Python package
    caddy: str  # version; empty without a gateway
    distribution: str  # of this program, for pip
    advisor: str  # its version
    variables: tuple[str, ...]  # that keep the engine from asking anybody
    target: str  # folder of the engine natively


def wanted(plan: Plan) -> bool:
    """Whenever the deployment never reaches out."""
    return plan.workload.air_gapped


def possible(plan: Plan) -> str:  # noqa: ARG001
    """Everywhere."""
    return ""


def facts(plan: Plan) -> Carry:
    """Every image and file by name."""
    engine, local = ENGINES[plan.engine], plan.model.path or ""
    store, supplies = engine.container(plan).mounts[0], engine.supplies(plan)
    return Carry(
        images=tuple(Image(name=name, file=_file(name)) for name in _images(plan)),
        model_ref=plan.launch.model_ref,
        repositories=supplies.repositories,
        local=next((mount.source for mount in local_mount(plan.model.path)), ""),
        local_name=PurePosixPath(local).name,
        store_variable=store.native_variable,
        volume_variable=store.variable,
        below=supplies.store,
        weights=supplies.weights,
        fetched_by=supplies.fetched_by,
        weights_bytes=plan.launch.cache_bytes,
        requirement=supplies.requirement,
        archive=supplies.archive,
        caddy=gateway.VERSION if "gateway" in plan.parts else "",
        distribution=DISTRIBUTION,
        advisor=__version__,
        variables=tuple(f"{name}={text}" for name, text in plan.launch.env.items() if name in supplies.variables),
        target=native.engine_home(plan),
    )


def placements(plan: Plan) -> tuple[Placement, ...]:  # noqa: ARG001
    """The list for people, and the two scripts."""
    return (
        Placement("offline/CARRY.md.j2", "offline/CARRY.md"),
        Placement("offline/save.sh.j2", "offline/save.sh", executable=True),
        Placement("offline/load.sh.j2", "offline/load.sh", executable=True),
    )


# A list of sums may name any file: only regular ones below the folder, under the names they have there, are read.
_VERIFY = (
    "cd offline/carry && [ -f SHA256SUMS ] && [ ! -L SHA256SUMS ] || exit 1",
    '! cut -c 67- SHA256SUMS | grep -vxF "$(find . -type f)" || exit 1',
    "sha256sum --check --quiet --strict SHA256SUMS",
)


def checks(plan: Plan) -> tuple[Check, ...]:  # noqa: ARG001
    """What was carried is what was saved."""
    return (
        Check(
            id="carried",
            fact="Everything that was carried arrived whole",
            why="a weight file with one wrong bit loads, and answers nonsense",
            command=f"[ ! -e offline/carry ] || ({'; '.join(_VERIFY)})",
            expect="no output",
            otherwise="carry again what it names; offline/save.sh on the other side only repeats what is missing",
            limit_s=1800,
        ),
    )


def _images(plan: Plan) -> list[str]:
    """Of the engine and of every part; none where no image reaches the device."""
    if not has_image(plan):
        return []
    names = [plan.launch.image]
    if "gateway" in plan.parts:
        names.append(gateway.facts(plan).image)
    if "monitoring" in plan.parts:
        watched = monitoring.facts(plan)
        names += [watched.prometheus_image, watched.alertmanager_image, watched.grafana_image]
        names += [exporter.image for exporter in watched.exporters]
    return names


def _file(image: str) -> str:
    """`owner/image:v1.2` → `images/owner-image-v1.2.tar`."""
    return "images/" + image.replace("/", "-").replace(":", "-") + ".tar"
