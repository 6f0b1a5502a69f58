"""What a server says of its models is read as it stands, and refused where it is no server's answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from advisor.engines.ollama import runners
from advisor.errors import BadInput, EnvironmentFailed
from advisor.migrate.found import found_models
from advisor.watch.server import find_server
from tests.migrate.servers import Front, Model, ollama, serving, vllm
from tests.watch.test_readers import BLOB, process

PARAMETERS = 'top_k                          20\nstop                           "<|im_end|>"\nstop                           "a \\"b\\"\\n"\nnum_ctx                        1024'


def test_a_model_of_ollama_with_all_that_it_brings() -> None:
    """Parameters with quoted words, system prompt, adapter, turns before a chat, dimensions, names and context are read."""
    shown = {
        "parameters": PARAMETERS, "system": "Be brief.", "messages": [{"role": "user", "content": "x"}],
        "modelfile": "FROM /m\nADAPTER /lora.gguf\n", "capabilities": ["completion", "tools", 3],
    }  # fmt: skip
    with serving(ollama(Model("own:latest", parent="base.gguf", show=shown, loaded=2048))) as front:
        (found,) = found_models(find_server(front.url))
    assert found.names == ("own:latest", "own") and found.made_here and found.loaded
    assert found.parameters == (("top_k", "20"), ("stop", "<|im_end|>"), ("stop", 'a "b"\n'), ("num_ctx", "1024"))
    assert (found.system, found.adapters, found.messages, found.context_tokens) == (
        "Be brief.",
        ("/lora.gguf",),
        1,
        2048,
    )
    assert (found.layers, found.hidden, found.heads) == (30, 576, 9) and found.capabilities == ("completion", "tools")
    assert found.words[0] == "base.gguf" and "smollm2-135M" in found.words


def test_layers_that_only_predict_are_no_layers() -> None:
    """A file counts its draft layers in; the checkpoint's config does not."""
    info = {"general.architecture": "glm", "glm.block_count": 47, "glm.nextn_predict_layers": 1}
    with serving(ollama(Model("glm", info=info))) as front:
        assert found_models(find_server(front.url))[0].layers == 46


def test_the_context_of_a_model_that_is_not_loaded() -> None:
    """It is that of its parameters; where there is none, nobody knows it."""
    with serving(ollama(Model("a", show={"parameters": "num_ctx 512"}), Model("b"))) as front:
        assert [each.context_tokens for each in found_models(find_server(front.url))] == [512, None]


def test_cloud_models_are_told_apart() -> None:
    """A model that runs on somebody else's servers is named as such, by its tag or by where it runs."""
    with serving(ollama(Model("a:cloud"), Model("b", listed={"remote_host": "https://x"}), Model("c"))) as front:
        assert [each.remote for each in found_models(find_server(front.url))] == [True, True, False]


def test_a_vllm_with_two_names_and_an_adapter() -> None:
    """Its root is the checkpoint; further names are names, and what has a parent is a model that an adapter alters."""
    also = [{"id": "second", "root": "Qwen/Q"}, {"id": "lora", "root": "/l", "parent": "first"}]
    with serving(vllm("first", "Qwen/Q", context=8192, also=also)) as front:
        found, lora = found_models(find_server(front.url))
    assert found.names == ("first", "second") and found.words == ("Qwen/Q",)
    assert not found.altered and found.context_tokens == 8192
    assert lora.names == lora.adapters == ("lora",) and lora.altered


def test_only_what_is_named() -> None:
    """`--only` takes either form of a name, and says which there are where one is unknown."""
    with serving(ollama(Model("a:latest"), Model("b"))) as front:
        server = find_server(front.url)
        assert [each.name for each in found_models(server, ("a",))] == ["a:latest"]
        with pytest.raises(BadInput, match=r"--only c: .* it has a:latest, b"):
            found_models(server, ("b", "c"))


@pytest.mark.parametrize(
    "url", ["", "ftp://x", "http://", "http://x:99999", "http://u:p@x", "http://x/api/chat", "http://[x"]
)
def test_what_is_no_address_is_bad_input(url: str) -> None:
    """It is refused with what is accepted, before anything is asked."""
    with pytest.raises(BadInput, match="accepted is http://HOST:PORT"):
        find_server(url)


