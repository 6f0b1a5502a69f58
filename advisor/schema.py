"""The values that travel from stage to stage. Every one is frozen, typed, and JSON in and out.

They are plain dataclasses so that a cold start pays for no validation library; `advisor.wire` checks them with
pydantic at the doors (hardware files, plans, profiles). Units stand in the field names: bytes, seconds, tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal, Protocol, TypeVar, dataclass_transform

from advisor.frozen import frozen

Basis = Literal["measured", "calibrated", "analytic"]
# Of a figure: this very load was run here; it follows from what was; from what others measured; from data sheets.
FigureBasis = Literal["measured", "measured here", "calibrated", "analytic"]
Severity = Literal["CRASH", "OOM", "SILENT", "PERF", "NOTE"]
Vendor = str  # a name in catalog/data/vendors.yaml; who reads a file refuses any other
Backend = str  # that of a vendor's build there, or "cpu"
DeviceClass = Literal["datacenter", "workstation", "consumer", "laptop", "unified", "apple", "other"]
HardwareSource = Literal["probed", "simulated", "file"]
Confidence = Literal["high", "medium", "low"]
Kind = Literal["generate", "embed", "rerank"]  # what is asked of a model: text, vectors, or scores of passages
Bound = Literal["bandwidth", "compute", "overhead", "kv", "slots", "load"]

MADE: Mapping[str, str] = {"generate": "answer", "embed": "text", "rerank": "ranking"}  # what one request brings
MOST_A_HOST = 8  # cards in one machine that are proposed unasked
MOST_NODES = 64  # machines like one another that one plan may cover

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """Make a frozen, keyword-only dataclass whose JSON form refuses unknown keys."""
    return frozen(cls)


@value
class Figure:
    """A number that is shown: 80 % of measurements are expected between `low` and `high`."""

    low: float
    expected: float
    high: float
    basis: FigureBasis
    source: str  # key in catalog/data/sources.yaml


# --- what there is -----------------------------------------------------------------------------------------------


@value
class GpuProcess:
    """A process that holds accelerator memory."""

    pid: int
    name: str | None
    used_bytes: int | None


@value
class Accelerator:
    """One GPU (or MIG slice, or unified-memory GPU) as the driver reports it, with its catalogue facts."""

    index: int
    name: str
    vendor: Vendor
    device_class: DeviceClass
    memory_bytes: int  # what the driver reports as total; for unified memory the share a GPU may use
    catalog_id: str | None = None  # None: not in the catalogue, so its speed is not known
    free_bytes: int | None = None  # free now; None: not asked (a simulated or recorded machine)
    architecture: str | None = None
    compute_capability: str | None = None  # "8.9" (NVIDIA) or "gfx942" (AMD)
    bandwidth_bytes_per_s: float | None = None  # theoretical, whole card
    dense_flops: Mapping[str, float] = field(
        default_factory=dict
    )  # "fp16", "bf16", "fp8", "int8", "fp4", "fp32": FLOP/s
    unified_memory: bool = False
    pcie_generation: int | None = None  # the highest that card and slot can do
    pcie_generation_now: int | None = None  # an idle card lowers it to save power
    pcie_width: int | None = None  # lanes in use
    pcie_width_max: int | None = None  # lanes the card could use in a wider slot
    pcie_peer_access: bool | None = None
    nvlink_peers: tuple[int, ...] = ()
    nvlink_bytes_per_s: float | None = None  # one direction
    mig_profile: str | None = None
    place: str | None = None  # what the driver's tools call it where that is not its index: "1", of a slice "0:1"
    ecc_enabled: bool | None = None
    tdp_watts: float | None = None
    power_share: float = 1.0  # of the power it could draw: less where its owner set a limit
    usd_per_hour: float | None = None
    processes: tuple[GpuProcess, ...] | None = None
    reserved_bytes: int = 0  # that the plan leaves free for others: `--reserve`, models beside it

    @property
    def unheld_bytes(self) -> int:
        """Memory that no program holds, as the driver counts; all of it where nobody asked."""
        return self.memory_bytes if self.free_bytes is None else self.free_bytes


@value
class Cpu:
    """The processor and the memory this process may use (affinity, cgroup quota and limit applied)."""

    model: str
    architecture: str  # "x86_64", "aarch64", ...
    cores: float  # usable physical cores, by affinity and cgroup quota
    threads: int
    memory_bytes: int
    available_bytes: int | None = None
    instruction_sets: tuple[
        str, ...
    ] = ()  # of "avx2", "avx512", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "neon", ...
    numa_nodes: int = 1
    bandwidth_bytes_per_s: float | None = None  # measured, or from the catalogue
    dense_flops: Mapping[str, float] = field(default_factory=dict)
    basis: Basis = "analytic"  # of bandwidth and FLOPs
    reserved_bytes: int = 0  # of its memory, that the plan leaves to models beside it


@value
class Containers:
    """The container engine, Compose and the GPU runtime, as their own version commands print them."""

    engine: str | None = None  # "docker" or "podman"
    engine_version: str | None = None
    compose_version: str | None = None
    nvidia_toolkit_version: str | None = None
    cdi_devices: tuple[str, ...] = ()


@value
class ServedModel:
    """A model that a running engine has; what it holds of memory, where it is loaded now."""

    name: str
    loaded_bytes: int | None = None  # None: not loaded, or the engine does not tell
    gpu_bytes: int | None = None  # the part of it on accelerators
    context_tokens: int | None = None  # of one request, as loaded


@value
class RunningEngine:
    """An engine that answers on this machine."""

    engine: str
    address: str  # host and port
    version: str | None = None
    models: tuple[ServedModel, ...] = ()


@value
class InstalledEngine:
    """An engine that is installed here, whether it runs or not."""

    engine: str
    version: str | None = None  # as its package, image or program tells; None: it did not tell
    found_in: Literal["package", "image", "program"] = "package"  # what told
    place: str = ""  # the program, the environment or the image; the home folder is written ~


@value
class NodeLink:
    """The network between two machines, one direction."""

    name: str  # as given, e.g. "100GbE"
    bytes_per_s: float  # of one machine's port
    rdma: bool = False  # InfiniBand or RoCE: the cards reach it without the kernel's TCP
    assumed: bool = False  # nobody named it


@value
class Hardware:
    """One machine, or several like it. `unknown` says for each field that did not answer, why."""

    source: HardwareSource
    os: Literal["linux", "darwin", "windows"]
    cpu: Cpu
    accelerators: tuple[Accelerator, ...] = ()
    os_version: str | None = None
    wsl: bool = False
    nvidia_driver: str | None = None
    cuda_version: str | None = None  # highest the driver supports
    rocm_version: str | None = None
    containers: Containers = field(default_factory=Containers)
    disk_path: str | None = None
    disk_free_bytes: int | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()  # what a simulated machine takes for granted
    note: str = ""  # of a recorded fixture: where it comes from
    schema_version: int = 1
    running: tuple[RunningEngine, ...] = ()  # engines that answer here
    engines: tuple[InstalledEngine, ...] = ()  # engines that are installed here; the first of a name is the one on PATH
    nodes: int = 1  # machines like this one
    node_link: NodeLink | None = None  # between them; None: only one


@value
class Adapter:
    """Low-rank matrices beside a model's own (LoRA), served under a name of their own."""

    name: str
    path: str
    rank: int


