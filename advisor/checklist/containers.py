"""What containers need: Compose, the daemon, a way to the GPU, and the images."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.catalog.vendor_entries import Toolkit
from advisor.engines.builds import has_image, maker
from advisor.quoting import shell
from advisor.schema import Check, Plan
from advisor.shell import at_least

COMPOSE_NEEDED = "2.24"  # env_file with required: false
# Before it a published loopback port could be reached from outside once firewalld reloaded (CVE-2025-54388), and before
# 28.0 from every machine of the same network.
DOCKER_NEEDED = "28.3.3"
COMPOSE = ("compose",)


def container_checks(plan: Plan) -> Iterator[Check]:
    """Compose, GPU runtime and images where there is a compose.yaml."""
    vendor = maker(plan)
    if has_image(plan):
        yield _compose()
        yield _docker()
        if vendor and vendor.toolkit:
            yield _runtime(vendor.toolkit)
            if vendor.toolkit.keeps:
                yield _lasting(vendor.toolkit)
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


def _docker() -> Check:
    return Check(
        id="docker",
        fact=f"Docker {DOCKER_NEEDED} or newer keeps published loopback ports on this machine",
        why="older ones let others reach what is published for 127.0.0.1: the engine, which asks for no key",
        command=at_least("docker version --format '{{.Server.Version}}'", DOCKER_NEEDED),
        expect=f"{DOCKER_NEEDED} or higher",
        otherwise="update Docker, or let a firewall drop what comes from outside for the engine's port",
        targets=COMPOSE,
    )


def _lasting(toolkit: Toolkit) -> Check:
    """Where systemd keeps the control groups it writes device rules anew, and drops those it was not told of."""
    return Check(
        id="container-gpu-lasts",
        fact="Containers keep the GPU when systemd reloads its units",
        why="after `systemctl daemon-reload`, which every package update does, the engine loses its cards until it "
        "is started again",
        # In WSL the card is no device node that systemd could forget.
        command="[ -e /dev/dxg ] || "
        f"[ \"$(docker info --format '{{{{.CgroupDriver}}}}')\" = cgroupfs ] || {toolkit.keeps}",
        expect="no output, or a link",
        otherwise=toolkit.keep,
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
