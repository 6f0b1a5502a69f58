"""Several replicas on one machine as servers of their own behind the gateway: each has its cards, its port, its end.

One process can hold them too (vLLM's --data-parallel-size): one address without a key, and all of them end with it.
That stays where one program on this machine asks, under systemd and Podman, and on each of several machines. Every
replica of a plan holds the whole model, so that nothing is lost when they are apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from advisor.engines import ENGINES
from advisor.engines.base import Placement
from advisor.engines.builds import build, maker
from advisor.engines.containers import Container, Mount
from advisor.engines.devices import cards_of
from advisor.engines.places import joined
from advisor.engines.ways import WAYS, asked_ways, logs
from advisor.schema import Check, Plan, value

SERVED_WAYS = ("compose", "native", "kubernetes")  # the last has pods instead, whatever the plan says
SESSION = "X-Session-ID"  # the header with which a client keeps a conversation where its cache is


@value
class Server:
    """One engine of the plan, natively and as a service of Compose."""

    name: str  # of process, service, log
    port: int  # on this machine
    argv: tuple[str, ...]
    cards: Mapping[str, str]  # the variables that give it its cards, natively
    container: Container


@value
class Replicas:
    """What the templates see."""

    servers: tuple[Server, ...]
    session: str


def wanted(plan: Plan) -> bool:
    """Where people come through a gateway; a batch has one program, which needs one address and no key."""
    return plan.is_linux_service and plan.workload.task != "batch"


def possible(plan: Plan) -> str:
    """Several replicas on one machine, in a way whose files start them one by one."""
    others = [name for name in asked_ways(plan) if WAYS[name] not in SERVED_WAYS]
    if plan.launch.server != "own" or plan.estimate.candidate.replicas_of_server < 2:
        return "the plan has one replica on a machine"
    if plan.estimate.candidate.nodes > 1:
        return "on several machines the replicas of each stand behind one port"
    if others:
        return f"replicas are started one by one with compose and native; with {others[0]} one service holds them all"
    return ""


def without_other_ways(parts: set[str]) -> set[str]:
    """The parts, and no replicas where a way among them has one service for all."""
    return parts - {"replicas"} if parts & (set(WAYS.values()) - set(SERVED_WAYS)) else parts


def number(plan: Plan) -> int:
    """Servers of the engine that this folder starts on a machine."""
    return plan.estimate.candidate.replicas_of_server if "replicas" in plan.parts else 1


def ports(plan: Plan) -> tuple[int, ...]:
    """Their ports on this machine, one after the other."""
    return tuple(range(plan.launch.port, plan.launch.port + number(plan)))


def names(plan: Plan) -> tuple[str, ...]:
    """What they are called, as processes and as services: `engine`, `engine-2`, ..."""
    return ("engine", *(f"engine-{place}" for place in range(2, number(plan) + 1)))


def facts(plan: Plan) -> Replicas:
    """Every server with what is its own."""
    return Replicas(servers=servers(plan), session=SESSION)


def servers(plan: Plan) -> tuple[Server, ...]:
    """The engines that this folder starts; one where the replicas are not apart."""
    engine, found = ENGINES[plan.engine], []
    for place, (name, port) in enumerate(zip(names(plan), ports(plan), strict=True)):
        alone = _alone(plan, place) if number(plan) > 1 else plan
        own = engine.container(alone)
        mounts = tuple(_own(mount, place) for mount in own.mounts)
        cards = _cards(alone) if number(plan) > 1 else {}
        own = replace(own, mounts=mounts)
        found.append(Server(name=name, port=port, argv=alone.launch.argv, cards=cards, container=own))
    return tuple(found)


def _alone(plan: Plan, place: int) -> Plan:
    """The plan of one of them: one replica on its part of the cards."""
    candidate = plan.estimate.candidate
    each = len(candidate.gpu_indices) // candidate.replicas
    own = candidate.gpu_indices[place * each : (place + 1) * each]
    estimate = replace(plan.estimate, candidate=replace(candidate, gpu_indices=own, replicas=1))
    made = ENGINES[plan.engine].one_replica(plan, plan.launch.bind)
    one = replace(plan, estimate=estimate, launch=replace(plan.launch, argv=made.argv))
    return replace(one, launch=replace(one.launch, env={**made.env, **_cards(one)}))


def _cards(one: Plan) -> dict[str, str]:
    """The variables that give it its cards, numbered as the vendor's tool does."""
    vendor, found = maker(one), build(one)
    if vendor is None or found is None or found.cards_variable is None:
        return {}
    cards = cards_of(one.estimate.candidate, one.hardware)
    return {**vendor.numbering, found.cards_variable: joined(cards, one.hardware)}


def _own(mount: Mount, place: int) -> Mount:
    """The models are for all of them; what an engine compiles is its own, for two would write the same files."""
    shared = place == 0 or mount.variable or not mount.named
    return mount if shared else replace(mount, source=f"{mount.source}-{place + 1}")


def placements(plan: Plan) -> tuple[Placement, ...]:  # noqa: ARG001
    """None of its own: they stand in the files of each way."""
    return ()


def checks(plan: Plan) -> tuple[Check, ...]:
    """That the further ports are free before, and that every one of them answers after."""
    return tuple(_checks(plan))


def _checks(plan: Plan) -> Iterator[Check]:
    listed = " ".join(map(str, ports(plan)))
    busy = "(exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null"
    yield Check(
        id="replica-ports",
        fact=f"Ports {ports(plan)[0]} to {ports(plan)[-1]} are free for the {number(plan)} engines",
        command=f"for port in {listed}; do if {busy}; then echo $port busy; exit 1; fi; done; echo free",
        expect="free",
        otherwise="stop what listens there",
        when="stopped",
    )
    ask = f"curl -fsS -m 5 -o /dev/null http://127.0.0.1:$port{plan.launch.health_path}"
    yield Check(
        id="after-replicas",
        fact=f"After the start: each of the {number(plan)} engines answers",
        command=f"for port in {listed}; do {ask} || {{ echo $port does not answer; exit 1; }}; done; echo all",
        expect="all",
        otherwise=f"{logs(plan, 'engine')} and those of engine-2 and on; the others serve meanwhile",
        when="running",
    )