@value
class Revision:
    """The state of a Hub repository that is loaded."""

    name: str  # commit, tag or branch, as engines are told it
    asked: str = ""  # tag or branch that pointed to this commit
    seen: str | None = None  # YYYY-MM-DD on which the Hub said so; None: it was not asked


@value
class ModelSpec:
    """A model's architecture, and its names in both worlds. Dimensions are those of its config.json."""

    hf_id: str
    family: str
    parameters: int  # language model + vision towers, tied embeddings once
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    tied_embeddings: bool
    context_trained: int
    native_format: str  # name in catalog/data/formats.yaml
    active_parameters: int | None = None  # None: dense
    release: str = ""  # YYYY-MM
    architecture: str = ""
    model_type: str = ""
    layers_full: int = 0  # attention layers that keep the whole context (MLA layers count here)
    layers_sliding: int = 0
    layers_linear: int = 0  # Mamba, DeltaNet, short convolution: fixed state, nothing per token
    sliding_window: int | None = None
    mla_kv_lora_rank: int | None = None
    mla_rope_dim: int | None = None
    experts: int = 0
    experts_per_token: int = 0
    expert_intermediate: int = 0
    shared_experts: int = 0
    first_dense_layers: int = 0
    kv_elements_per_token: int | None = None  # given by the source where the formula does not hold (shared KV, ...)
    kv_elements_per_token_full: int | None = None
    vision_parameters: int = 0
    multimodal: bool = False
    gated: bool | None = None
    licence: str = ""
    ollama_tag: str | None = None
    ollama_quantization: str | None = None
    repos: Mapping[str, str] = field(default_factory=dict)  # format name → repository that holds it
    tool_parser: str | None = None
    reasoning_parser: str | None = None
    tags: tuple[str, ...] = ()
    origin: Literal["catalogue", "folder", "gguf", "hub"] = "catalogue"
    path: str | None = None  # of a local folder or .gguf file
    file_bytes: int | None = None  # exact size of the local weights, where there are any
    stored_bytes: Mapping[str, int] = field(default_factory=dict)  # format name → what its repository holds, by the Hub
    confidence: Confidence = "high"
    source: str = "models"  # key in sources.yaml
    adapters: tuple[Adapter, ...] = ()  # that are served on it
    revisions: Mapping[str, Revision] = field(default_factory=dict)  # repository → its state that is loaded


