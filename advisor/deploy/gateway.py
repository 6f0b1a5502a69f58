"""The gateway in front of the engine: keys, an allow-list of paths, limits on size, time and number, TLS.

Caddy, because one static program and one file give all of it natively, in a container and in a pod, and because it gets
and renews its certificates itself. nginx has no health check of its own without a subscription and no certificates;
Envoy has both and needs a control plane for them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from advisor.deploy import replicas
from advisor.deploy.limits import body_bytes, limit_s, retry_s
from advisor.engines.admission import admitted_requests, drain_s
from advisor.engines.base import Placement
from advisor.engines.ways import ON_HOST, logs
from advisor.schema import Check, Plan, value
from advisor.shell import bearer, from_env, stop_if_busy
from advisor.units import count

VERSION = "2.11.9"  # also that of tests/tools/gateway.sh
PORT = 8080  # for every engine the same
TLS_PORT = 443  # in .env.example, where the plan names a host
METRICS_PORT = 9180
KEYS = ("ADVISOR_API_KEY", "ADVISOR_API_KEY_NEXT")  # of .env; the second while a key is being changed
SHORTEST_KEY = 16  # characters; a shorter key lets nobody in, an empty one least of all
READS = ("/v1/models",)
WRITES = {
    "generate": ("/v1/chat/completions", "/v1/completions", "/v1/responses"),
    "embed": ("/v1/embeddings",),
    "rerank": ("/v1/rerank", "/v1/score"),
}
CONNECTION_S = 15  # beyond the drain, until the container engine kills
CANARY_STEP = 50  # from the engine's port to that of another version beside it


@value
class Gateway:
    """What the gateway passes, and how much of it."""

    image: str
    version: str
    port: int
    metrics_port: int
    upstream: str  # the engines natively and in a pod
    container_upstream: str  # the engines in Compose
    followed: str  # files that hold where the engines are at the moment, in Caddy's words; see Caddyfile
    health_path: str  # of the engine
    keys: tuple[str, ...]
    shortest_key: int
    reads: tuple[str, ...]  # GET
    writes: tuple[str, ...]  # POST
    body_bytes: int  # the largest request
    most_in_flight: int  # requests at one moment, running and waiting; one more gets 503
    servers: int  # of the engine, that share them
    most_each: int  # at one of them
    limit_s: int  # the longest one request may take, from its first byte to its last
    retry_s: int  # what Retry-After says
    drain_s: int  # at stop, requests in flight get this long
    grace_s: int  # until the gateway is killed
    always: bool  # nobody is served without it: in Compose without a profile
    update: bool  # run.sh can start an engine alone, and update.sh leads the gateway past the others
    canary: bool  # it is a second engine beside the first; with replicas the others serve meanwhile
    canary_port: int  # of that second engine


def wanted(plan: Plan) -> bool:
    """Whenever others use the service."""
    return plan.is_linux_service


def possible(plan: Plan) -> str:  # noqa: ARG001
    """Everywhere: Caddy is one program for every system."""
    return ""


def facts(plan: Plan) -> Gateway:
    """Every number the Caddyfile holds, and the names that other parts need."""
    drain = plan.launch.drain_s or drain_s(plan.estimate, plan.workload, plan.model)
    return Gateway(
        image=f"caddy:{VERSION}",
        version=VERSION,
        port=PORT,
        metrics_port=METRICS_PORT,
        upstream=" ".join(f"127.0.0.1:{port}" for port in replicas.ports(plan)),
        container_upstream=" ".join(f"{name}:{plan.launch.port}" for name in replicas.names(plan)),
        followed=" ".join(f"{{file.{name}.at}}" for name in replicas.names(plan)),
        health_path=plan.launch.health_path,
        keys=KEYS,
        shortest_key=SHORTEST_KEY,
        reads=READS,
        writes=WRITES[plan.workload.kind],
        body_bytes=body_bytes(plan),
        most_in_flight=admitted_requests(plan.estimate, plan.workload),
        servers=replicas.number(plan),
        most_each=math.ceil(admitted_requests(plan.estimate, plan.workload) / replicas.number(plan)),
        limit_s=limit_s(plan),
        retry_s=retry_s(plan),
        drain_s=drain,
        grace_s=drain + CONNECTION_S,
        always=always(plan),
        update=can_update(plan),
        canary=can_update(plan) and replicas.number(plan) == 1,
        canary_port=plan.launch.port + CANARY_STEP,
    )


def always(plan: Plan) -> bool:
    """Whether nobody is served without the gateway: others come from elsewhere, or it makes one service of several."""
    return plan.workload.exposed or replicas.number(plan) > 1


def can_update(plan: Plan) -> bool:
    """Whether run.sh starts a whole engine of its own on this machine, so that there can be two for a while."""
    return plan.launch.server == "own" and plan.estimate.candidate.nodes_of_replica == 1


def placements(plan: Plan) -> tuple[Placement, ...]:
    """One file for every target, what differs comes from the environment; natively what changes the engine too."""
    script = "update.sh.j2" if replicas.number(plan) == 1 else "rolling.sh.j2"
    update = Placement(f"gateway/{script}", "update.sh", executable=True, ways=("native",))
    front = Placement("gateway/Caddyfile.j2", "gateway/Caddyfile", ways=("compose", *ON_HOST))
    return (front, update) if can_update(plan) else (front,)


def checks(plan: Plan) -> tuple[Check, ...]:
    """Key and port before the start; after it, that it lets in who has the key and nobody else."""
    return (*_before(plan), *_after(plan))


def _before(plan: Plan) -> Iterator[Check]:
    absent = "" if always(plan) else "[ ! -e .env ] || "
    yield Check(
        id="key",
        fact=f"Others come through the gateway, so a key of at least {SHORTEST_KEY} characters is set",
        command=f"{absent}grep -Eq '^{KEYS[0]}=.{{{SHORTEST_KEY},}}' .env",
        expect="no output",
        otherwise=f'umask 077; printf "{KEYS[0]}=%s\\n" "$(openssl rand -hex 24)" >>.env',
    )
    yield Check(
        id="gateway-port",
        fact=f"Ports {TLS_PORT if plan.workload.host else PORT} and {METRICS_PORT} are free for the gateway",
        command=f"front={from_env('ADVISOR_PORT')}; for port in ${{front:-{PORT}}} {METRICS_PORT}; do "
        f"{stop_if_busy('$port')}; done; echo free",
        expect="free",
        otherwise="stop what listens there, or set ADVISOR_PORT in .env",
        when="stopped",
    )


def address() -> str:
    """Shell words after which `base` is where the gateway answers, by what stands in .env."""
    return (
        f"host={from_env('ADVISOR_BIND')}; port={from_env('ADVISOR_PORT')}; name={from_env('ADVISOR_HOSTNAME')}; "
        '[ -n "$host" ] && [ "$host" != 0.0.0.0 ] || host=127.0.0.1; '
        f'base="http://$host:${{port:-{PORT}}}"; [ -z "$name" ] || base="https://$name:${{port:-{PORT}}}"; '
    )


def _after(plan: Plan) -> Iterator[Check]:
    code = "-s -o /dev/null -w '%{http_code}\\n'"
    yield Check(
        id="after-gateway",
        fact="After the start: the gateway reaches the engine",
        command=f'{address()}curl -fsS "$base/healthz"',
        expect="ok",
        otherwise=f"{logs(plan, 'gateway')} says why",
        when="running",
    )
    yield Check(
        id="after-key",
        fact="After the start: the key lets in, and without it nobody comes in",
        command=f'{address()}{KEYS[0]}={from_env(KEYS[0])}; [ "$(curl {code} "$base/v1/models")" = 401 ] && '
        f'curl {code} -f {bearer(KEYS[0])} "$base/v1/models"',
        expect="200",
        otherwise=f"the key in .env is shorter than {SHORTEST_KEY} characters, or was changed without a restart",
        when="running",
    )
    most = count(admitted_requests(plan.estimate, plan.workload))
    yield Check(
        id="retry-after",
        fact=f"Clients wait after 503 as long as Retry-After says; {most} are let in at once",
        command=None,
        expect="the OpenAI libraries do so by themselves; others must be told",
        otherwise="a client that repeats at once makes the rush longer",
    )
