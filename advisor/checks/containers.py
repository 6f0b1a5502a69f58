"""What containers need, and the file with the secrets."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.quoting import shell
from advisor.schema import Check, Plan

COMPOSE_NEEDED = "2.24"  # env_file with required: false


def container_checks(plan: Plan) -> Iterator[Check]:
    """Compose, GPU runtime and image where there is a compose.yaml; .env and the model's licence always."""
    if plan.launch.variant not in ("metal", "xpu"):
        yield _compose()
        if plan.launch.variant == "cuda":
            yield _runtime()
        yield _image(plan)
    yield Check(
        id="env-file",
        fact="Only you can read .env",
        command='[ ! -e .env ] || [ "$(ls -l .env | cut -c5-10)" = ------ ]',
        expect="no output",
        otherwise="chmod 600 .env",
    )
    if plan.launch.needs_token:
        yield _licence(plan.launch.model_ref)


def bearer(variable: str) -> str:
    """curl's option for a key in a variable, so that the key does not stand in the process list."""
    return f'-K <(printf \'header = "Authorization: Bearer %s"\' "${{{variable}:-}}")'


def _compose() -> Check:
    version = "docker compose version --short"
    return Check(
        id="compose",
        fact=f"Docker Compose {COMPOSE_NEEDED} or newer reads compose.yaml (not needed for run.sh)",
        command=f"{version} && printf '%s\\n' {COMPOSE_NEEDED} \"$({version} | sed 's/^v//')\" | sort -V -C",
        expect=f"{COMPOSE_NEEDED} or higher",
        otherwise="install the Compose plugin of your distribution, or use run.sh",
    )


def _runtime() -> Check:
    ask = "docker info --format '{{json .Runtimes}} {{json .CDISpecDirs}}'"
    return Check(
        id="container-gpu",
        fact="Containers reach the GPU through the NVIDIA container toolkit (not needed for run.sh)",
        command=f"nvidia-ctk --version && {ask} | grep -E 'nvidia|/cdi'",
        expect="a version, and a runtime called nvidia or a CDI folder",
        otherwise="install nvidia-container-toolkit, then: sudo nvidia-ctk runtime configure --runtime=docker",
    )


def _image(plan: Plan) -> Check:
    name = plan.launch.image
    pull = "" if plan.workload.offline else f" || docker manifest inspect {shell(name)} >/dev/null"
    where = "is here" if plan.workload.offline else "is here or can be pulled"
    return Check(
        id="image",
        fact=f"The image {name} {where} (not needed for run.sh)",
        command=f"docker image inspect --format '{{{{.Id}}}}' {shell(name)} 2>/dev/null{pull}",
        expect="an id, or no output and no error",
        otherwise=f"with a network: docker save {name} > image.tar; here: docker load < image.tar",
    )


def _licence(repository: str) -> Check:
    url = f"https://huggingface.co/{repository}"
    return Check(
        id="model-access",
        fact=f"{repository} is gated: its licence was accepted and a token is in .env",
        command=f". ./.env; curl -fsS -o /dev/null {bearer('HF_TOKEN')} {shell(url + '/resolve/main/config.json')}",
        expect="no output",
        otherwise=f"accept the licence at {url}, then put a token with read access into .env as HF_TOKEN",
    )
