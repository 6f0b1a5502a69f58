"""What the templates of `templates/kubernetes/` place: every figure and name of the manifests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from advisor.deploy.monitoring.facts import Alert, Record
from advisor.deploy.nodes import NodesFacts
from advisor.engines.deployment import Preparation
from advisor.schema import value


@value
class Secret:
    """A variable whose value stands in a Secret that a person makes, never in a file."""

    variable: str
    name: str  # of the Secret
    optional: bool = False  # the pod starts without it


@value
class HostPath:
    """A local model: a path of the node, at the same path inside."""

    path: str
    kind: str  # "File" or "Directory": the pod waits until it is there


@value
class Resources:
    """Requests (what it certainly needs: scheduling) and limits (what the planned machine can give one pod)."""

    cpu_request: str
    cpu_limit: str
    memory_request: str
    memory_limit: str
    devices: Mapping[str, int] = field(default_factory=dict)  # extended resources: requests are the limits


@value
class User:
    """Who the engine runs as. Without an id the image's own user, root, stays."""

    uid: int | None
    gid: int
    home: str
    read_only_root: bool
    because: str


@value
class Probe:
    """Patience in probes: `period_s` times `failures` seconds."""

    period_s: int
    failures: int
    timeout_s: int = 5


@value
class Probes:
    """Of the engine's container, of the container that makes the model, and of the gateway."""

    startup: Probe
    liveness: Probe
    model: Probe  # startup of the container that gives the running server its model
    readiness: Probe


@value
class Ending:
    """How a pod ends: first out of the endpoints, then SIGTERM, then the engine's own drain."""

    pre_stop_s: int
    grace_s: int
    because: str


@value
class Scaling:
    """Bounds and threshold of the number of pods, from the plan."""

    metric: str  # as Prometheus has it
    metric_renamed: str  # as prometheus-adapter offers it: a colon cannot stand in an API name
    query: str
    least: int
    most: int
    waiting_per_pod: int
    up_every_s: int  # one more pod at most every so often: a new one needs its start before it helps
    down_after_s: int


@value
class Watch:
    """Rules for the Prometheus of the cluster."""

    jobs: tuple[tuple[str, str], ...]  # as other ways to run call it, and as it is called here
    label: str  # of recorded series
    title: str
    records: tuple[Record, ...]
    alerts: tuple[Alert, ...]


@value
class Manifests:
    """One folder `kubernetes/`."""

    name: str  # of every object: a DNS label that begins with a letter and is not the engine's name
    preparation: Preparation | None  # the engine's store belongs to the pod: StatefulSet; None: a Deployment
    pods: int
    strategy: str  # "Recreate", or "RollingUpdate" without surge
    deadline_s: int  # of a rollout
    args: tuple[str, ...]
    env: Mapping[str, str]
    secrets: tuple[Secret, ...]
    keys: tuple[Secret, ...]  # of the gateway: the first, and one while it is being changed
    health: tuple[str, ...]
    user: User
    cache_path: str  # where the claim is mounted
    claim_is_home: bool  # then no other folder is mounted there
    claim_bytes: int
    access_mode: str
    host_paths: tuple[HostPath, ...]
    fetch: str  # shell lines, the model's source in $1; empty: nothing is fetched before the start
    fetched: Mapping[str, str]  # variables of the engine alone, once the model was fetched
    model_script: tuple[str, ...]
    shared_memory: str
    capabilities: tuple[str, ...]
    seccomp: str
    standard: tuple[str, str]  # the strictest Pod Security Standard that admits the pod, and why no stricter one does
    resources: Resources
    taints: tuple[str, ...]  # that keep other pods off nodes with cards
    probes: Probes
    ending: Ending
    reaches_out: bool  # egress to the Hub or the library
    gateway_image: str
    gateway_port: int
    gateway_metrics_port: int
    limit_s: int  # of one request at the gateway
    body_bytes: int  # of the largest request
    engine_metrics_port: int | None  # where the pod shows the engine's own metrics; None: it has none
    scaling: Scaling | None
    watch: Watch
    workload: str  # kind of the object that makes the pods
    pod_paths: tuple[str, ...]  # where their specifications stand in it
    runtime_class: str  # of the vendor; empty without cards
    products: Mapping[str, str]  # label of nodes → name of the planned cards
    host: str  # under which others reach it from outside the cluster
    scratch: str  # disk of the node that a container may use beside the volume
    chart: Mapping[str, object]  # values of the engine's own chart
    chart_file: str  # empty: it has none
    chart_has_router: bool
    group: NodesFacts | None = None  # pods of one engine over several machines: a LeaderWorkerSet
