"""The engine in a pod: arguments, variables, user, volumes. It listens on loopback; the gateway beside it does not."""

from __future__ import annotations

import posixpath

from advisor.catalog.vendors import card_variables
from advisor.deploy import gateway, nodes
from advisor.deploy.kubernetes.manifest import HostPath, Secret, User
from advisor.deploy.kubernetes.resources import resources
from advisor.engines import ENGINES
from advisor.engines.builds import access
from advisor.engines.deployment import Chart, Command, Pod
from advisor.engines.downloads import fetches
from advisor.quoting import dns_label
from advisor.schema import Plan

LOOPBACK = "127.0.0.1"
ROOT_HOME = "/root"
UID, GROUP = 2000, 0  # nobody's; group 0 may write where an image lets any user write
TOKEN = "HF_TOKEN"  # noqa: S105 - the name of a variable
PLAIN_SECCOMP = "RuntimeDefault"
# That the Pod Security Standard "baseline" lets a container add.
BASELINE_CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
        "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    }
)  # fmt: skip


def object_name(plan: Plan) -> str:
    """A DNS label for every object: begins with a letter, and is never an engine's own name.

    A Service of that name would put `<ENGINE>_PORT` into every pod of its namespace, and an engine that reads such a
    variable would not start.
    """
    return f"llm-{dns_label(plan.name)}"


def pods(plan: Plan) -> int:
    """Replicas that one process would hold side by side are pods of their own here: each can end without the others."""
    return max(plan.estimate.candidate.replicas, 1)


def command(plan: Plan) -> Command:
    """One replica on loopback: without numbers of cards, and with a home for a user whom the image may not know.

    A device plugin hands over the pod's own cards, numbered from 0: numbers of the planned machine would be wrong.
    """
    planned, numbers = ENGINES[plan.engine].one_replica(plan, LOOPBACK), card_variables()
    env = {name: text for name, text in planned.env.items() if name not in numbers}
    who = user(plan)
    if who.uid is not None:
        env |= {"HOME": who.home, "USER": plan.engine, "LOGNAME": plan.engine}
    if fetch(plan):
        env |= ENGINES[plan.engine].supplies(plan).fetched
    return Command(argv=planned.argv, env=env)


def fetch(plan: Plan) -> str:
    """The lines of the container that fetches the model before the engine starts; empty where it is there already.

    A group over several machines has one volume and no first pod: the engines fetch what they load.
    """
    return ENGINES[plan.engine].supplies(plan).fetch if fetches(plan) and not nodes.spanning(plan) else ""


def chart(plan: Plan) -> Chart | None:
    """The same pod as values of the engine's own chart; None where it has none, and for groups of machines."""
    if plan.estimate.candidate.nodes_of_replica > 1:
        return None
    asked = resources(plan)
    cores = int(asked.cpu_request.removesuffix("m")) / 1000
    one = Pod(name=object_name(plan), argv=command(plan).argv, cores=cores, devices=asked.devices)
    return ENGINES[plan.engine].chart(plan, one)


def secrets(plan: Plan) -> tuple[Secret, ...]:
    """What the engine reads from Secrets: the token of a gated model."""
    return (Secret(variable=TOKEN, name=f"{object_name(plan)}-hub"),) if plan.launch.needs_token else ()


def keys(plan: Plan) -> tuple[Secret, ...]:
    """The gateway's key, and a second one that is there only while the first is being changed."""
    name = f"{object_name(plan)}-key"
    return tuple(Secret(variable=word, name=name, optional=number > 0) for number, word in enumerate(gateway.KEYS))


def user(plan: Plan) -> User:
    """Without root and with a read-only root folder where the device allows it."""
    if any(local.path.startswith(f"{ROOT_HOME}/") for local in host_paths(plan)):
        why = f"the model lies below {ROOT_HOME}, where the image lets only root in: move it, and no process is root"
        return User(uid=None, gid=GROUP, home=ROOT_HOME, read_only_root=False, because=why)
    way = access(plan)
    if way is None or way.by_runtime:
        home = f"/home/{plan.engine}"
        return User(uid=UID, gid=GROUP, home=home, read_only_root=True, because="no process of the pod is root")
    why = "the card's device nodes belong to groups whose numbers differ between nodes: root without capabilities"
    return User(uid=None, gid=GROUP, home=ROOT_HOME, read_only_root=False, because=why)


def cache_path(plan: Plan) -> str:
    """Where the claim is mounted: the folder above everything that Compose keeps in volumes."""
    targets = [mount.target for mount in ENGINES[plan.engine].container(plan).mounts if mount.named]
    return posixpath.commonpath(targets).replace(ROOT_HOME, user(plan).home, 1)


def host_paths(plan: Plan) -> tuple[HostPath, ...]:
    """The local model, which every node that may run the pod has at the same path."""
    container = ENGINES[plan.engine].container(plan)
    kind = "File" if plan.model.origin == "gguf" else "Directory"
    local = [mount for mount in (*container.mounts, *container.prepare_mounts) if not mount.named]
    return tuple(HostPath(path=mount.source, kind=kind) for mount in local)


def standard(plan: Plan) -> tuple[str, str]:
    """The strictest Pod Security Standard that admits the pod, and what a stricter one would refuse.

    Source: Kubernetes, "Pod Security Standards": baseline refuses host paths, seccomp that is off and capabilities
    beyond the usual ones; restricted asks for a user who is not root.
    """
    refused = []
    if host_paths(plan):
        refused.append("the folder of the node that holds the model")
    if seccomp(plan) != PLAIN_SECCOMP:
        refused.append("seccomp that is off, which the card's driver needs")
    odd = sorted(set(capabilities(plan)) - BASELINE_CAPABILITIES)
    if odd:
        refused.append(f"the capability {' and '.join(odd)}")
    if refused:
        return "privileged", " and ".join(refused)
    if user(plan).uid is None:
        return "baseline", user(plan).because
    return "restricted", ""


def capabilities(plan: Plan) -> tuple[str, ...]:
    """What the engine may do beyond nothing: what its device asks for, and locked memory for RDMA."""
    group = nodes.facts(plan) if nodes.spanning(plan) else None
    return ENGINES[plan.engine].container(plan).added_capabilities + (("IPC_LOCK",) if group and group.rdma else ())


def seccomp(plan: Plan) -> str:
    """The runtime's own profile, unless the device needs calls that it refuses."""
    options = ENGINES[plan.engine].container(plan).security_options
    return "Unconfined" if "seccomp=unconfined" in options else PLAIN_SECCOMP
