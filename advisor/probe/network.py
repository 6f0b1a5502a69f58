"""Several machines of one kind: how many, and the network between them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from advisor.catalog import constants
from advisor.errors import BadInput
from advisor.pattern import Pattern
from advisor.schema import MOST_NODES, Hardware, NodeLink, Workload

_ACCEPTED = '"25GbE", "100GbE", "200G RoCE", "400G IB", "8x 400G IB", "InfiniBand NDR", "12.5 GB/s"'
_RDMA = Pattern(r"\b(ib|infiniband|roce|roce ?v2|rdma|edr|hdr|ndr|xdr)\b")
_BITS = Pattern(r"(\d+(?:\.\d+)?) ?([gt]) ?(?:be|bit/?s|bits/s|bps|b/s|e)?\b")
_WORDS = Pattern(r"\b(ethernet|network|ib|infiniband|roce ?v2|roce|rdma|edr|hdr|ndr|xdr)\b")


def parse_link(text: str) -> NodeLink:
    """What a person calls a network, as bytes per second in one direction and kind of access.

    Raises:
        BadInput: no speed can be read from it.
    """
    left = " ".join(text.lower().split())
    name = " ".join(text.split())
    rdma = bool(_RDMA.search(left))
    ports = re.match(r"(\d+) ?[x×] ?", left)
    count = int(ports[1]) if ports else 1
    left = left[ports.end() :] if ports else left
    rate = _rate(left)
    if rate is None or rate <= 0 or count < 1:
        raise BadInput(f"--node-link: {text!r} names no speed; accepted are {_ACCEPTED}")
    return NodeLink(name=name, bytes_per_s=count * rate, rdma=rdma)


def _rate(text: str) -> float | None:
    """Bytes per second of one port; None where something in the text is not understood."""
    size = re.search(r"(\d+(?:\.\d+)?) ?gb/s\b", text)
    if size and "gbit" not in text:
        return float(size[1]) * 1e9 if not _rest(text, size[0]) else None
    bits = _BITS.search(text)
    if bits:
        giga = float(bits[1]) * (1000 if bits[2] == "t" else 1)
        return giga * 1e9 / 8 if not _rest(text, bits[0]) else None
    generations: dict[str, Any] = constants("nodes")["generations"]
    known = [gigabits for word, gigabits in generations.items() if re.search(rf"\b{word}\b", text)]
    return known[0] * 1e9 / 8 if known and not _rest(text, "") else None


def _rest(text: str, taken: str) -> str:
    """What is left of the text beside its speed and the words of its kind."""
    return _WORDS.sub(" ", text.replace(taken, " ", 1)).strip()


def with_nodes(hardware: Hardware, workload: Workload) -> Hardware:
    """The machine as often as was asked for; a network that nobody named is assumed, and says so.

    Raises:
        BadInput: a number of machines out of range, or a network that cannot be read.
    """
    nodes = hardware.nodes if workload.nodes is None else workload.nodes
    if not 1 <= nodes <= MOST_NODES:
        raise BadInput(f"--nodes: must be 1 to {MOST_NODES}, saw {nodes}")
    if nodes == 1:
        if workload.node_link is not None:
            raise BadInput("--node-link: is for two or more machines; give --nodes too")
        return hardware if hardware.nodes == 1 else replace(hardware, nodes=1)
    if workload.node_link is not None:
        return replace(hardware, nodes=nodes, node_link=parse_link(workload.node_link))
    if hardware.node_link is not None:
        return replace(hardware, nodes=nodes)
    return assumed_nodes(hardware, nodes)


def assumed_nodes(hardware: Hardware, nodes: int) -> Hardware:
    """So many machines with the network that is assumed where nobody names one."""
    link = replace(parse_link(constants("nodes")["assumed_link"]), assumed=True)
    said = f"{link.name} between the {nodes} machines (--node-link says otherwise)"
    return replace(hardware, nodes=nodes, node_link=link, assumed=(*hardware.assumed, said))
