"""What an engine has to offer to take part. A plug-in is a package of plain functions that satisfies `Engine`.

Beside it stand its entry in `catalog/data/engines.yaml` (and, where it exports metrics, in `metrics.yaml`), and the
folder `templates/<name>/` with what `placements` names and three texts that shared templates include: `notes.md.j2`
(its section of the README), `install.sh.j2` (how its program comes to a host) and `fetch.sh.j2` (how its weights are
saved for another one). An engine with the feature `pipeline_over_nodes` has `nodes/` there too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from advisor.catalog.entries import EngineLimits
from advisor.engines.containers import Container
from advisor.engines.deployment import Chart, Command, OnRay, Pod, Preparation, Supplies
from advisor.engines.ready import Predictable
from advisor.physics.speed.ceiling import Best
from advisor.physics.speed.tuning import AS_FITTED, Tuning
from advisor.schema import (
    Candidate,
    Check,
    Estimate,
    Hardware,
    Launch,
    Load,
    Memory,
    ModelSpec,
    Plan,
    Setting,
    Speed,
    Workload,
)

if TYPE_CHECKING:
    from advisor.engines.observing import Observer


May = Callable[[Candidate], bool]  # false where a way is known not to do


def anything(way: Candidate) -> bool:  # noqa: ARG001
    """Nothing is known of a way."""
    return True


class Placement(NamedTuple):
    """A template and where its text goes in the deployment folder."""

    template: str  # path under templates/
    path: str
    executable: bool = False
    ways: tuple[str, ...] = ()  # parts that need it, one of which must be there; empty: it is always
    systems: tuple[str, ...] = ()  # empty: all, or where it is a script for bash, those that have one

    def on(self, system: str) -> bool:
        """Whether that system can use it."""
        return system in self.systems if self.systems else not (self.executable and system == "windows")


class Engine(Predictable, Protocol):
    """The interface of one engine. Every function is pure; nothing outside `engines/` asks which engine it is."""

    def limits(self) -> EngineLimits:
        """What the pinned version accepts."""
        ...

    def propose(self, hardware: Hardware, workload: Workload, model: ModelSpec) -> tuple[Candidate, ...]:
        """Every way worth judging to run `model` here, also those that rules will refuse (so that they say why).

        Slots are at the most the engine could use; `resize` brings them to the load.
        """
        ...

    def levers(
        self, hardware: Hardware, workload: Workload, model: ModelSpec, may: May = anything
    ) -> tuple[Candidate, ...]:
        """Every further way that fits, whatever the load: looked at where none of `propose` meets the targets.

        Those that `may` denies are left out before their memory is counted.
        """
        ...

    def resize(self, candidate: Candidate, in_flight: float, hardware: Hardware, model: ModelSpec) -> Candidate:
        """The same candidate with slots and batch for `in_flight` requests per replica, as far as memory allows."""
        ...

    def as_installed(self, candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Candidate:
        """The same weights and cards with the engine's own default settings, for comparison."""
        ...

    def memory(self, candidate: Candidate, hardware: Hardware, model: ModelSpec) -> Memory:
        """Bytes on the fullest device, and the KV capacity of one replica."""
        ...

    def speed(
        self,
        candidate: Candidate,
        memory: Memory,
        hardware: Hardware,
        model: ModelSpec,
        load: Load,
        tuning: Tuning = AS_FITTED,
    ) -> Speed | None:
        """Steady state of one replica under `load`; None where the device's speed is not known.

        `tuning` is what was measured of this engine on this machine; an engine without a model of its steps passes it
        over.
        """
        ...

    def best(self, hardware: Hardware, workload: Workload, model: ModelSpec) -> tuple[Best, ...] | None:
        """What one of the equal cards of the machine cannot exceed, in each format and with each KV cache.

        Empty where it does not run on that card; None where nothing can be said.
        """
        ...

    def settings(
        self, estimate: Estimate, hardware: Hardware, workload: Workload, model: ModelSpec
    ) -> tuple[Setting, ...]:
        """Every setting that differs from, or should not be left to, the engine's default; each with a reason."""
        ...

    def launch(
        self,
        estimate: Estimate,
        settings: tuple[Setting, ...],
        hardware: Hardware,
        workload: Workload,
        model: ModelSpec,
    ) -> Launch:
        """Image, program, arguments, environment, port, and the patience that start and stop need."""
        ...

    def container(self, plan: Plan) -> Container:
        """The launch inside the pinned image: mounts, devices, variables, health check, patience."""
        ...

    def one_replica(self, plan: Plan, host: str) -> Command:
        """The planned launch with a single replica that listens on `host`: what one pod runs."""
        ...

    def preparation(self, plan: Plan) -> Preparation | None:
        """How the running server is given its model; None where the engine loads it as it starts."""
        ...

    def to_set(self, settings: tuple[Setting, ...], version: str) -> tuple[Setting, ...]:
        """Of the settings those that a running server of that version must be told; none where it takes no models."""
        ...

    def set_commands(self, plan: Plan) -> tuple[str, ...]:
        """What its owner types to set them on the plan's system."""
        ...

    def checks(self, plan: Plan) -> tuple[Check, ...]:
        """The lines of the checklist that only this engine needs."""
        ...

    def placements(self, plan: Plan) -> tuple[Placement, ...]:
        """The templates of this engine, and the file that each becomes."""
        ...

    def chart(self, plan: Plan, pod: Pod) -> Chart | None:
        """The plan as values of the engine's own Helm chart; None where it has none."""
        ...

    def supplies(self, plan: Plan) -> Supplies:
        """Program and weights as an offline deployment carries them."""
        ...

    def on_ray(self, plan: Plan) -> OnRay | None:
        """The plan as Ray's image runs it; None where that image cannot."""
        ...

    def observer(self) -> Observer:
        """What a smoke test needs to know of the running server."""
        ...
