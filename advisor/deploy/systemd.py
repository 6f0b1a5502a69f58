"""Hardened systemd units: the engine, the gateway in front of it, and what loads a driver's modules."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.catalog.vendor_entries import Modules
from advisor.deploy import native
from advisor.engines import ENGINES
from advisor.engines.base import Placement
from advisor.engines.builds import access, build, chosen_slice, maker
from advisor.engines.containers import model_mounts
from advisor.engines.downloads import download_s, fetches
from advisor.quoting import shell
from advisor.schema import Check, Plan, value

LOAD_S = 300  # naming a model and loading it, beside its download
MOST_FAILURES = 5
NODE_GROUPS = ("video", "render")  # whose members may open device nodes


@value
class Units:
    """What the units are filled with."""

    unit: str  # name of the engine's service
    program: tuple[str, ...]
    env: tuple[str, ...]  # NAME=value
    home: str  # of the engine's installation
    config: str
    state: str
    cache: str
    devices: tuple[str, ...]  # DeviceAllow=; empty: no device at all
    groups: tuple[str, ...]
    bound: tuple[str, ...]  # folders of models, whatever hides them
    memory_max_bytes: int | None
    start_s: int
    stop_s: int
    limit_s: int  # time in which MOST_FAILURES failures end the attempts
    failures: int
    closed: bool  # nothing has to be fetched: only loopback is open
    one_fails_all: bool  # the engine's processes are worth nothing without each other
    fetch: tuple[str, ...]  # a command that has the model fetched before the engine starts; empty: it is here
    prepare: str  # one line of shell that gives the running server its model; empty: it has it
    model_file: str  # that the line reads
    needs_token: bool
    modules: Modules | None  # what loads the driver before the engine, which may not
    health: str
    gateway: bool


def wanted(plan: Plan) -> bool:  # noqa: ARG001
    """A way to run is asked for by `run`, never wanted by itself."""
    return False


def possible(plan: Plan) -> str:
    """Linux only, and one machine."""
    if plan.hardware.os != "linux":
        return f"{plan.hardware.os} has no systemd"
    spans = plan.estimate.candidate.nodes_of_replica > 1
    return "the engine lies on several machines: nodes/node@.service is its unit" if spans else ""


def facts(plan: Plan) -> Units:
    """Everything that the templates place."""
    launch = plan.launch
    engine, config = ENGINES[plan.engine], native.config_folder(plan)
    container, preparation = engine.container(plan), engine.preparation(plan)
    way, vendor = access(plan), maker(plan)
    return Units(
        unit=native.unit_name(plan),
        program=(*_sliced(plan), native.engine_program(plan), *launch.program[1:], *launch.argv),
        env=tuple(f"{name}={text}" for name, text in _environment(plan)),
        home=native.engine_home(plan),
        config=config,
        state=native.state_folder(plan),
        cache=native.cache_folder(plan),
        devices=way.unit_devices if way else (),
        groups=NODE_GROUPS if way and not way.by_runtime else (),
        bound=tuple(mount.source for mount in model_mounts(plan.model)),
        memory_max_bytes=container.memory_limit_bytes or None,
        start_s=patience_s(plan),
        stop_s=container.grace_s,
        limit_s=MOST_FAILURES * (patience_s(plan) + 60),
        failures=MOST_FAILURES,
        closed=plan.workload.air_gapped or plan.model.path is not None,
        one_fails_all=preparation is None,
        fetch=fetch(plan),
        prepare=preparation.script(f"{config}/{preparation.file}") if preparation else "",
        model_file=preparation.file if preparation else "",
        needs_token=launch.needs_token,
        modules=vendor.modules if vendor else None,
        health=f"http://127.0.0.1:{launch.port}{launch.health_path}",
        gateway="gateway" in plan.parts,
    )


def _sliced(plan: Plan) -> tuple[str, ...]:
    """What starts the engine with the slice of a card that it is to use; nothing where it uses whole ones."""
    found = chosen_slice(plan)
    if found is None:
        return ()
    script = f'{found.script}; [ -n "$slice" ]; export {found.variable}="$slice"; exec "$@"'
    return "/bin/sh", "-euc", script, "slice"


def fetch(plan: Plan) -> tuple[str, ...]:
    """The command that has the model fetched before the engine starts; empty where its running server does that."""
    found = ENGINES[plan.engine].supplies(plan)
    own = ENGINES[plan.engine].preparation(plan) is None
    return ("/bin/sh", "-euc", found.fetch, "fetch", *found.repositories) if own and fetches(plan) else ()


def placements(plan: Plan) -> tuple[Placement, ...]:
    """One unit a service."""
    unit = native.unit_name(plan)
    return tuple(Placement(f"systemd/{template}", f"systemd/{unit}{ending}") for template, ending in _files(plan))


def checks(plan: Plan) -> tuple[Check, ...]:
    """The engine where the unit expects it, and the manager's own judgement of the unit."""
    unit, program = native.unit_name(plan), native.engine_program(plan)
    return (
        Check(
            id="unit-program",
            fact=f"{plan.launch.program[0]} {plan.engine_version} is where the unit starts it",
            why="a unit takes no program from anybody's PATH",
            command=f"ls {shell(program)}",
            expect=program,
            otherwise="install it as the README's section on systemd says",
            targets=("systemd",),
        ),
        Check(
            id="unit-file",
            fact="systemd has read the unit and finds no fault in it",
            why="a misspelt line is ignored with a line in the journal, and protects nothing",
            command=f"systemd-analyze verify {shell(f'/etc/systemd/system/{unit}.service')}",
            expect="no output",
            otherwise="copy systemd/*.service again and run: sudo systemctl daemon-reload",
            targets=("systemd",),
        ),
    )


def _files(plan: Plan) -> Iterator[tuple[str, str]]:
    yield "engine.service.j2", ".service"
    vendor = maker(plan)
    if vendor and vendor.modules:
        yield "gpu.service.j2", "-gpu.service"
    if "gateway" in plan.parts:
        yield "gateway.service.j2", "-gateway.service"


def _environment(plan: Plan) -> Iterator[tuple[str, str]]:
    """The plan's variables, and folders in place of a home."""
    launch = plan.launch
    yield from launch.env.items()
    if fetch(plan):
        yield from ENGINES[plan.engine].supplies(plan).fetched.items()
    vendor, found = maker(plan), build(plan)
    if vendor and found and found.cards_variable in launch.env:
        # Numbered as the vendor's tool does.
        yield from ((name, text) for name, text in vendor.numbering.items() if name not in launch.env)
    state, cache = native.state_folder(plan), native.cache_folder(plan)
    yield "HOME", state
    yield "XDG_CACHE_HOME", cache
    store = ENGINES[plan.engine].container(plan).mounts[0]
    if store.native_variable:
        yield store.native_variable, f"{state}/{store.source}"
    yield "PATH", f"{native.engine_home(plan)}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def patience_s(plan: Plan) -> int:
    """Until healthy; where the model is fetched after the start of the server, its download too."""
    launch = plan.launch
    if ENGINES[plan.engine].preparation(plan) is None:
        return launch.startup_s
    fetched = 0 if plan.model.path or plan.workload.air_gapped else download_s(launch.cache_bytes, plan.workload)
    return launch.startup_s + round(fetched) + LOAD_S
