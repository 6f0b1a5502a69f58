"""Room for weights, image and caches, in the folder that the chosen way of running really uses."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.checklist.systems import typed
from advisor.engines import ENGINES
from advisor.quoting import shell
from advisor.schema import Check, Plan
from advisor.shell import no_less, path_from_env
from advisor.units import GIB, gb

CACHE_BYTES = 2 * GIB  # compiled kernels
IMAGE_BYTES = 10 * GIB  # an engine's image, unpacked
DOCKER = "docker info --format '{{.DockerRootDir}}' 2>/dev/null || echo /var/lib/docker"


def storage_checks(plan: Plan) -> Iterator[Check]:
    """One line a way of running: they keep models in different folders."""
    engine = ENGINES[plan.engine]
    in_place = plan.model.path and engine.preparation(plan) is None
    weights, store = 0 if in_place else plan.launch.cache_bytes, engine.container(plan).mounts[0]
    named, folder = store.native_variable, store.native_folder
    native = f"folder={path_from_env(named)}; folder=${{folder:-${{{named}:-$HOME/{shell(folder)}}}}}"
    yield _disk("disk", native, weights, 0, typed("models", plan).replace("NAME", named), ("native",))
    if plan.hardware.os == "linux":
        volume = f"folder={path_from_env(store.variable)}; folder=${{folder:-$({DOCKER})}}"
        hint = f"set {store.variable} in .env to a folder on a larger disk"
        yield _disk("disk-volumes", volume, weights, IMAGE_BYTES, hint, ("compose",))
        yield _owner(store.variable)
        hint = "mount a larger disk at /var/lib"
        yield _disk("disk-state", "folder=/var/lib", weights, IMAGE_BYTES, hint, ("systemd", "quadlet"))


def _owner(variable: str) -> Check:
    """A host folder in place of the volume: root of the container is nobody special without its capabilities."""
    return Check(
        id="models-owner",
        fact=f"A folder that {variable} names in .env is root's (of rootless Docker: yours), or writable for everybody",
        why="the container runs as root without capabilities, which may write only what root owns",
        command=f'folder={path_from_env(variable)}; [ -z "$folder" ] || [ ! -e "$folder" ] || '
        '[ "$(stat -c %u "$folder")" = '
        '"$(docker info --format "{{.SecurityOptions}}" 2>/dev/null | grep -q rootless && id -u || echo 0)" ] '
        '|| [ -n "$(find "$folder" -maxdepth 0 -perm -o+w)" ]',
        expect="no output",
        otherwise=f"sudo chown -R 0:0 the folder that {variable} names (of rootless Docker: to yourself)",
        targets=("compose",),
    )


def _disk(id_: str, folder: str, weights: int, image: int, hint: str, targets: tuple[str, ...]) -> Check:
    needed = -(-(weights + image + CACHE_BYTES) // 1024)
    parts = [f"weights {gb(weights)}"] * bool(weights) + [f"image about {gb(image)}"] * bool(image)
    query = "df -Pk \"$folder\" | awk 'NR==2 {print $4}'"
    return Check(
        id=id_,
        fact=f"There is room where models lie: {', '.join((*parts, f'caches about {gb(CACHE_BYTES)}'))}",
        why="a full disk ends the download near its end, and everything else on the machine with it",
        command=f'{folder}; while [ ! -e "$folder" ]; do folder=$(dirname "$folder"); done; {no_less(query, needed)}',
        expect=f"at least {needed} (KiB free)",
        otherwise=f"free space, or {hint}",
        when="stopped",
        targets=targets,
    )
