"""The lines of the pre-deployment checklist that every engine needs. A command that succeeds (exit 0) is a pass.

Commands are for bash, run in the deployment folder, and only look: they change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.catalog import engine_limits
from advisor.engines.devices import cards_of
from advisor.quoting import shell
from advisor.schema import Accelerator, Check, Plan
from advisor.units import GIB, MIB, gb, gib

COMPOSE_NEEDED = "2.24"  # env_file with required: false
SPARE_DISK_BYTES = 10 * GIB  # image layers and caches
HOST_BYTES = 4 * GIB  # the engine's own processes on the host


def host_checks(plan: Plan) -> tuple[Check, ...]:
    """System, cards, memory, disk, port, container tools and files, in the order in which a person goes through them."""
    return (
        *_system(plan),
        *_cards(plan),
        _host_memory(plan),
        _disk(plan),
        _port(plan),
        *_containers(plan),
        *_dotenv(plan),
    )


def _system(plan: Plan) -> Iterator[Check]:
    machine = plan.hardware.cpu.architecture
    names = {"x86_64": "x86_64|amd64", "aarch64": "aarch64|arm64", "arm64": "aarch64|arm64"}.get(machine, machine)
    system = {"linux": "Linux", "darwin": "Darwin"}.get(plan.hardware.os, plan.hardware.os)
    yield Check(
        id="system",
        fact=f"The plan was made for {system} on {machine}",
        command=f"uname -sm && [[ $(uname -sm) =~ ^{system}\\ ({names})$ ]]",
        expect=f"{system} {machine}",
        otherwise="make the plan on the machine that will run it, or with --hardware from `advisor probe --out hw.json`",
    )


def _cards(plan: Plan) -> Iterator[Check]:
    for card in cards_of(plan.estimate.candidate, plan.hardware):
        if card.vendor == "nvidia":
            yield _nvidia_present(card)
            yield _nvidia_free(card, plan)
    if plan.launch.variant == "cuda":
        yield _nvidia_driver(plan)
    elif plan.launch.variant == "rocm":
        yield Check(
            id="gpu-nodes",
            fact="AMD GPUs are reached through /dev/kfd and /dev/dri",
            command="ls -l /dev/kfd && ls /dev/dri/renderD*",
            expect="both exist",
            otherwise="load the amdgpu driver (ROCm 7), and put this user into the groups video and render",
        )


def _nvidia_present(card: Accelerator) -> Check:
    return Check(
        id=f"gpu-{card.index}",
        fact=f"GPU {card.index} is a {card.name}",
        command=f"nvidia-smi -i {card.index} --query-gpu=name --format=csv,noheader | grep -F {shell(card.name)}",
        expect=card.name,
        otherwise="the cards were exchanged or renumbered: run `advisor recommend` again here",
    )


def asked_bytes(plan: Plan) -> int:
    """What the engine will take of one card."""
    candidate, memory = plan.estimate.candidate, plan.estimate.memory
    if candidate.memory_utilization is not None:
        return int(memory.device_bytes * candidate.memory_utilization)
    return memory.weights_bytes + memory.kv_bytes + memory.activation_bytes + memory.overhead_bytes


def _nvidia_free(card: Accelerator, plan: Plan) -> Check:
    asked = -(-asked_bytes(plan) // MIB)
    query = f"nvidia-smi -i {card.index} --query-gpu=memory.free --format=csv,noheader,nounits"
    return Check(
        id=f"gpu-{card.index}-free",
        fact=f"{gib(asked_bytes(plan))} of GPU {card.index} will be asked for",
        command=f"{query} && [ \"$({query})\" -ge {asked} ]",
        expect=f"at least {asked} (MiB free now)",
        otherwise="end what holds the memory (`nvidia-smi` lists it), or plan again with it running",
    )


def _nvidia_driver(plan: Plan) -> Check:
    limits = engine_limits(plan.engine)
    least = limits.min_nvidia_driver or "0"
    query = "nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -n 1"
    return Check(
        id="driver",
        fact=f"{limits.title} {limits.version} needs NVIDIA driver {least} or newer",
        command=f"{query} && printf '%s\\n' {least} \"$({query})\" | sort -V -C",
        expect=f"{least} or higher",
        otherwise="update the driver, then restart the machine",
    )


def _host_memory(plan: Plan) -> Check:
    needed = -(-(asked_bytes(plan) + HOST_BYTES if plan.launch.variant == "cpu" else 2 * HOST_BYTES) // MIB)
    if plan.hardware.os == "darwin":
        command = f"memory=$(( $(sysctl -n hw.memsize) / 1048576 )); echo \"$memory\"; [ \"$memory\" -ge {needed} ]"
    else:
        read = "awk '/^MemAvailable/ {print int($2 / 1024)}' /proc/meminfo"
        command = f"{read} && [ \"$({read})\" -ge {needed} ]"
    return Check(
        id="memory",
        fact=f"The engine needs about {gib(needed * MIB)} of the host's memory",
        command=command,
        expect=f"at least {needed} (MiB available)",
        otherwise="end other programs, or plan a smaller model or context",
    )


def _disk(plan: Plan) -> Check:
    needed = plan.launch.cache_bytes + SPARE_DISK_BYTES
    path = shell(plan.hardware.disk_path) if plan.hardware.disk_path else '"$HOME"'
    read = f"df -Pk {path} | awk 'NR==2 {{print $4}}'"
    return Check(
        id="disk",
        fact=f"Weights take {gb(plan.launch.cache_bytes)}, image and caches about {gb(SPARE_DISK_BYTES)}",
        command=f"{read} && [ \"$({read})\" -ge {-(-needed // 1024)} ]",
        expect=f"at least {-(-needed // 1024)} (KiB free where models lie)",
        otherwise="free space, or set ADVISOR_MODELS in .env to a folder on a larger disk",
    )


def _port(plan: Plan) -> Check:
    port = plan.launch.port
    return Check(
        id="port",
        fact=f"Port {port} is free",
        command=f"if (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; then echo busy; false; else echo free; fi",
        expect="free",
        otherwise=f"stop what listens there (`ss -ltnp 'sport = :{port}'`)",
    )


def _containers(plan: Plan) -> Iterator[Check]:
    if plan.launch.variant == "metal":
        return
    yield Check(
        id="compose",
        fact=f"Docker Compose {COMPOSE_NEEDED} or newer reads compose.yaml (not needed for run.sh)",
        command="docker compose version --short && "
        f"printf '%s\\n' {COMPOSE_NEEDED} \"$(docker compose version --short | sed 's/^v//')\" | sort -V -C",
        expect=f"{COMPOSE_NEEDED} or higher",
        otherwise="install the Compose plugin of your distribution, or use run.sh",
    )
    if plan.launch.variant == "cuda":
        yield Check(
            id="container-gpu",
            fact="Containers reach the GPU through the NVIDIA container toolkit (not needed for run.sh)",
            command="nvidia-ctk --version && docker info --format '{{json .Runtimes}} {{json .CDISpecDirs}}' | "
            "grep -E 'nvidia|/cdi'",
            expect="a version, and a runtime called nvidia or a CDI folder",
            otherwise="install nvidia-container-toolkit and run `sudo nvidia-ctk runtime configure --runtime=docker`",
        )
    image = shell(plan.launch.image)
    pull = "" if plan.workload.offline else f" || docker manifest inspect {image} >/dev/null"
    yield Check(
        id="image",
        fact=f"The image {plan.launch.image} is here" + ("" if plan.workload.offline else " or can be pulled"),
        command=f"docker image inspect --format '{{{{.Id}}}}' {image} 2>/dev/null{pull}",
        expect="an id, or no output and no error",
        otherwise=f"on a machine with a network: docker save {plan.launch.image} > image.tar; here: docker load < image.tar",
    )


def _dotenv(plan: Plan) -> Iterator[Check]:
    yield Check(
        id="env-file",
        fact="Only you can read .env",
        command="[ ! -e .env ] || [ \"$(ls -l .env | cut -c5-10)\" = ------ ]",
        expect="no output",
        otherwise="chmod 600 .env",
    )
    if plan.launch.needs_token:
        name = plan.launch.model_ref
        yield Check(
            id="model-access",
            fact=f"{name} is gated: its licence was accepted and a token is in .env",
            command="set -a; . ./.env; curl -fsS -o /dev/null -H \"Authorization: Bearer $HF_TOKEN\" "
            + shell(f"https://huggingface.co/{name}/resolve/main/config.json"),
            expect="no output",
            otherwise=f"accept the licence at https://huggingface.co/{name}, then put a read token into .env as HF_TOKEN",
        )
