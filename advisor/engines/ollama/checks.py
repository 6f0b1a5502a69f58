"""Checklist lines of Ollama, and what only a running server shows."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.catalog.versions import order
from advisor.engines.ollama.beside import beside_checks
from advisor.engines.ollama.host import prompt_cache_bytes
from advisor.engines.ollama.launch import PROMPT_CACHE_BYTES
from advisor.engines.ways import logs, ways_of
from advisor.quoting import shell
from advisor.schema import Check, Plan
from advisor.units import MIB, count, gib

LOG = "{ docker compose logs engine 2>/dev/null; cat state/engine.log 2>/dev/null; }"


def checks(plan: Plan) -> tuple[Check, ...]:
    """Before the start: the weights. After it: served name, slots, processor, and how the API differs."""
    return (*_before(plan), *_after(plan), *beside_checks(plan))


def tells_slots(version: str) -> bool:
    """Whether its log is that of a llama-server, since 0.30."""
    return (order(version) or ()) >= (0, 30)


def manifest_url(tag: str) -> str:
    """Where the library answers whether a tag exists: `qwen2.5:7b` → .../v2/library/qwen2.5/manifests/7b."""
    name, _, version = tag.rpartition(":") if ":" in tag.rsplit("/", 1)[-1] else (tag, "", "latest")
    path = name if "/" in name else f"library/{name}"
    return f"https://registry.ollama.ai/v2/{path}/manifests/{version}"


def _before(plan: Plan) -> Iterator[Check]:
    if plan.model.path:
        yield Check(
            id="weights",
            fact="The model file is here and everybody may read it; Ollama copies it into its store",
            command=f'[ -n "$(find -L {shell(plan.model.path)} -type f -perm -o=r)" ]',
            expect="no output",
            otherwise=f"chmod o+r {shell(plan.model.path)}",
        )
    elif plan.workload.air_gapped:
        yield Check(
            id="weights",
            fact=f"The plan is offline, so {plan.launch.model_ref} is in the store already",
            command=f"ollama show {shell(plan.launch.model_ref)} >/dev/null",
            expect="no output (asks a running server)",
            otherwise=f"with a network: ollama pull {shell(plan.launch.model_ref)}; then copy the store",
        )
    else:
        yield Check(
            id="model-access",
            fact=f"The library has {plan.launch.model_ref}",
            command=f"curl -fsS -o /dev/null {shell(manifest_url(plan.launch.model_ref))}",
            expect="no output",
            otherwise="tags move: look it up at https://ollama.com/library and set FROM in Modelfile",
        )


def _after(plan: Plan) -> Iterator[Check]:
    name, port = plan.launch.served_name, plan.launch.port
    base = f"http://127.0.0.1:{port}"
    yield Check(
        id="after-model",
        fact=f"After the start: the model is served as {name}",
        command=f"curl -fsS {base}/v1/models | grep -F {shell(name)}",
        expect=name,
        otherwise=f"{logs(plan, 'model' if 'native' not in ways_of(plan) else 'engine')} says why; then start again",
        when="running",
    )
    yield _processor(plan, base)
    if plan.launch.server == "own" and tells_slots(plan.engine_version):
        yield _slots(plan)
    yield from _clients(plan)


def _slots(plan: Plan) -> Check:
    slots, context = plan.estimate.candidate.max_in_flight, count(plan.estimate.candidate.context_tokens)
    return Check(
        id="after-slots",
        fact=f"After the start: {slots} slot(s) of {context} tokens each",
        command=f"slots=$({LOG} | grep -o 'n_slots = [0-9]*' | tail -n 1 | tr -dc 0-9); "
        f'echo "$slots" && [ "$slots" -eq {slots} ]',
        expect=str(slots),
        otherwise="this model family is served one at a time, or the variable did not reach the server",
        when="running",
    )


def _clients(plan: Plan) -> Iterator[Check]:
    yield Check(
        id="sampling",
        fact="Clients set temperature and top_p: without them this API takes 1.0 for both, not the model's own",
        command=None,
        expect="both in the client's code; and max_tokens, because max_completion_tokens is ignored",
        otherwise="add them",
    )
    if plan.workload.tools:
        yield Check(
            id="tool-choice",
            fact="The clients call tools; Ollama ignores tool_choice",
            command=None,
            expect="no client depends on tool_choice",
            otherwise="use vLLM, or let the client check what came back",
        )
    spare = prompt_cache_bytes(plan.estimate.candidate, plan.hardware, plan.model)
    if spare < PROMPT_CACHE_BYTES:
        yield Check(
            id="prompt-cache",
            fact=f"llama-server may keep 8 GiB of prompts in host memory; {gib(spare)} are to spare here",
            command=None,
            expect=f"LLAMA_ARG_CACHE_RAM={spare // MIB} in engine.env (MiB; Ollama passes it on to llama-server)",
            otherwise="watch the host's memory",
        )


def _processor(plan: Plan, base: str) -> Check:
    """Ollama moves layers to the CPU without a word; log and list tell where they are."""
    candidate = plan.estimate.candidate
    fact = "After the start: the model is where the plan puts it"
    otherwise = "memory was short when it was loaded: end other programs, or plan a shorter context"
    if candidate.device == "cpu":
        return Check(
            id="after-processor",
            fact=fact,
            command=f"curl -fsS {base}/api/ps | grep -o '\"size_vram\":0[,}}]'",
            expect='"size_vram":0, which is all on the CPU',
            otherwise="a GPU was found that the plan does not count on: plan again",
            when="running",
        )
    whole = candidate.cpu_layers == 0
    planned = "all layers" if whole else f"all but about {candidate.cpu_layers} of {plan.model.layers} layers"
    return Check(
        id="after-processor",
        fact=fact,
        command=f"found=$({LOG} | grep -o 'offloaded [0-9]*/[0-9]* layers' | tail -n 1); "
        f'echo "$found" && [[ $found =~ ([0-9]+)/([0-9]+) ]] && '
        + ('[ "${BASH_REMATCH[1]}" -eq "${BASH_REMATCH[2]}" ]' if whole else '[ "${BASH_REMATCH[1]}" -gt 0 ]'),
        expect=f"offloaded N/M layers, {planned} on the GPU",
        otherwise=otherwise,
        when="running",
    )
