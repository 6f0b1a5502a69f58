"""What containers need: Compose, the daemon, a way to the GPU, and the images."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.catalog.vendor_entries import Toolkit
from advisor.engines.builds import has_image, maker
from advisor.quoting import shell
from advisor.schema import Check, Plan
from advisor.shell import at_least

COMPOSE_NEEDED = "2.24"  # env_file with required: false
COMPOSE = ("compose",)


def container_checks(plan: Plan) -> Iterator[Check]:
    """Compose, GPU runtime and images where there is a compose.yaml."""
    vendor = maker(plan)
    if has_image(plan):
        yield _compose()
        if vendor and vendor.toolkit:
            yield _runtime(vendor.toolkit)
        yield from _images(plan)


def _compose() -> Check:
    return Check(
        id="compose",
        fact=f"Docker Compose {COMPOSE_NEEDED} or newer reads compose.yaml",
        why="older ones refuse the file, or read it otherwise",
        command=at_least("docker compose version --short | sed 's/^v//'", COMPOSE_NEEDED),
        expect=f"{COMPOSE_NEEDED} or higher",
        otherwise="install the Compose plugin of your distribution, or: advisor render plan.json --run native",
        targets=COMPOSE,
    )


def _runtime(toolkit: Toolkit) -> Check:
    ask = "docker info --format '{{json .Runtimes}} {{json .CDISpecDirs}}'"
    return Check(
        id="container-gpu",
        fact=f"Containers reach the GPU through the {toolkit.title}",
        why="without it the container starts and sees no card",
        command=toolkit.command.format(runtimes=ask),
        expect=toolkit.expect,
        otherwise=toolkit.install,
        targets=COMPOSE,
    )


def _images(plan: Plan) -> Iterator[Check]:
    """The engine's image, and the gateway's where there is one."""
    from advisor.deploy import gateway  # here: it imports this module

    images = {"image": plan.launch.image}
    if "gateway" in plan.parts:
        images["image-gateway"] = gateway.facts(plan).image
    for id_, name in images.items():
        pull = "" if plan.workload.air_gapped else f" || docker manifest inspect {shell(name)} >/dev/null"
        where = "is here" if plan.workload.air_gapped else "is here or can be pulled"
        yield Check(
            id=id_,
            fact=f"The image {name} {where}",
            why="a start that cannot find it ends after minutes of trying",
            command=f"docker image inspect --format '{{{{.Id}}}}' {shell(name)} 2>/dev/null{pull}",
            expect="an id, or no output and no error",
            otherwise=f"with a network: docker save {shell(name)} > image.tar; here: docker load < image.tar",
            targets=COMPOSE,
            limit_s=45,
        )
