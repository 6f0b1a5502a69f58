"""Every key of a workload, once: options, profiles, forms, profiles/README.md and the JSON Schema come from here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from advisor.schema import MOST_NODES, Kind
from advisor.wire import JSON_SCHEMA
from advisor.workload import registries
from advisor.workload.key import REQUIRED, Key
from advisor.workload.kinds import Flag, Number, Size, Whole
from advisor.workload.names import Name, Names, Text

_DAY_S = 86_400
_TOKENS = 10_000_000  # the longest prompt of any model
_PASSAGES = 1000  # the most that public rerank services take in one request
_MILLISECONDS = Number(least=0.001, most=1000 * _DAY_S)

PROFILE = Key(
    name="profile",
    group="profile",
    kind=Text(like="a shipped profile or a file", example="chat"),
    metavar="NAME|FILE",
    help="Workload profile to start from (see profiles/README.md).",
)
TITLE = Key(
    name="title",
    group="profile",
    kind=Text(like="text", most=200),
    help="What the profile is, in one line.",
    option=False,
)
KEYS = (
    Key(
        name="users",
        group="people",
        kind=Whole(least=1, most=1_000_000),
        unit="people",
        help="People who use the service in the same hour.",
        default=1,
    ),
    Key(
        name="staff",
        group="people",
        kind=Whole(least=1, most=10_000_000),
        unit="people",
        help="People who may use it; `users` is the part of them that does in the same hour.",
        default=None,
        unset="`users` says it",
    ),
    Key(
        name="active_fraction",
        group="people",
        kind=Number(least=0.0001, most=1),
        help="The part of `staff` that uses it in the same hour.",
        default=0.05,
    ),
    Key(
        name="burst_users",
        group="people",
        kind=Whole(least=0, most=1_000_000),
        unit="people",
        help="People who ask at the same moment (a class, a meeting): room for all of them to wait.",
        default=0,
    ),
    Key(
        name="dispersion",
        group="people",
        kind=Number(least=1, most=1000),
        help="How much requests bunch: variance of those in flight over that of people who come independently.",
        default=1.0,
    ),
    Key(
        name="concurrency",
        group="people",
        kind=Whole(least=1, most=1_000_000),
        unit="requests",
        help="Requests in flight, instead of people.",
        default=None,
        unset="derived from users and think time",
    ),
    Key(
        name="request_rate",
        group="people",
        kind=Number(least=0.000001, most=1_000_000),
        unit="requests/s",
        help="Requests per second that do not wait for answers (an API, a queue).",
        default=None,
        unset="people wait for their answers",
    ),
    Key(
        name="think_time_s",
        group="people",
        kind=Number(least=0, most=_DAY_S),
        unit="seconds",
        help="Pause of one person between an answer and the next question.",
    ),
    Key(
        name="input_tokens",
        group="requests",
        kind=Whole(least=1, most=_TOKENS),
        unit="tokens",
        help="Mean prompt, history and documents included.",
    ),
    Key(
        name="output_tokens",
        group="requests",
        kind=Whole(least=1, most=_TOKENS),
        unit="tokens",
        help="Mean answer.",
    ),
    Key(
        name="context_tokens",
        group="requests",
        kind=Whole(least=1, most=10 * _TOKENS),
        unit="tokens",
        help="Longest request to serve, prompt and answer together.",
    ),
    Key(
        name="passages",
        group="requests",
        kind=Whole(least=1, most=_PASSAGES),
        help="Passages that are ranked for one question; each is a prompt of its own, with the question before it.",
        default=1,
    ),
    Key(
        name="shared_prefix_tokens",
        group="requests",
        kind=Whole(least=0, most=_TOKENS),
        unit="tokens",
        help="Part of the prompt that all requests share (system prompt, tool list).",
        default=0,
    ),
    Key(
        name="history_tokens",
        group="requests",
        kind=Whole(least=0, most=_TOKENS),
        unit="tokens",
        help="Part of the prompt that the conversation's last turn left in the cache, the shared part included.",
        default=0,
    ),
    Key(
        name="reasoning_tokens",
        group="requests",
        kind=Whole(least=0, most=_TOKENS),
        unit="tokens",
        help="What a model that thinks writes before its answer; 0 asks for none.",
        default=None,
        unset="the least the model offers where somebody waits, else by its kind",
    ),
    Key(
        name="lengths",
        group="requests",
        kind=Name(names=lambda: ("varied", "fixed")),
        help="Whether targets are judged for prompts of uneven length, or each has the mean one.",
        default="varied",
    ),
    Key(
        name="prompt_p95",
        group="requests",
        kind=Number(least=1, most=100),
        help="95th percentile of prompt lengths over their mean.",
        default=3.4,
    ),
    Key(
        name="ttft_ms",
        group="targets",
        kind=_MILLISECONDS,
        unit="milliseconds",
        help="Target: time to first token, 95th percentile.",
        default=None,
        unset="no target",
    ),
    Key(
        name="first_answer_ms",
        group="targets",
        kind=_MILLISECONDS,
        unit="milliseconds",
        help="Target: time to the first token of the answer, after what the model thinks, 95th percentile.",
        default=None,
        unset="no target",
    ),
    Key(
        name="ttft_kind",
        group="targets",
        kind=Name(names=lambda: ("auto", "warm", "cold")),
        help="First token that the target means: of a conversation that goes on (warm; auto too), or of a new one.",
        default="auto",
    ),
    Key(
        name="tpot_ms",
        group="targets",
        kind=_MILLISECONDS,
        unit="milliseconds",
        help="Target: time per output token, 95th percentile.",
        default=None,
        unset="no target",
    ),
    Key(
        name="model",
        group="model",
        kind=Text(like="the name of a model, a folder or a .gguf file", example="Qwen/Qwen3-8B"),
        metavar="HF_ID|OLLAMA_TAG|FILE.gguf|FOLDER",
        help="Model to serve; where none is named, the advisor picks one.",
        default=None,
        unset="the advisor picks one",
    ),
    Key(
        name="revision",
        group="model",
        kind=Text(
            like="a commit, tag or branch of the model's repository on the Hub, REPOSITORY=REVISION of each that is "
            "loaded, or none",
            most=1000,
            objection=registries.no_revision,
            example="main",
        ),
        metavar="REVISION",
        help="Commit, tag or branch of the repository that is named as model; no other form of it is planned then.",
        default=None,
        unset="where main points to when the files are written, or first fetched",
    ),
    Key(
        name="task",
        group="model",
        kind=Name(names=registries.tasks),
        metavar="chat|code|rag|agent|batch|embed|...",
        help="What it is for: the profile where none is named, and the models to pick from.",
    ),
    Key(
        name="quantization",
        group="model",
        kind=Text(
            like="auto or a weights format of `advisor catalog formats`",
            most=80,
            objection=registries.unknown_format,
            example="auto",
        ),
        metavar="NAME|auto",
        help="Weights format (see `advisor catalog formats`).",
        default="auto",
    ),
    Key(
        name="kind",
        group="model",
        kind=Name(names=lambda: get_args(Kind)),
        help="What is asked of the model: text, vectors, or scores of passages.",
        default="generate",
        option=False,
    ),
    Key(
        name="engine",
        group="service",
        kind=Name(names=registries.engines),
        help="Both: the simpler engine for the desk, the one that batches for production.",
        default="auto",
    ),
    Key(
        name="engine_version",
        group="service",
        kind=Text(
            like="an engine and its version, as ENGINE=0.19.0 or ENGINE=pinned",
            most=80,
            objection=registries.unknown_version,
        ),
        metavar="ENGINE=VERSION",
        help="Plan for this version of an engine, or for `pinned`: ENGINE=0.19.0.",
        default=None,
        unset="what is installed here, else the pinned one",
    ),
    Key(
        name="own_server",
        group="service",
        kind=Flag(),
        help="Start a server of its own, although one that could be used runs here.",
        default=False,
    ),
    Key(
        name="production",
        group="service",
        kind=Flag(),
        help="Others depend on it: metrics, drain, a key.",
        default=False,
    ),
    Key(name="exposed", group="service", kind=Flag(), help="Answer on more than loopback.", default=False),
    Key(
        name="host",
        group="service",
        kind=Text(
            like="the name of a host, such as llm.example.org",
            most=253,
            objection=registries.no_host,
            example="llm.example.org",
        ),
        metavar="NAME",
        help="The name under which others reach it, by HTTPS; it is exposed then.",
        default=None,
        unset="plain HTTP, on which keys travel in the clear",
    ),
    Key(name="tools", group="service", kind=Flag(), help="The clients call tools.", default=False),
    Key(
        name="offline",
        group="service",
        kind=Flag(),
        help="Nothing is looked up on the network while planning.",
        default=False,
    ),
    Key(
        name="download_rate",
        group="service",
        kind=Text(
            like='a rate such as "100 Mbit/s", "1 Gbit/s" or "12 MB/s"',
            most=40,
            objection=registries.unknown_rate,
            example="100 Mbit/s",
        ),
        help="How fast weights come over the line here.",
        default=None,
        unset="200 Mbit/s are assumed, and said so",
    ),
    Key(
        name="air_gapped",
        group="service",
        kind=Flag(),
        help="The deployment never reaches out: images, weights and programs are carried to it.",
        default=False,
    ),
    Key(
        name="parts",
        group="service",
        kind=Names(alone=("auto", "all", "none"), names=registries.parts),
        help="What to write around the engine, e.g. gateway,systemd.",
        default="auto",
    ),
    Key(
        name="run",
        group="service",
        kind=Names(alone=("auto", "all"), names=registries.ways, also=(("docker", "compose"), ("k8s", "kubernetes"))),
        metavar="compose|native|systemd|podman|kubernetes",
        help="The way to run it; the files are those of this one way.",
        default="auto",
    ),
    Key(
        name="allow_offload",
        group="machines",
        kind=Flag(),
        help="Part of the weights may run on the CPU.",
        default=False,
    ),
    Key(
        name="beside",
        group="machines",
        kind=Text(
            like="none, or models for vectors or scores with commas between them",
            objection=registries.no_helper,
            example="bge-m3",
        ),
        metavar="MODEL[,MODEL]|none",
        help="Models for vectors or scores that run beside it on the same machine, e.g. bge-m3.",
        default=None,
        unset="nothing runs beside it",
        word="with",
    ),
    Key(
        name="reserve",
        group="machines",
        kind=Size(most=1 << 50),
        unit="bytes",
        help="Memory of every card that stays free for others, e.g. 4GiB.",
        default=0,
    ),
    Key(
        name="nodes",
        group="machines",
        kind=Whole(least=1, most=MOST_NODES),
        unit="machines",
        help="Machines like this one; a second is used only where one is not enough.",
        default=None,
        unset="as many as the hardware says",
    ),
    Key(
        name="node_link",
        group="machines",
        kind=Text(
            like='a network with its speed, such as "25GbE", "200G RoCE" or "400G IB"',
            most=80,
            objection=registries.unknown_network,
            example="100GbE",
        ),
        help='The network between them, e.g. "100GbE" or "400G IB".',
        default=None,
        unset="assumed, and said so",
    ),
)
OF_WORKLOAD: Mapping[str, Key] = {key.name: key for key in KEYS}
OF_PROFILE: Mapping[str, Key] = {TITLE.name: TITLE, **OF_WORKLOAD}


def json_schema() -> dict[str, Any]:
    """JSON Schema of a workload profile, in plain data."""
    return {
        "$schema": JSON_SCHEMA,
        "title": "Workload profile",
        "type": "object",
        "properties": {name: _property(key) for name, key in OF_PROFILE.items()},
        "required": [name for name, key in OF_PROFILE.items() if key.default is REQUIRED],
        "additionalProperties": False,
    }


def _property(key: Key) -> dict[str, Any]:
    said = {"description": f"{key.help} Unit: {key.unit}." if key.unit else key.help, **key.kind.schema()}
    if key.default is None:
        said["type"] = [said["type"], "null"]
    return said if key.default is REQUIRED else {**said, "default": key.default}
