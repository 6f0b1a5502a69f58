"""Checklist lines of vLLM, and what only a running server shows."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.engines.vllm.beside import beside_checks
from advisor.engines.vllm.needs import CHAT_TEMPLATE, REMOTE_CODE, fetched
from advisor.engines.vllm.speculation import drafts, sequences_left
from advisor.engines.ways import logs
from advisor.quoting import shell
from advisor.schema import Check, Plan
from advisor.units import count


def checks(plan: Plan) -> tuple[Check, ...]:
    """Before the start: weights. After it: health, served name, the KV cache that was there."""
    return (*_before(plan), *_remote_code(plan), *_chat_template(plan), *_after(plan), *beside_checks(plan))


def _before(plan: Plan) -> Iterator[Check]:
    if plan.model.path:
        yield Check(
            id="weights",
            fact="The model's folder is complete, and readable for a container without capabilities",
            command=f"ls {shell(plan.model.path)}/config.json && "
            f'[ -z "$(find -L {shell(plan.model.path)} -type f ! -perm -o=r)" ]',
            expect="config.json, and no unreadable file",
            otherwise=f"chmod -R o+rX {shell(plan.model.path)}",
        )
    elif plan.workload.air_gapped:
        cached = "models--" + plan.launch.model_ref.replace("/", "--")
        pinned = plan.model.revisions.get(plan.launch.model_ref)
        words = [plan.launch.model_ref, *(("--revision", pinned.name) if pinned else ())]
        yield Check(
            id="weights",
            fact="The plan is offline, so the weights are in the cache already",
            command=f'ls "${{HF_HOME:-$HOME/.cache/huggingface}}"/hub/{shell(cached)}/snapshots',
            expect="one folder",
            otherwise=f"with a network: hf download {' '.join(map(shell, words))}; then copy the folder hub/{cached}",
        )


def _remote_code(plan: Plan) -> Iterator[Check]:
    """A person reads what nobody else vouches for."""
    if any(setting.name == REMOTE_CODE for setting in plan.settings):
        yield Check(
            id="remote-code",
            fact=f"Somebody has read the Python files of {plan.launch.model_ref}, and knows their revision",
            why=f"{REMOTE_CODE} runs them with every right of the engine, and a later commit there runs unread",
            command=None,
            expect="no surprise in *.py of the repository; the revision that was read is the one in the cache",
            otherwise="choose a model whose classes vLLM has itself",
        )


def _chat_template(plan: Plan) -> Iterator[Check]:
    """The images bring the file; beside a wheel it must be fetched."""
    argv = plan.launch.argv
    if CHAT_TEMPLATE not in argv:
        return
    path = argv[argv.index(CHAT_TEMPLATE) + 1]
    yield Check(
        id="chat-template",
        fact=f"The template {path} lies in the folder from which the engine is started",
        why="the wheel of vLLM does not hold its examples, and a path that is not there ends the start",
        command=f"ls {shell(path)}",
        expect=path,
        otherwise=fetched(path, plan.engine_version),
        targets=("native", "systemd"),
    )


def _after(plan: Plan) -> Iterator[Check]:
    base = f"http://127.0.0.1:{plan.launch.port}"
    yield Check(
        id="after-health",
        fact="After the start: the server is healthy",
        command=f"curl -fsS -o /dev/null {base}{shell(plan.launch.health_path)}",
        expect="no output",
        otherwise=f"read the log: {logs(plan, 'engine')}",
        when="running",
    )
    yield Check(
        id="after-model",
        fact=f"After the start: the model is served as {plan.launch.served_name}",
        command=f"curl -fsS {base}/v1/models | grep -F {shell(plan.launch.served_name)}",
        expect=plan.launch.served_name,
        otherwise="the log names the model that was loaded",
        when="running",
    )
    planned = _planned_tokens(plan)
    log = "{ docker compose logs engine 2>/dev/null; cat state/engine.log 2>/dev/null; }"
    yield Check(
        id="after-kv",
        fact=f"After the start: about {count(planned)} tokens of KV cache were planned",
        command=f"kv=$({log} | grep -o '[CG]PU KV cache size: [0-9,]* tokens' | tail -n 1 | tr -dc 0-9); "
        f'echo "$kv" && [ "$kv" -ge {planned * 9 // 10} ]',
        expect=f"{planned}, or at most a tenth less",
        otherwise="other programs hold memory, or its buffers are larger here; plan with what it says",
        when="running",
    )


def _planned_tokens(plan: Plan) -> int:
    """The KV cache that the start logs: without what drafts take of it."""
    found = drafts(plan.estimate, plan.workload, plan.model)
    if found is None:
        return plan.estimate.memory.kv_tokens
    return int(sequences_left(plan.estimate, plan.model, found) * plan.estimate.candidate.context_tokens)
