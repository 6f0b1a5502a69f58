"""The shapes of the knowledge in `catalog/data/`. Units are in the keys; every entry names its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from advisor.schema import DeviceClass, Vendor, value


@value
class GpuSpec:
    """What a card can do, by its data sheet. None means that no source says, never zero."""

    id: str
    vendor: Vendor
    name: str
    match: tuple[str, ...]  # literal names as drivers print them
    device_class: DeviceClass
    architecture: str
    compute_capability: str | None
    memory_bytes: int  # what to plan with: the driver's total where one was read
    memory_options_bytes: tuple[int, ...] = ()  # sold with several sizes (Apple): the buyer chooses
    memory_nominal_gb: float | None = None  # as sold, where the driver's total differs
    memory_basis: Literal["driver", "nominal"] = "nominal"
    bandwidth_bytes_per_s: float | None = None
    dense_flops: Mapping[str, float] = field(default_factory=dict)  # by dtype, fp32 accumulate, dense: FLOP/s
    flops_basis: Literal["read", "derived", "assumed"] = "read"  # of the 16-bit rate in `dense_flops`
    cores: int | None = None  # SMs, CUs or GPU cores
    interconnect: str = ""
    nvlink_bytes_per_s: float | None = None  # one direction, to the peers
    pcie_peer_access: bool | None = None
    unified_memory: bool = False
    gpu_memory_fraction: float | None = None  # of unified memory that the GPU may use
    tdp_watts: float | None = None
    release: str = ""
    mig_capable: bool = False
    launch_price_usd: float | None = None
    usd_per_hour: float | None = None
    price_source: str = ""
    supported: Mapping[str, str] = field(default_factory=dict)  # engine → "y", "n", "plugin", "cpu build", "unclear"
    support_note: str = ""
    confidence: Literal["high", "medium", "low"] = "high"
    flags: str = ""  # disagreements between sources
    source: str = "gpus"


@value
class CpuSpec:
    """The memory system of a processor family, per socket with every channel filled."""

    id: str
    vendor: str
    name: str
    match: str  # regular expression for the model line of the processor; "" where only the user can tell
    architecture: str  # vector units, in words
    bandwidth_bytes_per_s: float  # theoretical
    memory_type: str
    channels: int
    confidence: Literal["high", "medium", "low"] = "high"
    flags: str = ""
    source: str = "gpus"


@value
class Source:
    """Where a figure comes from."""

    title: str
    url: str
    licence: str
    note: str = ""


@value
class HubSize:
    """What a repository of the Hub stores of weights, between two bounds."""

    repo: str
    low_bytes: int
    high_bytes: int
    kind: Literal["exact", "stated", "counted"]  # bytes; a rounded figure; from the Hub's counts of parameters
    parameters: int | None = None  # of the unquantised model, a draft head included
    read_in: str = ""  # the document, with its date
    source: str = "hub_sizes"


@value
class WeightsFormat:
    """A way to store weights: what each kind of tensor costs, and what it needs."""

    name: str  # "bf16", "fp8", "awq-int4", "q4_K_M", ...
    title: str
    kind: Literal["plain", "quantised", "gguf"]
    linear_bits: float  # per weight of the quantised linear layers, scales and zero points included
    embedding_bits: float  # input embedding
    head_bits: float  # output head, when it is a tensor of its own
    compute: Literal["fp32", "bf16", "fp16", "fp8", "int8", "fp4"]  # which FLOP rate the matrix products use
    engines: tuple[str, ...]
    quality_tier: Literal["A", "B", "C"]  # A: no loss that benchmarks show; B: small; C: visible
    dense_bits: float | None = None  # linear layers outside the routed experts, where stored differently
    aliases: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()  # formats that people name when they mean a checkpoint of this one
    min_capability: Mapping[str, str] = field(default_factory=dict)  # engine → lowest CUDA compute capability
    native_capability: str | None = None  # below it the format saves memory but not arithmetic
    source: str = "formats"


@value
class EngineLimits:
    """What the pinned version of an engine accepts, so that rules compare numbers and not engine names."""

    name: str
    title: str
    version: str
    simplicity: int  # 1 is the simplest to run; the simpler one wins when both meet the targets
    platforms: tuple[str, ...]  # "linux/x86_64", "darwin/aarch64", ...
    min_cuda_capability: str | None
    min_nvidia_driver: str | None
    gfx_targets: tuple[str, ...]  # AMD targets the build covers
    cpu: bool
    weight_kinds: tuple[str, ...]  # of "plain", "quantised", "gguf"
    tensor_parallel: bool
    accelerators: tuple[Vendor, ...] = ()  # vendors with a build in vendors.yaml: filled in when an entry is read
    older_capability_drivers: Mapping[str, str] = field(default_factory=dict)  # highest capability → lowest driver
    single_slot_families: tuple[str, ...] = ()  # model_type values that are served one request at a time
    settings: Mapping[str, str] = field(default_factory=dict)  # kind of setting → data file of the accepted ones
    store_variables: tuple[str, ...] = ()  # that name the folder of its models
    store_folders: tuple[str, ...] = ()  # where they lie unless told otherwise; "~" is the home folder
    # Below such a folder: pattern of a model's place → its name, by the words of that place counted from its end.
    store_models: Mapping[str, str] = field(default_factory=dict)
    features: tuple[str, ...] = ()  # "metrics", "api_key", "drain", "tool_choice", "structured_output", ...
    feature_settings: Mapping[str, str] = field(default_factory=dict)  # feature → the setting that a version has it by
    optional_settings: tuple[str, ...] = ()  # that may be left out where a version does not know them
    program: str = ""  # that starts it, on PATH
    distributions: tuple[str, ...] = ()  # Python packages that hold it
    python: tuple[str, ...] = ()  # of the pinned version: the first Python that will do, and the first that will not
    upgrade: str = ""  # how that version comes to a host; {version}
    # Where no program runs the checklist: a line's id → what a person types, and what must show if not the line's own.
    typed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    source: str = "engines"


@value
class Score:
    """What a model reached in a public test. Figures of different measures or dates are not compared."""

    hf_id: str
    task: str  # of data/ranking.yaml
    measure: str  # as its publisher calls it
    figure: float  # in the measure's own unit: percent, index or Elo
    date: str  # of the table it was read from
    source: str  # key in sources.yaml
    variant: str = ""  # how it was run: "reasoning", "xhigh", ...
    kind: Literal["measured", "estimated"] = "measured"  # by its publisher

    def __str__(self) -> str:
        how = ", ".join(word for word in (self.variant, self.kind if self.kind == "estimated" else "") if word)
        return f"{self.figure:g} on {self.measure}{f' ({how})' if how else ''}, {self.date}"


@value
class Placed:
    """A model's place in the ranking of a task."""

    hf_id: str
    place: float  # on the scale of the task's first measure
    scored: bool = True  # False: placed by size and age, because nobody is known to have scored it
    outdone: bool = False  # a better one needs no more of anything
    withheld: str = ""  # why it is picked only when it is named
