"""The shapes of `data/vendors.yaml`: what a plan has to know of a maker of cards. None means that there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from advisor.catalog.vendor_parts import Build, MemoryShare, MemorySwitch
from advisor.schema import value


@value
class Families:
    """Which calibration family a card belongs to: the first that holds, from unified to otherwise."""

    otherwise: str
    unified: str | None = None  # graphics in the host's memory, outside data centres
    capabilities: Mapping[str, str] = field(default_factory=dict)  # compute capability, or its major number
    architectures: Mapping[str, str] = field(default_factory=dict)  # a word of the architecture's name


@value
class Reserved:
    """Memory that the driver of a discrete card keeps for itself."""

    fixed_gib: float
    share: float
    source: str


@value
class Access:
    """How processes outside the desktop reach the cards: through a container runtime, or by device nodes."""

    unit_devices: tuple[str, ...]  # DeviceAllow= of systemd
    cdi_kind: str | None = None  # "nvidia.com/gpu"; None: by device nodes
    reservation_driver: str = ""  # of Compose
    docker_options: str = ""
    device_nodes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()  # of the host, that may use the nodes in a container

    @property
    def by_runtime(self) -> bool:
        """Whether a container runtime hands the cards over, to whichever user."""
        return self.cdi_kind is not None


@value
class Toolkit:
    """What a container engine needs beside itself to hand over the cards."""

    title: str
    version_field: str  # of `Containers`
    command: str  # {runtimes}: what prints the container engine's runtimes and CDI folders
    expect: str
    install: str
    make_cdi: str
    keeps: str = (
        ""  # shows that systemd knows the device nodes, so that a reload leaves them to containers; empty: it does
    )
    keep: str = ""  # what to do where it does not


@value
class Tool:
    """The vendor's own tool: questions as shell lines with {number} or {numbers} of cards."""

    program: str
    name: str
    slices: str
    slice_name: str  # {parent} and {child}: its profile
    slice_id: str  # likewise: what the engine is told
    free_mib: str
    ids: str  # joined by commas
    ids_reason: str  # why numbers do not do
    driver: str
    capability: str  # the lowest of some cards
    lowest_capability: str  # of all, where slices have no number


@value
class NodesCheck:
    """How to see that the device nodes are there, and what to do where they are not."""

    command: str
    remedy: str


@value
class Modules:
    """What loads the driver's modules before a service that may not do so itself."""

    title: str
    command: str
    daemon: str  # does the same where it runs


@value
class Kubernetes:
    """The extended resources that the vendor's device plugin offers."""

    resource: str
    by_architecture: Mapping[str, str] = field(default_factory=dict)  # beginning of the architecture → its resource
    slice_prefix: str = ""  # of slices: followed by the profile
    runtime_class: str = ""  # that the vendor's operator installs, where the cluster's default runtime shows no cards
    product_label: str = ""  # of nodes, set by the vendor's own labeller: the name of their cards
    product_blank: str = "-"  # in that label, for what cannot stand there


@value
class CardMetrics:
    """What exports figures of the cards to Prometheus: one program in an image, and the names of what it tells."""

    image: str  # pinned by tag
    port: int
    program: str  # with its version: how it comes to a host without containers, for people
    busy: str  # per cent
    memory_mib: str  # in use
    temperature: str  # degrees Celsius; an expression in brackets where cards differ in the name
    faults: str  # changes with every fault that the driver reports
    source: str


@value
class VendorSpec:
    """A maker of cards."""

    name: str
    title: str
    families: Families
    name_words: tuple[str, ...] = ()  # say nothing about which card it is
    optional_words: tuple[str, ...] = ()  # a person may leave them out
    name_in_front: bool = False  # drivers print the vendor's name first, and some leave it out
    name_within: bool = False  # drivers print more around the name of a card
    cuda_capability: bool = False  # `compute_capability` is CUDA's: two numbers that order, "8.9"
    build_targets: bool = False  # `compute_capability` is a target that a build covers or not, "gfx942"
    chip_bins: bool = False  # one name is sold with several counts of cores and sizes of memory, none of them usual
    memory_on_demand: bool = False  # a new process finds all memory free, whatever others hold
    runtime_takes_memory: bool = True  # a process that opens the card costs memory of it
    offered: bool = False  # as a card to buy: every engine runs on all that are still sold
    link: str = "NVLink"  # between cards
    board_links: Mapping[str, float] = field(default_factory=dict)  # families linked on their board: bytes/s one way
    flops_per_byte: float = 60.0  # arithmetic at 16 bit to bandwidth, where no source gives a rate
    half_to_fp32: float = 4.0  # arithmetic at 16 bit to that at 32 bit, likewise
    driver_reserved: Reserved | None = None
    gpu_memory_shares: tuple[MemoryShare, ...] = ()
    who_holds: str = ""  # command that names the processes which hold a card's memory
    memory_switch: MemorySwitch | None = None
    driver_title: str = ""
    driver_fields: Mapping[str, str] = field(default_factory=dict)  # fields of `Hardware` with words before each
    assumed_software: str = ""  # of a simulated machine; {fields} are those of probe/simulate.json
    unified_architecture: str = "aarch64"  # of the processor on one chip with such a GPU
    driver_reason: str = ""  # why it must be new enough
    no_driver_signs: tuple[str, ...] = ()  # regular expressions for what is printed where there is none
    numbering: Mapping[str, str] = field(default_factory=dict)  # variables that make numbers those of the tool
    access: Access | None = None
    toolkit: Toolkit | None = None
    tool: Tool | None = None
    nodes_check: NodesCheck | None = None
    modules: Modules | None = None
    kubernetes: Kubernetes | None = None
    ray_image: str | None = None  # Ray's own image with an engine for these cards; {version} is Ray's
    metrics_exporter: CardMetrics | None = None
    builds: Mapping[str, Build] = field(default_factory=dict)  # engine → its build; an engine without one refuses

    def card_variables(self, *engines: str) -> tuple[str, ...]:
        """The variables with which these engines are told their cards; without an engine, all of them."""
        named = (self.builds[name] for name in engines or self.builds if name in self.builds)
        builds = (build for first in named for build in (first, first.others) if build)
        return (*self.numbering, *(build.cards_variable for build in builds if build.cards_variable))
