"""One request of each kind: plain, streamed, the longest planned, one over it, a tool call; then what is in force."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from advisor.edge.reading import parse_json
from advisor.errors import BadInput
from advisor.smoke.job import Failed, Job, Skipped, Stopwatch
from advisor.smoke.load.client import Answer, ask
from advisor.smoke.load.events import at, mappings, tokens_of
from advisor.smoke.load.generator import calibrate
from advisor.smoke.load.http import Broken, fetch, fetch_json
from advisor.smoke.load.prompts import Scale, salad
from advisor.units import count, gib, ms

_ANSWER_TOKENS = 8
_LONG_TIMEOUT_S = 900.0
_CAPITAL = "Paris is the capital of France."
_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tell the weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


async def chat(job: Job) -> str:
    """One whole chat completion."""
    only_text(job)
    server = job.ready
    body = server.body("Say hello.", 16, stream=False)
    status, reply = await _post(job, server.path, body)
    message, (read, wrote) = at(reply, "choices", 0, "message"), tokens_of(at(reply, "usage") or {})
    if status != 200 or not isinstance(message, dict) or not wrote:
        raise Failed(f"answered {status} with {json.dumps(reply)[:300]}")
    said = message.get("content") or message.get("reasoning") or ""
    return f"{read} tokens in, {wrote} out: {str(said).strip()[:40]!r}"


async def streamed(job: Job) -> str:
    """One answer token by token; from here on prompts can be measured."""
    only_text(job)
    job.scale = await calibrate(job.ready, job.options.seed)
    answer = _good(await ask(job.ready, salad(16, f"{job.options.seed}/stream"), 32))
    if len(answer.arrivals_s) < 2 <= answer.output_tokens:
        raise Failed(f"{answer.output_tokens} tokens came in one piece: something between buffers the stream")
    return (
        f"first token after {ms(answer.ttft_s or 0)}, {answer.output_tokens} tokens in {len(answer.arrivals_s)} pieces"
    )


async def longest(job: Job) -> str:
    """A request that fills the planned context is answered, and its prompt is not shortened."""
    only_text(job)
    context = job.plan.estimate.candidate.context_tokens
    wanted = context - _ANSWER_TOKENS - max(8, context // 100)  # random words are counted to a percent
    answer = _good(await ask(job.ready, long_prompt(job, wanted, "long"), _ANSWER_TOKENS, timeout_s=_LONG_TIMEOUT_S))
    if answer.input_tokens < 0.95 * wanted:
        raise Failed(f"{count(wanted)} tokens were sent, {count(answer.input_tokens)} were read: the prompt was cut")
    said = "answered with the end at once" if answer.ttft_s is None else f"first token after {ms(answer.ttft_s)}"
    return f"{count(answer.input_tokens)} of {count(context)} tokens, {said}"


async def beyond(job: Job) -> str:
    """One over the context gets a clear error, and the server lives on."""
    only_text(job)
    context = job.plan.estimate.candidate.context_tokens
    prompt = long_prompt(job, context + context // 10 + 64, "beyond")
    answer = await ask(job.ready, prompt, _ANSWER_TOKENS, timeout_s=_LONG_TIMEOUT_S)
    alive = await ask(job.ready, salad(8, f"{job.options.seed}/alive"), 2)
    if alive.error is not None:
        raise Failed(f"after a prompt of over {count(context)} tokens the server does not answer: {alive.detail}")
    if answer.error is None:
        said = f"read {count(answer.input_tokens)} tokens of more than {count(context)}, without an error"
        if not job.observer.CUTS_LONG_PROMPTS:
            raise Failed(said)
        return f"{said} (this engine shortens long prompts); the server lives"
    if not any(key in answer.detail.lower() for key in job.observer.CONTEXT_KEYS):
        raise Failed(f"the error does not say that the prompt is too long: {answer.detail}")
    return f"{answer.error}, the server lives: {answer.detail.partition(': ')[2][:120]}"


async def tools(job: Job) -> str:
    """A tool call where the plan's clients make them: well-formed if one comes, and accepted in any case."""
    if not job.plan.workload.tools:
        raise Skipped("the plan's clients call no tools")
    server = job.ready
    body = {**server.body("What is the weather in Paris? Use the tool.", 128, stream=False), "tools": [_TOOL]}
    body.pop("ignore_eos", None)
    status, reply = await _post(job, server.path, body)
    if status != 200:
        raise Failed(f"a request with tools is answered {status}: {json.dumps(reply)[:200]}")
    message = at(reply, "choices", 0, "message")
    calls = at(message, "tool_calls") or []
    if not isinstance(message, dict) or not isinstance(calls, list):
        raise Failed(f"a request with tools is answered with {json.dumps(reply)[:200]}")
    for call in calls:
        try:
            parse_json(at(call, "function", "arguments"), "arguments")
        except (BadInput, TypeError):
            raise Failed(f"a tool call cannot be read: {json.dumps(call)[:200]}") from None
    return f"{len(calls)} call(s), well-formed" if calls else "accepted; the model chose to answer in words"


