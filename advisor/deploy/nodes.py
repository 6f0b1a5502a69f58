"""Two or more machines: one engine over several of them, or an engine on each behind a balancer.

Kubernetes gets the same as a LeaderWorkerSet, where one replica needs several machines; a Deployment does the rest.
"""

from __future__ import annotations

import math
from dataclasses import field

from advisor.deploy import gateway
from advisor.engines.base import Placement
from advisor.engines.builds import access, has_image
from advisor.engines.ways import ON_HOST
from advisor.physics.speed.internode import token_bytes
from advisor.schema import Check, NodeLink, Plan, value
from advisor.shell import from_env

MASTER_PORT = 29501  # the engine's own default
BALANCER_PORT = 8090
OWN = ("compose", *ON_HOST)  # in Kubernetes the cluster does it
EXAMPLE_NETWORK = "10.0.0."  # private; the first machine is .11


@value
class NodesFacts:
    """What the templates see."""

    nodes: int
    per_replica: int  # machines of one engine
    servers: int  # engines with a port of their own
    spanning: bool  # one engine lies on several machines
    link: NodeLink | None
    rdma: bool
    master_port: int
    balancer_port: int
    gateway_port: int
    first_machines: tuple[int, ...]  # those with a port, by number
    example_addresses: tuple[str, ...]
    example_servers: tuple[str, ...]
    docker_devices: str  # how `docker run` hands over the cards
    token_kib: int  # what a token hands over between machines
    gpus_per_node: int
    groups: tuple[tuple[int, ...], ...] = field(default_factory=tuple)  # machines of each engine
    in_flight_per_server: int = 1


def wanted(plan: Plan) -> bool:
    """Where the plan needs more than one machine."""
    return plan.estimate.candidate.nodes > 1


def possible(plan: Plan) -> str:
    """Only for a plan over several machines."""
    return "" if wanted(plan) else "the plan needs one machine only (more: --nodes)"


def spanning(plan: Plan) -> bool:
    """Whether one engine lies on several machines."""
    return plan.estimate.candidate.nodes_of_replica > 1


def template(plan: Plan, name: str) -> str:
    """The template of a file of one engine over several machines: how its parts find each other is the engine's."""
    return f"{plan.engine}/nodes/{name}.j2"


def facts(plan: Plan) -> NodesFacts:
    """Who is who among the machines."""
    candidate = plan.estimate.candidate
    size, count = candidate.nodes_of_replica, candidate.nodes
    first = tuple(range(0, count, size))
    addresses = tuple(f"{EXAMPLE_NETWORK}{11 + number}" for number in range(count))
    return NodesFacts(
        nodes=count,
        per_replica=size,
        servers=candidate.servers,
        spanning=size > 1,
        link=plan.hardware.node_link,
        rdma=bool(plan.hardware.node_link and plan.hardware.node_link.rdma),
        master_port=MASTER_PORT,
        balancer_port=BALANCER_PORT,
        gateway_port=gateway.PORT,
        first_machines=first,
        example_addresses=addresses,
        example_servers=tuple(f"{addresses[number]}:{gateway.PORT}" for number in first),
        docker_devices=_docker_devices(plan),
        token_kib=math.ceil(token_bytes(plan.model) / 1024),
        gpus_per_node=len(candidate.gpu_indices),
        groups=tuple(tuple(range(start, start + size)) for start in first),
        in_flight_per_server=math.ceil(plan.estimate.peak_in_flight / candidate.servers),
    )


def _docker_devices(plan: Plan) -> str:
    way = access(plan)
    if way is None or not has_image(plan):
        return ""
    return way.docker_options or " ".join(f"--device {node}" for node in way.device_nodes)


def placements(plan: Plan) -> tuple[Placement, ...]:
    """One script for every machine of an engine that spans them; a balancer in front of several engines.

    The LeaderWorkerSet is placed by `deploy/kubernetes`, from the engine's `leaderworkerset.yaml.j2`.
    """
    known = facts(plan)
    files = [Placement("nodes/nodes.env.j2", "nodes/nodes.env.example", ways=OWN)]
    if known.spanning:
        files += [
            Placement(template(plan, "node.sh"), "nodes/node.sh", executable=True, ways=OWN),
            Placement(template(plan, "run.sh"), "run.sh", executable=True, ways=("native",)),
            Placement(template(plan, "node.service"), "nodes/node@.service", ways=OWN),
        ]
        if "gateway" in plan.parts:
            files.append(Placement("systemd/gateway.service.j2", "nodes/gateway.service", ways=OWN))
    if known.servers > 1:
        files.append(Placement("nodes/Caddyfile.j2", "nodes/Caddyfile", ways=OWN))
    return tuple(files)


def checks(plan: Plan) -> tuple[Check, ...]:
    """What has to be the same everywhere, and what the network between the machines must and must not let through."""
    known = facts(plan)
    lines = [
        Check(
            id="nodes-same",
            fact=f"the {known.nodes} machines are alike: cards, driver, versions, weights",
            command=None,
            expect="the lines of this list were gone through on every machine, with the same result",
            otherwise="make them alike: the slowest and the smallest decide for all",
        ),
        Check(
            id="nodes-addresses",
            fact=f"nodes/nodes.env names the private addresses of all {known.nodes} machines, the same file on each",
            command=f"set -f; set -- {from_env('ADVISOR_NODES', 'nodes/nodes.env')}; "
            f"test $# -eq {known.nodes} && echo $#",
            expect=str(known.nodes),
            otherwise="cp nodes/nodes.env.example nodes/nodes.env and fill it in",
        ),
    ]
    if known.spanning:
        lines += _spanning_checks(known)
    if known.servers > 1 and plan.serves_others:
        lines.append(
            Check(
                id="nodes-balancer",
                fact=f"the balancer shares requests out to {known.servers} engines",
                command=f"curl -fsS http://127.0.0.1:{known.balancer_port}/healthz",
                expect="an empty or short answer with status 200",
                otherwise="see the balancer's log: a machine whose gateway does not answer /healthz is left out",
            )
        )
    return tuple(lines)


def _spanning_checks(known: NodesFacts) -> list[Check]:
    network = f"{known.link.name}{' (assumed)' if known.link.assumed else ''}" if known.link else "the network"
    return [
        Check(
            id="nodes-network",
            fact=f"the machines reach each other at the speed that was planned with: {network}",
            command=None,
            expect=f"iperf3 or ib_write_bw between two of them shows what {network} should give",
            otherwise="plan again with --node-link as it is",
        ),
        Check(
            id="nodes-private",
            fact="the traffic between the machines of one engine is neither encrypted nor authenticated",
            command=None,
            expect="a firewall lets every TCP port through among these addresses, and none of them from anywhere else",
            otherwise="whoever reaches these ports can run code there: use a network of their own",
        ),
        Check(
            id="nodes-stop",
            fact="stopping the first machine ends the engine on all of its group",
            command=None,
            expect="a minute after ./stop.sh on the first machine no engine process is left on the others",
            otherwise="./stop.sh there too: a headless process does not end by itself",
        ),
    ]
