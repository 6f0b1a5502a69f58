"""What no command on this machine can see, and what may only be looked at from outside."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.checklist.systems import typed
from advisor.engines.ways import HOSTED, ways_of
from advisor.schema import Check, Plan

FRESH_DAYS = 30  # an older load test was of another state of things


def people_checks(plan: Plan) -> Iterator[Check]:
    """Load test always; firewall, rollback and backup where others depend on the service."""
    yield _load_test(plan)
    if not plan.serves_others:
        return
    if plan.hardware.os == "linux":
        yield _firewall(plan)
    yield Check(
        id="rollback",
        fact="Somebody has tried the way back",
        why="the day it is needed is the wrong one to try it",
        command=None,
        expect="the folder of the version before stands beside this one; stopped here and started there it answers",
        otherwise=f"keep a copy of this folder before the next rendering: {typed('copy', plan)}",
    )
    yield Check(
        id="backup",
        fact="The models can be had again",
        why="tags and repositories move or vanish, and a download takes hours when it is needed in minutes",
        command=None,
        expect="a copy of the model store (or offline/ of an --air-gapped plan) on another machine, with checksums",
        otherwise=f"copy the folder of the checklist's line on disk room, and write down its {typed('checksum', plan)}",
    )


def _load_test(plan: Plan) -> Check:
    return Check(
        id="load-test",
        fact="The planned load was driven on this machine, and met its targets",
        why="until then every figure is a prediction",
        command=f"[ -f smoke/report.json ] || {{ echo no smoke/report.json; exit 1; }}; "
        f'[ -n "$(find smoke/report.json -mtime -{FRESH_DAYS})" ] || {{ echo older than {FRESH_DAYS} days; exit 1; }}; '
        """grep -q '"result": "pass"' smoke/report.json && ! grep '"result": "fail"' smoke/report.json""",
        expect="no output",
        otherwise=typed("load", plan),
        when="running",
    )


def _firewall(plan: Plan) -> Check:
    port = plan.launch.port
    past = "; Docker's published ports pass by ufw and firewalld, so look from outside"
    told = past if "compose" in ways_of(plan) else ""
    return Check(
        id="firewall",
        fact=f"From another machine port {port} does not answer, and the gateway's does only where it should",
        why="only another machine sees what the network lets through",
        command=None,
        expect=f"`curl -m 5 http://THIS-MACHINE:{port}/` fails there (the engine listens on loopback{told})",
        otherwise="leave ADVISOR_BIND at 127.0.0.1, or allow the gateway's port from your own network only",
        targets=HOSTED,
    )
