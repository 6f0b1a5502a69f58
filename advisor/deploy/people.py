"""A key for each person: LiteLLM behind Caddy knows whose key it is, limits it, and counts requests and tokens by name.

LiteLLM, because it reads who may come in at every request, takes tokens from the engine's own usage field, and needs
neither a database nor a control plane for that. Caddy's modules see no tokens and are in no image of Caddy's makers;
Envoy AI Gateway counts tokens through a rate limit service with Redis; vLLM's routers know one key. Its price is a
Python process that every token passes, so ADVISOR_API_KEY still leads to the engine itself.
"""

from __future__ import annotations

from advisor.engines.base import Placement
from advisor.engines.ways import WAYS, asked_ways, logs
from advisor.schema import Check, Plan, value
from advisor.units import count

VERSION = "1.99.0"  # of the package; also that of tests/tools/people.sh
IMAGE = "ghcr.io/berriai/litellm:v1.99.1"  # the same program: 1.99.1 was published as an image only
PORT = 4000
INNER_PORT = 9181  # of the gateway: where LiteLLM finds the engine, whichever that is at the moment
SERVED_WAYS = ("compose", "native")
# Measured 2026-11 on one core of an EPYC: 0.87 ms of processor time a streamed token, requests' own share included.
TOKENS_PER_S = 1000.0


@value
class Keys:
    """What the templates place."""

    image: str
    version: str
    port: int
    upstream: str  # LiteLLM as the gateway reaches it, natively
    container_upstream: str  # and in Compose
    inner_port: int
    engine: str  # the engine's API as LiteLLM reaches it, through the gateway, natively
    container_engine: str
    passed: str  # tokens/s of one process
    expected: str  # what the plan expects, all together, as the end of a sentence


def wanted(plan: Plan) -> bool:  # noqa: ARG001
    """Never by itself: one key is enough for most."""
    return False


def possible(plan: Plan) -> str:
    """Where this folder starts the gateway itself."""
    others = [name for name in asked_ways(plan) if WAYS[name] not in SERVED_WAYS]
    return only_for(*others) if others else ""


def only_for(*others: str) -> str:
    """Why they cannot be had with those ways to run."""
    return f"keys for people are written for {' and '.join(SERVED_WAYS)}, not for {others[0]}"


def facts(plan: Plan) -> Keys:
    """Addresses, versions, and how much passes."""
    speed, replicas = plan.estimate.speed, plan.estimate.candidate.replicas
    return Keys(
        image=IMAGE,
        version=VERSION,
        port=PORT,
        upstream=f"127.0.0.1:{PORT}",
        container_upstream=f"keys:{PORT}",
        inner_port=INNER_PORT,
        engine=f"http://127.0.0.1:{INNER_PORT}/v1",
        container_engine=f"http://gateway:{INNER_PORT}/v1",
        passed=count(TOKENS_PER_S),
        expected=f"is about {count(speed.output_tokens_per_s.expected * replicas)}" if speed else "is not predicted",
    )


def placements(plan: Plan) -> tuple[Placement, ...]:  # noqa: ARG001
    """What LiteLLM reads, and the script that adds and revokes."""
    return (
        Placement("keys/config.yaml.j2", "gateway/keys/config.yaml"),
        Placement("keys/known.py.j2", "gateway/keys/known.py"),
        Placement("keys/keys.sh.j2", "keys.sh", executable=True),
    )


def checks(plan: Plan) -> tuple[Check, ...]:
    """That somebody has a key, that LiteLLM answers, and whether it is fast enough."""
    known = facts(plan)
    return (
        Check(
            id="people",
            fact="Somebody has a key of their own",
            command="ls gateway/keys/people/*.json | wc -l",
            expect="1 or more",
            otherwise="./keys.sh add NAME",
        ),
        Check(
            id="after-people",
            fact="After the start: LiteLLM, which knows people's keys, reaches the engine",
            command=f"curl -fsS -o /dev/null http://127.0.0.1:{PORT}/health/liveliness && echo alive",
            expect="alive",
            otherwise=f"{logs(plan, 'keys')} says why",
            when="running",
        ),
        Check(
            id="people-rate",
            fact=f"With people's keys about {known.passed} tokens/s pass LiteLLM's one process; "
            f"what the plan expects {known.expected}",
            command=None,
            expect="less than that goes through people's keys; what goes with ADVISOR_API_KEY does not count",
            otherwise="give programs and batches ADVISOR_API_KEY, which leads to the engine without LiteLLM",
        ),
    )