@pytest.mark.parametrize(
    "version", [b"<html>", b"[]", b'{"version": 3}', b'{"version": ""}', b"[" * 100_000, b'{"version": NaN}', None]
)
def test_what_answers_but_is_no_engine(version: Any) -> None:
    """A web page, a list, an odd or a deep answer is nobody that we know."""
    with (
        serving(Front({"/api/version": version, "/version": version})) as front,
        pytest.raises(EnvironmentFailed, match="neither"),
    ):
        find_server(front.url)


@pytest.mark.parametrize("tags", [{}, {"models": 3}, {"models": ["a", None, {}]}, {"models": [{"name": "x" * 500}]}])
def test_a_list_of_models_that_is_none(tags: Any) -> None:
    """What is no model is left out, and a server without one is named."""
    front = ollama()
    front.answers["/api/tags"] = tags
    with serving(front), pytest.raises(EnvironmentFailed, match="no models"):
        found_models(find_server(front.url))


@pytest.mark.parametrize(
    "shown",
    [
        {"model_info": [1], "parameters": 3, "system": None, "capabilities": "x", "messages": {}, "modelfile": 1},
        {"model_info": {"general.architecture": 5}}, {"model_info": {"llama.block_count": "30"}}, {"parameters": "\n\n=\n"},
    ],
)  # fmt: skip
def test_an_odd_description_is_a_model_of_which_less_is_known(shown: dict[str, Any]) -> None:
    """Nothing of it is taken for something else, and nothing breaks."""
    with serving(ollama(Model("a", info={}, show=shown))) as front:
        (found,) = found_models(find_server(front.url))
    assert (found.layers, found.system, found.parameters, found.messages) == (None, "", (), 0)


def test_an_answer_without_end_is_cut() -> None:
    """More than any server says of its models is refused."""
    front = ollama(Model("a"))
    front.answers["/api/tags"] = json.dumps({"models": [{"name": "x", "pad": "y" * (9 << 20)}]}).encode()
    with serving(front), pytest.raises(EnvironmentFailed, match="larger than"):
        found_models(find_server(front.url))


def test_what_is_in_force_is_read_of_its_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slots and type of the cache stand on the command line of the model's own process, if it is the only one."""
    monkeypatch.setattr(runners, "PROCESSES", tmp_path)
    process(tmp_path, 11, 1, slots=3)
    own = Model("own", loaded=1024, show={"modelfile": f"FROM {BLOB}\n"})
    with serving(ollama(own, Model("idle"))) as front:
        server = find_server(front.url)
        assert [(each.slots, each.kv_type) for each in found_models(server)] == [(3, "f16"), (None, "")]
        process(tmp_path, 12, 2, parent=8)
        assert found_models(server)[0].slots is None


def test_two_names_of_one_model(tmp_path: Path) -> None:
    """Tags with one digest are one model with two names, under either of which it may be asked for or be loaded."""
    same = {"digest": "a" * 64}
    front = ollama(
        Model("llama3.1:8b", listed=same),
        Model("our:latest", listed=same, loaded=512),
        Model("other", listed={"digest": "b"}),
    )
    with serving(front):
        server = find_server(front.url)
        both, other = found_models(server)
        assert both.names == ("llama3.1:8b", "our:latest", "our") and both.loaded and other.names == ("other",)
        assert [each.name for each in found_models(server, ("our",))] == ["llama3.1:8b"]


@pytest.mark.parametrize(
    ("given", "base"),
    [("box", "http://box:80"), ("https://box", "https://box:443"), ("[::1]:5", "http://localhost:5"),
     ("0.0.0.0:11434", "http://127.0.0.1:11434"), ("http://10.0.0.7:8000/v1/", "http://10.0.0.7:8000")],
)  # fmt: skip
def test_an_address_is_written_in_one_way(given: str, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its scheme and port, in a form that a gateway's file and a script take."""
    monkeypatch.setattr("advisor.watch.server.ask", lambda url, here, body=None: {"version": "1"})
    assert find_server(given).base == base
