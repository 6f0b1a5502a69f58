"""vLLM judges argument lists: its parser, its checks after parsing, its whole configuration, for all plans at once.

Run by vLLM's own Python, as a file. In: JSON {"platform": "cuda" or "cpu", "tokenizer": path, "cases": [...]}, a case
being {"id", "argv", "env", "config" (a config.json, or null: parser only), "card"}. Out: JSON {"asked": the answer of
advisor/refresh/vllm_parser.py, "results": [{"id", "problems", "reached", "settled", "warnings"}]}.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

# Found beside this file, and where `advisor.refresh.vllm_running.ask` points: this Python knows no advisor.
pretended_card = importlib.import_module("pretended_card")
vllm_parser = importlib.import_module("vllm_parser")

# What reasoning parsers look for in a model's vocabulary.
MARKS = ("<think>", "</think>", "<|channel|>", "<|start|>", "<|end|>", "<|message|>")


def main() -> None:
    """Read the cases, judge each in a process of its own (vLLM remembers much), write the answer."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    asked = json.load(sys.stdin)
    card = pretended_card.install() if asked["platform"] == "cuda" else None
    parsers = vllm_parser.command_parser()
    importlib.import_module("vllm.engine.arg_utils")
    for case in asked["cases"]:
        _preload(case)
    results = [_apart(case, asked, parsers, card) for case in asked["cases"]]
    json.dump({"asked": vllm_parser.answer(parsers[1]), "results": results}, out)
    out.flush()


def _preload(case: dict[str, Any]) -> None:
    """Read the class of the case's model once, before the processes part."""
    models = importlib.import_module("vllm.model_executor.models.registry")
    for name in (case["config"] or {}).get("architectures", ()):
        entry = models.ModelRegistry.models.get(name)
        if entry is not None:
            importlib.import_module(entry.module_name)


def _apart(case: dict[str, Any], asked: dict[str, Any], parsers: Any, card: Any) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said: dict[str, Any] = {"id": case["id"], "problems": [], "reached": "", "settled": {}, "warnings": []}
        try:
            _judge(case, asked, parsers, card, said)
        except BaseException as problem:  # noqa: BLE001 - whatever vLLM throws, its exit included, is its judgement
            said["problems"].append(f"{type(problem).__name__}: {problem}")
        with os.fdopen(writing, "w", encoding="utf-8") as pipe:
            json.dump(said, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else {"id": case["id"], "problems": ["vLLM died"], "reached": "", "warnings": []}


def _collect(warnings: list[str]) -> None:
    """Keep what vLLM warns of. It configures its loggers anew on the way: handlers would be lost."""
    make = logging.getLogRecordFactory()

    def factory(*args: Any, **named: Any) -> logging.LogRecord:
        record = make(*args, **named)
        if record.levelno >= logging.WARNING and record.name.startswith("vllm"):
            warnings.append(record.getMessage())
        return record

    logging.setLogRecordFactory(factory)


def _judge(case: dict[str, Any], asked: dict[str, Any], parsers: Any, card: Any, said: dict[str, Any]) -> None:
    top, serve, command = parsers
    _collect(said["warnings"])
    _environment(case["env"], said)
    said["problems"] += [
        f"no such option: {word}"
        for word in case["argv"]
        if word.startswith("--") and word.split("=")[0] not in serve._option_string_actions
    ]
    arguments = top.parse_args(["serve", *case["argv"]])
    said["reached"] = "parsed"
    command.validate(arguments)
    _registries(arguments, said)
    said["reached"] = "validated"
    if case["config"] is None:
        return
    if card is not None:
        card.facts = case["card"]
    with tempfile.TemporaryDirectory() as folder:
        _model(Path(folder), case["config"], asked["tokenizer"])
        arguments.model = arguments.model_tag = folder
        _configure(arguments, said)
    said["reached"] = "configured"


def _environment(variables: dict[str, str], said: dict[str, Any]) -> None:
    """vLLM's own variables must be in its list, and their values must be readable."""
    known = importlib.import_module("vllm.envs").environment_variables
    for name, value in variables.items():
        if name.startswith("VLLM_") and name not in known:
            said["problems"].append(f"no such variable: {name}")
        if not name.endswith("VISIBLE_DEVICES"):
            os.environ[name] = value
        if name in known:
            said["settled"][name] = str(known[name]())


def _registries(arguments: Any, said: dict[str, Any]) -> None:
    """The names of parsers are only looked up when the server is up: look now."""
    tools = importlib.import_module("vllm.tool_parsers").ToolParserManager.list_registered()
    thoughts = importlib.import_module("vllm.reasoning").ReasoningParserManager.list_registered()
    if arguments.tool_call_parser and arguments.tool_call_parser not in tools:
        said["problems"].append(f"no such tool parser: {arguments.tool_call_parser}")
    reasoning = getattr(arguments, "reasoning_parser", "")
    if reasoning and reasoning not in thoughts:
        said["problems"].append(f"no such reasoning parser: {reasoning}")


def _model(folder: Path, config: dict[str, Any], tokenizer: str) -> None:
    """A model folder without weights: the configuration, and any tokenizer that has the marks of thinking."""
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    if tokenizer:
        for path in Path(tokenizer).glob("tokenizer*"):
            shutil.copy(path, folder)
        transformers = importlib.import_module("transformers")
        loaded = transformers.AutoTokenizer.from_pretrained(folder)
        loaded.add_tokens(list(MARKS), special_tokens=True)
        loaded.save_pretrained(folder)


def _configure(arguments: Any, said: dict[str, Any]) -> None:
    """EngineArgs, then the whole VllmConfig: what `vllm serve` does before it starts its engine process."""
    engine = importlib.import_module("vllm.engine.arg_utils").AsyncEngineArgs.from_cli_args(arguments)
    usage = importlib.import_module("vllm.usage.usage_lib").UsageContext.OPENAI_API_SERVER
    config = engine.create_engine_config(usage_context=usage)
    model, scheduler = config.model_config, config.scheduler_config
    said["settled"] |= {
        "--dtype": str(model.dtype).removeprefix("torch."),
        "--quantization": model.quantization,
        "--kv-cache-dtype": config.cache_config.cache_dtype,
        "--max-model-len": model.max_model_len,
        "--max-num-seqs": scheduler.max_num_seqs,
        "--max-num-batched-tokens": scheduler.max_num_batched_tokens,
        "--tensor-parallel-size": config.parallel_config.tensor_parallel_size,
        "--pipeline-parallel-size": config.parallel_config.pipeline_parallel_size,
        "--enable-prefix-caching": config.cache_config.enable_prefix_caching,
        "runner": model.runner_type,
    }


if __name__ == "__main__":
    main()