# --- what is asked for -------------------------------------------------------------------------------------------


@value
class Workload:
    """Who will use the service, and how. Token counts are means per request; targets are 95th percentiles.

    What each key accepts, means and defaults to stands in `workload/keys.py`; a test holds the two together.
    """

    profile: str
    task: str
    users: int = 1
    input_tokens: int
    output_tokens: int
    context_tokens: int  # the longest request that must be served, prompt and answer together
    think_time_s: float  # pause of one person between an answer and the next question
    concurrency: int | None = None  # requests in flight, given; None: derived from users and think time
    request_rate: float | None = None  # per second over all users, given (open loop)
    ttft_ms: float | None = None  # p95 target
    tpot_ms: float | None = None  # p95 target
    shared_prefix_tokens: int = 0  # the part of the prompt that is the same in every request
    history_tokens: int = 0  # the part of it that the conversation's last turn left in the cache, shared part included
    model: str | None = None
    revision: str | None = None  # of its repository on the Hub, or REPOSITORY=REVISION of each that is loaded
    quantization: str = "auto"
    engine: str = "auto"
    own_server: bool = False  # a server of its own, although one that could be used runs here
    engine_version: str | None = None  # e.g. "vllm=0.19.0,ollama=pinned"; None: what is installed, else the pinned one
    host: str | None = None  # the name under which others reach it, by HTTPS; None: plain HTTP
    tools: bool = False  # the clients call tools
    production: bool = False  # others depend on it: metrics, drain, a key, availability
    exposed: bool = False  # must answer on more than loopback
    allow_offload: bool = False  # part of the weights may run on the CPU
    offline: bool = False  # nothing is looked up while planning
    air_gapped: bool = False  # the deployment never reaches out: everything is carried to it
    parts: str = "auto"  # what stands around the engine: auto, all, none, or names of `advisor/deploy`
    run: str = "auto"  # how it is run: auto (by the machine), all, or names of `engines/ways.py`
    nodes: int | None = None  # machines like the one in question; None: as many as the hardware says
    node_link: str | None = None  # the network between them, e.g. "100GbE"; None: assumed
    kind: Kind = "generate"
    passages: int = 1  # prompts of one request: a question with each passage that is ranked for it
    ttft_kind: Literal["auto", "warm", "cold"] = "auto"  # of which first token the target is
    reasoning_tokens: int | None = None  # what is thought before an answer; None: by the model
    first_answer_ms: float | None = None  # p95 target: the first token of the answer, after what is thought
    lengths: Literal["varied", "fixed"] = "varied"  # fixed: every prompt has the mean length
    prompt_p95: float = 3.4  # 95th percentile of prompts over their mean
    staff: int | None = None  # people of whom `active_fraction` use it in the same hour
    active_fraction: float = 0.05
    burst_users: int = 0  # people who ask at the same moment
    dispersion: float = 1.0  # of requests in flight: variance over that of people who come independently
    download_rate: str | None = None  # of the line that weights come over, e.g. "100 Mbit/s"; None: assumed
    beside: str | None = None  # models for vectors or scores that run on the same machine, with commas between them
    reserve: int = 0  # bytes of every card that stay free

    @property
    def pooled(self) -> bool:
        """Whether nothing is written: a prompt is read in one step, and vectors or a score come out."""
        return self.kind != "generate"

    @property
    def made(self) -> str:
        """What one request brings, in a word."""
        return MADE[self.kind]


