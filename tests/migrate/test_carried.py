"""What a model brings along is carried over, or named as what clients must do: nothing goes silently."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2.sandbox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.catalog import constants
from advisor.migrate.carried import Carried, carried_to_ollama, carried_to_vllm
from advisor.migrate.found import FoundModel
from advisor.migrate.mapping import Mapped, map_model
from advisor.migrate.prompting import with_system
from advisor.migrate.rows import Row

CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 576, "intermediate_size": 1536,
    "num_attention_heads": 9, "num_key_value_heads": 3, "num_hidden_layers": 30, "vocab_size": 49152,
    "max_position_embeddings": 8192, "tie_word_embeddings": True, "torch_dtype": "bfloat16", "eos_token_id": [2, 7],
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint's folder with a chat template and two tokens that end a turn."""
    added = [{"id": 2, "content": "<|im_end|>"}, {"id": 7, "content": "<|eot|>"}, {"id": 1, "content": "<|im_start|>"}]
    texts = {
        "config.json": json.dumps(CONFIG), "tokenizer.json": json.dumps({"added_tokens": added}),
        "tokenizer_config.json": json.dumps({"chat_template": CHATML}),
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def model(**facts: Any) -> FoundModel:
    """One of an Ollama."""
    return FoundModel(name="own", **facts)


def of(found: FoundModel, said: object) -> Carried:
    """What is carried to a checkpoint that the user names."""
    return carried_to_vllm(map_model(found, {"own": str(said)}, offline=True))


def row(found: Carried, what: str) -> Row:
    """The row of one thing."""
    return next(each for each in found.rows if each.what == what)


def rendered(template: str, *messages: dict[str, str]) -> str:
    """As Transformers renders it."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(messages=list(messages), add_generation_prompt=True)


HELLO = {"role": "user", "content": "hello"}


@given(st.text(max_size=200))
def test_a_system_prompt_stands_before_every_chat(system: str) -> None:
    """Whatever it holds, a chat without a system message has it as its first one, and one that has one keeps its own."""
    template = with_system(CHATML, system)
    assert rendered(template, HELLO) == rendered(CHATML, {"role": "system", "content": system}, HELLO)
    own = {"role": "system", "content": "mine"}
    assert rendered(template, own, HELLO) == rendered(CHATML, own, HELLO)


@pytest.mark.parametrize("system", ["{{ 7 * 7 }} {% raw %} {# x #}", 'a "b" \\n \' </s>', "ä\u2028\U0001f600\n\n"])
def test_a_system_prompt_is_text_and_no_template(system: str) -> None:
    """What looks like Jinja in it is said, not run."""
    assert rendered(with_system(CHATML, system), HELLO).count(system) == 1


def test_parameters_become_generation_defaults(folder: Path) -> None:
    """Sampling goes to one setting under vLLM's names; what means "the engine's own choice" does not."""
    parameters = (
        ("temperature", "0.3"),
        ("top_k", "20"),
        ("repeat_penalty", "1.1"),
        ("num_predict", "-1"),
        ("num_ctx", "1024"),
    )
    found = of(model(parameters=parameters, context_tokens=1024), folder)
    (setting,) = found.settings
    assert json.loads(setting.value or "") == {"temperature": 0.3, "top_k": 20, "repetition_penalty": 1.1}
    assert found.context_tokens == 1024 and all(each.kept for each in found.rows)


def test_every_parameter_has_a_row(folder: Path) -> None:
    """Each that Ollama knows, and any that it does not, is told of; what only a request can say is not called kept."""
    table = constants("migrating")["parameters"]
    names = [*table, "a_new_one"]
    found = of(model(parameters=tuple((name, "1") for name in names)), folder)
    assert [each.what for each in found.rows if each.what.startswith("PARAMETER")] == [
        f"PARAMETER {name}" for name in names
    ]
    for name in names:
        to = table.get(name, {"to": "none"})["to"]
        assert row(found, f"PARAMETER {name}").kept is (to not in ("request", "none")), name


def test_stop_words_that_end_a_turn_anyway(folder: Path) -> None:
    """Those of the checkpoint itself are kept, wherever the folder tells of them; others are the clients' to send."""
    found = of(model(parameters=(("stop", "<|im_end|>"), ("stop", "<|eot|>"), ("stop", "END"))), folder)
    assert stops_kept(found) == [True, True, False]


def stops_kept(found: Carried) -> list[bool]:
    """Of each stop word, whether clients need not send it."""
    return [each.kept for each in found.rows if each.what == "PARAMETER stop"]


TURNS = {each["family"]: each for each in constants("migrating")["turns"]}


@pytest.mark.parametrize("family", TURNS)
def test_ends_and_marks_of_each_template(family: str) -> None:
    """Where the weights are not here the template's family says which stop words are its own; any other is the clients' to send."""
    turn = TURNS[family]
    stops = tuple(("stop", word) for word in (*turn["ends"], *turn["marks"], "END", "User:"))
    found = of(model(parameters=stops, template=f"say {turn['word']} so"), "HuggingFaceTB/SmolLM2-135M-Instruct")
    assert stops_kept(found) == [True] * (len(stops) - 2) + [False, False]


def test_a_template_that_somebody_wrote_says_nothing_of_the_weights() -> None:
    """ChatML around another checkpoint ends where that one does: its stop words are still the clients' to send."""
    asked = {"parameters": (("stop", "<|im_end|>"),), "template": "<|im_start|>user", "made_here": True}
    for own, kept in ((None, False), (True, False), (False, True)):
        assert stops_kept(of(model(**asked, own_template=own), "HuggingFaceTB/SmolLM2-135M-Instruct")) == [kept]
    base = of(model(**asked | {"made_here": False}), "Qwen/Qwen2.5-7B")
    assert stops_kept(base) == [False], "a base model does not end its answers by the template"


def test_a_mark_counts_where_its_end_does(folder: Path) -> None:
    """Weights that lie here and stop at no end of the template run on into the next turn: then its mark must be sent."""
    marks = model(parameters=(("stop", "<|im_start|>"),))
    assert stops_kept(of(marks, folder)) == [True]
    (folder / "config.json").write_text(json.dumps(CONFIG | {"eos_token_id": 7}))
    assert stops_kept(of(marks, folder)) == [False]


def test_a_template_that_is_not_here_leaves_the_system_prompt_to_clients() -> None:
    """Of a checkpoint on the Hub nobody can read it from here; where the GGUF brings one along, that one is taken."""
    lost = of(model(system="Be brief."), "HuggingFaceTB/SmolLM2-135M-Instruct")
    assert lost.template is None and not row(lost, "SYSTEM").kept
    kept = of(model(system="Be brief.", chat_template=CHATML), "HuggingFaceTB/SmolLM2-135M-Instruct")
    assert kept.template is not None and "Be brief." in rendered(kept.template, HELLO) and row(kept, "SYSTEM").kept


def test_a_folder_without_a_template_gets_that_of_the_file(folder: Path) -> None:
    """Without one vLLM refuses chats: the GGUF's own is given; where there is none either, it is said."""
    (folder / "tokenizer_config.json").write_text("{}")
    assert of(model(chat_template=CHATML), folder).template == CHATML
    lost = of(model(template="{{ .System }} {{ .Prompt }}"), folder)
    assert not row(lost, "TEMPLATE").kept and not lost.chats


@pytest.mark.parametrize("begins", [False, True])
def test_the_bare_template_is_said_in_jinja(folder: Path, begins: bool) -> None:
    """What Ollama gives a file without a template is one text after the other, without a system prompt: vLLM is given the same."""
    (folder / "tokenizer_config.json").write_text("{}")
    found = of(model(template="{{ .Prompt }}", begins=begins, system="Be brief."), folder)
    assert found.template is not None and found.chats and all(each.kept for each in found.rows)
    talk = {"role": "system", "content": "no"}, HELLO, {"role": "assistant", "content": " you"}, HELLO
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    said = environment.from_string(found.template).render(messages=talk, bos_token="<s>", add_generation_prompt=True)
    assert said == ("<s>" if begins else "") + "hello youhello"


def test_what_is_in_force_is_told_or_named(folder: Path) -> None:
    """Slots and cache type as the model's process tells them; where nothing tells them, that is said."""
    told = of(model(slots=4, kv_type="q8_0"), folder)
    assert (row(told, "OLLAMA_NUM_PARALLEL").was, row(told, "OLLAMA_KV_CACHE_TYPE").was) == ("4", "q8_0")
    assert row(of(model(), folder), "OLLAMA_NUM_PARALLEL").was.startswith("not told")


def test_adapters_and_turns_are_named(folder: Path) -> None:
    """A GGUF adapter and turns before every chat have no place in vLLM."""
    found = of(model(adapters=("/lora.gguf",), messages=2), folder)
    assert not row(found, "ADAPTER").kept and "adapter_config.json" in row(found, "ADAPTER").becomes
    assert not row(found, "MESSAGE").kept


def test_what_a_vllm_does_not_tell() -> None:
    """The other way its template and its generation defaults are named as unknown, its adapters as lost."""
    found = carried_to_ollama(Mapped(found=model(adapters=("l",), context_tokens=8192)))
    assert [each.what for each in found.rows] == ["chat template", "generation defaults", "adapter"]
    assert found.context_tokens == 8192 and not any(each.kept for each in found.rows)