async def settings(job: Job) -> str:
    """What is in force is what was planned: KV tokens, slots, context."""
    metrics = await scrape(job)
    log = await asyncio.to_thread(job.runner.log)
    found = job.observer.effective(log, metrics)
    job.effective = found
    candidate, memory = job.plan.estimate.candidate, job.plan.estimate.memory
    wrong = []
    if found.slots is not None and found.slots != candidate.max_in_flight:
        wrong.append(f"{found.slots} slot(s) are in force, {candidate.max_in_flight} were planned")
    if found.context_tokens is not None and found.context_tokens < candidate.context_tokens:
        wrong.append(f"{found.context_tokens} tokens a request are in force, {candidate.context_tokens} were planned")
    if found.kv_tokens is not None and found.kv_tokens < 0.9 * memory.kv_tokens:
        wrong.append(f"{count(found.kv_tokens)} tokens of KV cache are there, {count(memory.kv_tokens)} were planned")
    answering = await asyncio.to_thread(job.observer.running, job.plan.launch.port)
    loaded = next((model for model in answering.models if model.loaded_bytes), None) if answering else None
    if loaded and loaded.context_tokens is not None and loaded.context_tokens < candidate.context_tokens:
        wrong.append(f"loaded with {loaded.context_tokens} tokens, {candidate.context_tokens} were planned")
    if wrong:
        raise Failed("; ".join(wrong))
    said = [
        text
        for number, text in (
            (found.slots, f"{found.slots} slots"),
            (found.context_tokens, f"{count(found.context_tokens or 0)} tokens a request"),
            (found.kv_tokens, f"{count(found.kv_tokens or 0)} tokens of KV cache"),
        )
        if number is not None
    ]
    if not said:
        raise Skipped("the engine does not tell its settings")
    if loaded:
        said.append(f"{gib(loaded.loaded_bytes or 0)} loaded, {gib(loaded.gpu_bytes or 0)} of it on accelerators")
    return ", ".join(said) + f" (from {found.seen_in})"


async def embedding(job: Job) -> str:
    """One vector, for a model that makes vectors."""
    if job.plan.workload.kind != "embed":
        raise Skipped("the plan serves no vectors")
    body = {"model": job.ready.model, "input": ["a short sentence", "another one"]}
    status, reply = await _post(job, "/v1/embeddings", body)
    rows = mappings(at(reply, "data"))
    vector = rows[0].get("embedding") if len(rows) == 2 else None
    if status != 200 or not vector or not isinstance(vector, list):
        raise Failed(f"answered {status} with {json.dumps(reply)[:200]}")
    return f"2 vectors of {len(vector)} numbers"


async def ranking(job: Job) -> str:
    """As many passages as planned are ranked for one question, the one that answers it first."""
    if job.plan.workload.kind != "rerank":
        raise Skipped("the plan ranks no passages")
    others = [f"The train on platform {number} is late." for number in range(job.plan.workload.passages)]
    body = {"model": job.ready.model, "query": "What is the capital of France?", "documents": [*others, _CAPITAL]}
    watch = Stopwatch()
    status, reply = await _post(job, "/v1/rerank", body)
    took = watch.seconds
    rows = mappings(at(reply, "results"))
    scores = [score for row in rows if isinstance(score := row.get("relevance_score"), int | float)]
    if status != 200 or len(scores) != len(others) + 1:
        raise Failed(f"answered {status} with {json.dumps(reply)[:200]}")
    first = rows[scores.index(max(scores))].get("index")
    if first != len(others):
        raise Failed(f"passage {first} is ranked first, and number {len(others)} holds the answer: its prompt is wrong")
    return f"{count(len(scores))} passages ranked in {ms(took)}, the one with the answer first"


async def scrape(job: Job) -> str:
    """The metrics page; "" where the engine has none or it does not answer."""
    if job.observer.METRICS_PATH is None:
        return ""
    try:
        status, text = await fetch("GET", job.ready.url(job.observer.METRICS_PATH), headers=job.ready.headers)
    except Broken:
        return ""
    return text if status == 200 else ""


def long_prompt(job: Job, tokens: int, name: str) -> str:
    """A prompt of about that many tokens."""
    scale = job.scale or Scale(fixed=0, per_word=1)
    return salad(scale.words(tokens), f"{job.options.seed}/{name}")


def only_text(job: Job) -> None:
    """Leave the step out for a model that makes vectors or scores."""
    if job.plan.workload.pooled:
        raise Skipped("the plan writes no text")


def _good(answer: Answer) -> Answer:
    if answer.error is not None:
        raise Failed(answer.detail)
    return answer


async def _post(job: Job, path: str, body: Any) -> tuple[int, Any]:
    try:
        return await fetch_json("POST", job.ready.url(path), body, job.ready.headers, timeout_s=300.0)
    except Broken as error:
        raise Failed(str(error)) from error