@value
class Load:
    """What one replica is asked to do at once: a closed loop of `in_flight` requests unless a rate is given.

    Of the prompt, `shared_prefix_tokens` lie in the cache for everybody, and `history_tokens` (those included) for
    whoever goes on with a conversation that the cache still holds.
    """

    in_flight: float
    input_tokens: float
    output_tokens: float
    shared_prefix_tokens: float = 0.0
    history_tokens: float = 0.0
    passages: int = 1  # prompts that share the tokens of one request, each read by itself
    prompt_p95: float = 1.0  # 95th percentile of prompts over their mean; 1: all alike
    conversations: float = 0.0  # that come back to this replica, those in flight included; fewer: only those
    request_rate: float | None = None
    together: float = 0.0  # share of requests whose prompts come with all the others': 1 for a load test of equal ones


# --- what could be run, and what it would do ---------------------------------------------------------------------


@value
class Candidate:
    """One way to run the model: engine, weights, cards, parallelism, context and slots."""

    engine: str
    model_ref: str  # what the engine is told to load
    weights_format: str  # name in catalog/data/formats.yaml
    kv_cache_dtype: str  # "auto" or the engine's own spelling
    device: Literal["gpu", "cpu"]
    gpu_indices: tuple[int, ...]  # the cards of all replicas, on each node; empty on a CPU
    context_tokens: int
    max_in_flight: int  # per replica: slots (Ollama), max_num_seqs (vLLM)
    max_batched_tokens: int  # tokens in one engine step: prefill chunk plus decodes
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    replicas: int = 1
    memory_utilization: float | None = None  # share of total memory that vLLM may use
    cpu_layers: int = 0  # layers that run on the CPU beside the GPU
    kv_cache_bytes: int | None = None  # KV pool per rank given in bytes, in place of a utilisation (always on a CPU)
    nodes: int = 1  # machines of all replicas: a replica on several of them, or several replicas each
    cpu_threads: int | None = None  # that compute, on a CPU; None: as many as the engine takes by itself
    eager: bool = False  # without CUDA graphs: less memory at start, more time a step
    text_only: bool = False  # the vision tower of a multimodal model is not loaded
    stage_layers: tuple[int, ...] = ()  # layers of each pipeline stage where cards are unequal; empty: shared evenly

    @property
    def nodes_of_replica(self) -> int:
        """Machines that one replica lies on."""
        return max(self.nodes // max(self.replicas, 1), 1)

    @property
    def replicas_of_server(self) -> int:
        """Replicas behind one engine's port: those on its machine."""
        return max(self.replicas // max(self.nodes, 1), 1)

    @property
    def servers(self) -> int:
        """Engines with a port of their own over all machines."""
        return self.replicas // self.replicas_of_server

    @property
    def cards_in_all(self) -> int:
        """Cards over all machines."""
        return len(self.gpu_indices) * self.nodes

    def local_share(self, cards: int) -> int:
        """How many of a machine's `cards` chosen cards one replica uses there."""
        return max(min(cards, cards * self.nodes // max(self.replicas, 1)), 1)


@value
class Memory:
    """Bytes on the fullest device of one replica, and what its KV cache can hold over the whole replica."""

    device_bytes: int  # total on that device
    budget_bytes: int  # what the engine may use of it
    weights_bytes: int
    kv_bytes: int  # pool (vLLM) or allocation (Ollama) on that device
    activation_bytes: int
    overhead_bytes: int  # context, graphs, buffers: everything that is neither weights, KV nor activation
    kv_bytes_per_token: float  # over the whole replica, at the planned context
    kv_tokens: int  # the replica's KV capacity, as the engine logs it
    full_sequences: float  # how many requests of full context fit at once
    fits: bool
    short_bytes: int  # how much is missing on that device; 0 when it fits
    most_sequences: int | None = None  # more stop the engine at start (state blocks of a hybrid); None: no such end
    basis: Basis
    source: str

    @property
    def used_bytes(self) -> int:
        """Everything that the engine takes of that device."""
        return self.weights_bytes + self.kv_bytes + self.activation_bytes + self.overhead_bytes


@value
class Speed:
    """Steady-state prediction for one replica under one load."""

    in_flight: float
    output_tokens_per_s: Figure
    ttft_s: Figure  # mean, of the kind that the target means
    ttft_p95_s: Figure
    tpot_s: Figure  # mean time per output token after the first
    tpot_p95_s: Figure
    queued: float  # mean number of requests that wait for a slot or for KV
    bound: Bound
    ttft_warm_s: Figure | None = None  # mean where the conversation lies in the cache; None: as `ttft_s`
    ttft_cold_s: Figure | None = None  # mean where it does not
    ttft_cold_p95_s: Figure | None = None
    kept_share: float = 1.0  # of returning conversations that the cache still holds


class Corrections(Protocol):
    """What was measured before, as far as it changes a prediction."""

    def corrected(
        self, speed: Speed, hardware: Hardware, candidate: Candidate, model: ModelSpec, load: Load
    ) -> Speed:  # fmt: skip
        """`speed` of one replica under `load`; the same where nothing near was measured."""
        ...


@value
class Question:
    """What is asked: one model on one machine for one workload, and what is known from measurements."""

    model: ModelSpec
    workload: Workload
    hardware: Hardware
    measurements: Corrections


@value
class Estimate:
    """A candidate sized for the load, with everything predicted about it."""

    candidate: Candidate
    memory: Memory
    in_flight: float  # requests in flight over all replicas, on average
    peak_in_flight: int  # 95th percentile of the same: what slots and latency targets are planned for
    derivation: str  # how `in_flight` came about, for the report
    speed: Speed | None = None  # of one replica, on average; None: device's speed unknown, or it does not fit
    peak_speed: Speed | None = None  # of one replica at `peak_in_flight`
    burst: int = 0  # requests that come at one moment, over all replicas
    burst_speed: Speed | None = None  # of one replica then


@value
class Finding:
    """A rule that fired: `message` holds the two numbers that were compared."""

    rule: str
    severity: Severity
    message: str
    source: str
    engine: str | None = None


@value
class Judged:
    """An estimate and everything the rules said about it."""

    estimate: Estimate
    findings: tuple[Finding, ...]
    why_lost: str = ""


@value
class Change:
    """The answer is no; this change would turn it into yes."""

    change: str
    result: str
    usd_per_hour: float | None = None


@value
class CurvePoint:
    """Total output of each engine at one load; None where the engine cannot run here."""

    in_flight: int
    tokens_per_s: Mapping[str, float | None]  # by engine, sized for this load
    default_tokens_per_s: Mapping[str, float | None]  # by engine, with the engine's own default settings
    speeds: Mapping[str, Speed | None] = field(default_factory=dict)  # by engine, of one replica, sized for this load
    replicas: Mapping[str, int] = field(default_factory=dict)  # by engine: how many share the load


@value
class Verdict:
    """The decision, with the winner, every loser and each reason."""

    engine: str  # engine name or "none"
    meets_targets: bool
    summary: str
    confidence: Confidence
    winner: Judged | None
    losers: tuple[Judged, ...]
    reasons: tuple[Finding, ...]
    nearest_yes: tuple[Change, ...] = ()
    crossover_in_flight: float | None = None
    crossover_reason: str = ""  # why there is none, or between what it was computed
    curve: tuple[CurvePoint, ...] = ()
    capacity_in_flight: int | None = None  # the most requests in flight that still meet every target
    capacity_users: int | None = None


# --- what will be run --------------------------------------------------------------------------------------------


@value
class Setting:
    """One setting of the engine: where it goes, its value, why, and who says so."""

    name: str  # "--max-num-seqs", "OLLAMA_NUM_PARALLEL", "PARAMETER num_ctx"
    kind: Literal["flag", "env", "modelfile"]
    value: str | None  # None: a flag without a value
    because: str
    source: str


@value
class Check:
    """One line of the pre-deployment checklist."""

    id: str
    fact: str
    command: str | None  # a shell line to run; None: for a person to tick
    expect: str  # what must be seen
    otherwise: str  # what to do when it is not
    why: str = ""  # what goes wrong without it
    when: Literal["always", "stopped", "running"] = "always"  # "stopped": the running service itself would break it
    targets: tuple[str, ...] = ()  # of "native", "compose", "systemd", "quadlet", "kubernetes"; empty: all
    limit_s: int = 20  # for the command


@value
class Launch:
    """How the engine is started: the same for Compose, run.sh and every other target."""

    image: str  # pinned by tag
    variant: Backend
    argv: tuple[str, ...]  # arguments after the program name
    program: tuple[str, ...]  # ("vllm", "serve") or ("ollama", "serve")
    env: Mapping[str, str]
    port: int
    bind: str  # "127.0.0.1" unless exposure was asked for
    model_ref: str  # what the engine loads: repository, tag or path
    served_name: str  # what clients put into "model"
    health_path: str
    startup_s: int  # patience until healthy, from the model's size
    drain_s: int  # patience for requests in flight at stop
    modelfile: str | None = None
    needs_token: bool = False  # a Hugging Face token, for a gated model
    cache_bytes: int = 0  # disk for weights
    server: Literal["own", "running"] = "own"  # "running": one that is here already is given its model


@value
class CatalogStamp:
    """Which facts a plan rests on."""

    version: str  # of the bundle
    date: str
    checksum: str  # of its files
    origin: Literal["packaged", "installed"] = "packaged"
    own: tuple[str, ...] = ()  # files with this user's own entries


@value
class Plan:
    """Pure data from which every file is rendered. `plan.json` is exactly this."""

    name: str
    engine: str
    engine_version: str
    model: ModelSpec
    hardware: Hardware
    workload: Workload
    estimate: Estimate
    launch: Launch
    settings: tuple[Setting, ...]
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    summary: str
    in_flight: float
    parts: tuple[str, ...] = ()  # what stands around the engine: names of `advisor/deploy`
    desk: Plan | None = None  # `--engine both`: the same model on the developer's machine
    advisor_version: str = ""
    catalog: CatalogStamp | None = None
    schema_version: int = 1

    @property
    def serves_others(self) -> bool:
        """Whether more than one person, or another program, depends on it."""
        asked = self.workload
        return asked.exposed or asked.production or asked.users > 1 or (asked.concurrency or 1) > 1

    @property
    def is_linux_service(self) -> bool:
        """Whether others depend on it, on the system where services are kept running."""
        return self.serves_others and self.hardware.os == "linux"


@value
class RenderedFile:
    """One file of the deployment folder."""

    path: str  # relative to the folder
    text: str
    executable: bool = False
