"""Checklist lines of vLLM, and what only a running server shows."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.quoting import shell
from advisor.schema import Check, Plan
from advisor.units import count


def checks(plan: Plan) -> tuple[Check, ...]:
    """Before the start: key and weights. After it: health, the served name, the KV cache that was really there."""
    return (*_before(plan), *_after(plan))


def _before(plan: Plan) -> Iterator[Check]:
    if plan.workload.exposed:
        yield Check(
            id="key",
            fact="Others reach the port, so a key is set (it guards /v1 only; /metrics and /invocations stay open)",
            command="grep -Eq '^VLLM_API_KEY=.{16,}' .env",
            expect="no output",
            otherwise="put VLLM_API_KEY=$(openssl rand -hex 24) into .env, and let a proxy pass only /v1",
        )
    if plan.model.path:
        yield Check(
            id="weights",
            fact="The model's folder is complete and everybody may read it (the container has no capabilities)",
            command=f"ls {shell(plan.model.path)}/config.json && "
            f"[ -z \"$(find -L {shell(plan.model.path)} -type f ! -perm -o=r)\" ]",
            expect="config.json, and no unreadable file",
            otherwise=f"chmod -R o+rX {shell(plan.model.path)}",
        )
    elif plan.workload.offline:
        cached = "models--" + plan.launch.model_ref.replace("/", "--")
        yield Check(
            id="weights",
            fact="The plan is offline, so the weights are in the cache already",
            command=f"ls \"${{HF_HOME:-$HOME/.cache/huggingface}}\"/hub/{shell(cached)}/snapshots",
            expect="one folder",
            otherwise="with a network: hf download " + plan.launch.model_ref + "; then copy the folder hub/" + cached,
        )


def _after(plan: Plan) -> Iterator[Check]:
    base = f"http://127.0.0.1:{plan.launch.port}"
    auth = ' -H "Authorization: Bearer ${VLLM_API_KEY:-}"'
    load = "[ ! -e .env ] || . ./.env; "
    yield Check(
        id="after-health",
        fact="After the start: the server is healthy",
        command=f"curl -fsS -o /dev/null {base}{plan.launch.health_path}",
        expect="no output",
        otherwise="read the log: docker compose logs engine, or state/engine.log",
    )
    yield Check(
        id="after-model",
        fact=f"After the start: the model is served as {plan.launch.served_name}",
        command=f"{load}curl -fsS{auth} {base}/v1/models | grep -F {shell(plan.launch.served_name)}",
        expect=plan.launch.served_name,
        otherwise="the log names the model that was loaded",
    )
    yield Check(
        id="after-kv",
        fact=f"After the start: about {count(plan.estimate.memory.kv_tokens)} tokens of KV cache were planned",
        command="{ docker compose logs engine 2>/dev/null; cat state/engine.log 2>/dev/null; } | "
        "grep -o 'GPU KV cache size: [0-9,]* tokens' | tail -n 1 | grep .",
        expect=f"within a tenth of {count(plan.estimate.memory.kv_tokens)}",
        otherwise="less: other programs hold memory, or the engine's own buffers are larger here; plan again with what it says",
    )
