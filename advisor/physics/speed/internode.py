"""A plan over several machines: who shares what, and what pipeline stages pay for the network between them.

A replica lies on one machine, or on several: tensor parallel inside each, pipeline parallel across. Then every token's
hidden states and residual go over the network once for each border between machines.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from advisor.catalog import constants
from advisor.schema import Candidate, Figure, Hardware, ModelSpec, NodeLink, Speed


class Hops(NamedTuple):
    """Hand-overs between machines that each token of a replica makes."""

    borders: int = 0
    seconds: float = 0.0  # latency of one
    token_s: float = 0.0  # of one token in one of them


NO_HOPS = Hops()


def token_bytes(model: ModelSpec) -> float:
    """Bytes of one token that a stage hands to the next."""
    known = constants("nodes")
    return float(known["tensors"] * known["element_bytes"] * model.hidden)


def reached_bytes_per_s(link: NodeLink) -> float:
    """What a hand-over reaches of the line rate."""
    return link.bytes_per_s * float(constants("nodes")["share"][_kind(link)])


def hops_of(candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Hops:
    """The hand-overs of one replica; none on one machine."""
    borders, link = candidate.nodes_of_replica - 1, hardware.node_link
    if not borders or link is None:
        return NO_HOPS
    return Hops(
        borders=borders,
        seconds=float(constants("nodes")["hop_s"][_kind(link)]),
        token_s=token_bytes(model) / reached_bytes_per_s(link),
    )


def _kind(link: NodeLink) -> str:
    return "rdma" if link.rdma else "tcp"


def less_certain(speed: Speed) -> Speed:
    """The prediction of a replica over several machines: nothing of the kind was measured, so its ranges are wider."""
    factor, source = float(constants("nodes")["range"]), str(constants("nodes")["source"])

    def wider(figure: Figure) -> Figure:
        return replace(figure, low=figure.low / factor, high=figure.high * factor, basis="analytic", source=source)

    latencies = ("ttft_s", "ttft_p95_s", "ttft_warm_s", "ttft_cold_s", "ttft_cold_p95_s", "tpot_s", "tpot_p95_s")
    known: dict[str, Any] = {name: found for name in latencies if (found := getattr(speed, name)) is not None}
    rate = replace(wider(speed.output_tokens_per_s), high=speed.output_tokens_per_s.high)
    known |= {name: wider(found) for name, found in known.items()}
    return replace(speed, output_tokens_per_s=rate, **known)
