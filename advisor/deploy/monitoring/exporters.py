"""What exports figures of the machine and its cards: the node exporter, and the exporter of the cards' vendor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from advisor.catalog.vendor_entries import CardMetrics
from advisor.deploy.monitoring.facts import Alert, Exporter, Query
from advisor.engines.builds import maker
from advisor.engines.devices import cards_of
from advisor.schema import Plan

NODE_VERSION, NODE_PORT = "v1.12.1", 9100
# Of a container's own network and of hardware that needs more than files there is nothing to tell.
NOT_COLLECTED = ("arp", "netclass", "netdev", "netstat", "nfs", "sockstat", "softnet", "udp_queues")
NO_DISK = 'fstype!~"tmpfs|ramfs|overlay|squashfs|erofs|iso9660|fuse.*"'
FULL, HOT_C = 0.95, 90


def exporters(plan: Plan) -> tuple[Exporter, ...]:
    """The machine's always; the cards' where the engine uses any and their vendor has one."""
    root = ("--path.rootfs=/host", "--path.procfs=/host/proc", "--path.sysfs=/host/sys")
    node = Exporter(
        service="node-exporter", job="node", image=f"prom/node-exporter:{NODE_VERSION}", port=NODE_PORT,
        argv=(*root, *(f"--no-collector.{name}" for name in NOT_COLLECTED)), reads_host=True,
        program=f"prometheus-node-exporter {NODE_VERSION.removeprefix('v')}, a package of most distributions",
    )  # fmt: skip
    cards = card_metrics(plan)
    if cards is None:
        return (node,)
    own = Exporter(
        service="gpu-exporter", job="gpu", image=cards.image, port=cards.port, on_cards=True, program=cards.program
    )
    return node, own


def card_metrics(plan: Plan) -> CardMetrics | None:
    """What the exporter of the plan's cards tells; None without cards, or where their vendor has none."""
    vendor = maker(plan)
    return vendor.metrics_exporter if vendor and cards_of(plan.estimate.candidate, plan.hardware) else None


def host_alerts(plan: Plan) -> tuple[Alert, ...]:
    """What ends a service that nobody touched."""
    return tuple(replace(alert, of_host=True) for alert in (*_of_machine(), *_of_cards(plan)))


def _of_machine() -> Iterator[Alert]:
    """Disk and memory."""
    room = f"node_filesystem_avail_bytes{{{NO_DISK}}} / node_filesystem_size_bytes{{{NO_DISK}}}"
    yield Alert(
        name="DiskNearlyFull", expr=f"{room} < {1 - FULL:.2f}", for_s=600, severity="critical",
        summary=f"a disk of the machine is more than {FULL:.0%} full: logs, caches and metrics stop being written",
        todo="make room: images and models that nothing uses, logs",
    )  # fmt: skip
    yield Alert(
        name="HostMemoryLow", expr=f"node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < {1 - FULL:.2f}",
        for_s=300, severity="warning", summary=f"more than {FULL:.0%} of the machine's memory is in use",
        todo="see what else runs there: the kernel ends the largest process next, and that is the engine",
    )  # fmt: skip


def _of_cards(plan: Plan) -> Iterator[Alert]:
    """Faults and heat."""
    cards = card_metrics(plan)
    if cards is None:
        return
    yield Alert(
        name="CardFaults", expr=f"changes({cards.faults}[15m]) > 0", for_s=60, severity="warning",
        summary=f"the driver reports a fault of a card ({cards.faults})",
        todo="dmesg names it; faults of memory or of the bus come again: drain the engine, reset or replace the card",
    )  # fmt: skip
    yield Alert(
        name="CardHot", expr=f"{cards.temperature} > {HOT_C}", for_s=600, severity="warning",
        summary=f"a card is hotter than {HOT_C} °C, near where it slows itself: answers come later than predicted",
        todo="see to fans, dust and the air in front of it, or lower its power limit",
    )  # fmt: skip


def host_panels(plan: Plan) -> Iterator[tuple[str, str, tuple[Query, ...], float | None]]:
    """Title, unit, lines and limit of the panels of machine and cards."""
    cards = card_metrics(plan)
    if cards is not None:
        yield "Cards busy", "percent", (Query(expr=cards.busy, legend="{{gpu}}{{gpu_id}}"),), None
        used = Query(expr=f"{cards.memory_mib} * 1048576", legend="{{gpu}}{{gpu_id}}")
        yield "Memory of the cards in use", "bytes", (used,), None
        heat = Query(expr=cards.temperature, legend="{{gpu}}{{gpu_id}}")
        yield "Temperature of the cards (line: alert)", "celsius", (heat,), float(HOT_C)
    memory = Query(expr="1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", legend="memory")
    disk = Query(
        expr=f"max(1 - node_filesystem_avail_bytes{{{NO_DISK}}} / node_filesystem_size_bytes{{{NO_DISK}}})",
        legend="fullest disk",
    )
    busy = Query(expr='1 - avg(rate(node_cpu_seconds_total{mode="idle"}[5m]))', legend="processor")
    yield "The machine, in use (line: alert)", "percentunit", (memory, disk, busy), FULL
