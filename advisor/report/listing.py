"""What `advisor catalog` shows: per kind the full entries, and a few columns of each for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from advisor.catalog import constants, cpus, engine_limits, engine_names, formats, gpus, models, sources
from advisor.units import GB, GIB, TERA

Row = tuple[str, ...]


class Listing(NamedTuple):
    """Titles, one row of text per entry, and the entries themselves in the same order."""

    titles: Row
    rows: Sequence[Row]
    entries: Sequence[Any]


def listing(kind: str, search: str = "") -> Listing:
    """Entries of one kind whose names, columns or tags hold every word of `search`, in any case."""
    titles, entries, row = _KINDS[kind]()
    words = search.lower().split()
    shown = [(row(entry), entry) for entry in entries]
    kept = [pair for pair in shown if all(word in _text(*pair) for word in words)]
    return Listing(titles, [cells for cells, _ in kept], [entry for _, entry in kept])


def kinds() -> tuple[str, ...]:
    """What can be listed."""
    return tuple(_KINDS)


def _text(cells: Row, entry: Any) -> str:
    """What a person could search for, in lower case: what is shown, and the other names of the entry."""
    other = [getattr(entry, key, "") for key in ("id", "family", "match", "tags", "aliases", "architecture")]
    return " ".join([*cells, *(" ".join(item) if isinstance(item, tuple) else item for item in other)]).lower()


def _gpus() -> tuple[Row, Sequence[Any], Callable[[Any], Row]]:
    engines = engine_names()
    by_engine = (engine_limits(name).title for name in engines)
    return (
        ("name", "memory", "bandwidth", "16-bit", "capability", *by_engine, "USD/h", "confidence"),
        gpus(),
        lambda gpu: (
            gpu.name,
            _memory(gpu),
            _maybe(gpu.bandwidth_bytes_per_s, GB, "GB/s"),
            _maybe(gpu.dense_flops.get("bf16") or gpu.dense_flops.get("fp16"), TERA, "TFLOPS"),
            gpu.compute_capability or "-",
            *(gpu.supported.get(engine, "-") for engine in engines),
            f"{gpu.usd_per_hour:g}" if gpu.usd_per_hour else "-",
            gpu.confidence,
        ),
    )


def _memory(gpu: Any) -> str:
    """One size in GiB, or the sizes on sale."""
    if gpu.memory_options_bytes:
        return "/".join(f"{size / GIB:g}" for size in gpu.memory_options_bytes) + " GB"
    return f"{gpu.memory_bytes / GIB:.1f} GiB" if gpu.memory_bytes else "shared"


def _maybe(value: float | None, unit: float, name: str) -> str:
    return f"{value / unit:,.0f} {name}" if value else "-"


def _models() -> tuple[Row, Sequence[Any], Callable[[Any], Row]]:
    titles = ("Hub id", "parameters", "active", "context", "KV KiB/token", "Ollama tag", "licence", "release")
    return (
        titles,
        models(),
        lambda model: (
            model.hf_id,
            f"{model.parameters / GB:,.2f} B",
            f"{model.active_parameters / GB:,.2f} B" if model.active_parameters else "-",
            f"{model.context_trained:,}",
            f"{_kv_bytes(model) / 1024:,.1f}",
            model.ollama_tag or "-",
            model.licence or "-",
            model.release or "-",
        ),
    )


def _kv_bytes(model: Any) -> float:
    """At 16 bit, below every window."""
    from advisor.physics.memory.kv import kv_bytes_per_token

    return kv_bytes_per_token(model, 2.0)


def _engines() -> tuple[Row, Sequence[Any], Callable[[Any], Row]]:
    titles = (
        "engine",
        "version",
        "platforms",
        "CUDA capability",
        "NVIDIA driver",
        "weights",
        "tensor parallel",
    )
    entries = [engine_limits(name) for name in engine_names()]
    return (
        titles,
        entries,
        lambda engine: (
            engine.title,
            engine.version,
            ", ".join(engine.platforms),
            f">= {engine.min_cuda_capability}",
            f">= {engine.min_nvidia_driver}",
            ", ".join(engine.weight_kinds),
            "yes" if engine.tensor_parallel else "no",
        ),
    )


def _rules() -> tuple[Row, Sequence[Any], Callable[[Any], Row]]:
    entries = [{"id": key, **entry} for key, entry in constants("rules").items()]
    titles = ("rule", "severity", "title", "source")
    return titles, entries, lambda rule: (rule["id"], rule["severity"], rule["title"], rule["source"])


def _formats() -> tuple[Row, Sequence[Any], Callable[[Any], Row]]:
    titles = ("format", "title", "bits", "engines", "quality", "also called")
    return (
        titles,
        list(formats().values()),
        lambda fmt: (
            fmt.name,
            fmt.title,
            f"{fmt.linear_bits:g}",
            ", ".join(fmt.engines),
            fmt.quality_tier,
            ", ".join(fmt.aliases[:4]),
        ),
    )


def _cpus() -> tuple[Row, Sequence[Any], Callable[[Any], Row]]:
    titles = ("processor", "memory", "channels", "bandwidth", "vector units", "confidence")
    return (
        titles,
        cpus(),
        lambda cpu: (
            cpu.name,
            cpu.memory_type,
            str(cpu.channels),
            _maybe(cpu.bandwidth_bytes_per_s, GB, "GB/s"),
            cpu.architecture,
            cpu.confidence,
        ),
    )


def _sources() -> tuple[Row, Sequence[Any], Callable[[Any], Row]]:
    from advisor.wire import to_data

    entries = [{"key": key, **to_data(source)} for key, source in sources().items()]
    return (
        ("source", "title", "licence", "url"),
        entries,
        lambda source: (
            source["key"],
            source["title"],
            source["licence"],
            source["url"],
        ),
    )


_KINDS: Mapping[str, Callable[[], tuple[Row, Sequence[Any], Callable[[Any], Row]]]] = {
    "gpus": _gpus,
    "models": _models,
    "engines": _engines,
    "rules": _rules,
    "formats": _formats,
    "cpus": _cpus,
    "sources": _sources,
}
