"""Facts of one version of Ollama, read out of its Go module by the places where its sources keep them.

What moved between versions is searched for in all its places. Nothing is run.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from advisor.refresh.table import SOURCES

MODULE = "github.com/ollama/ollama"
ARCHITECTURES = SOURCES / "ollama_architectures.json"  # of llama.cpp builds: newer modules do not hold its sources
REMOVED = ("ADAPTER",)  # parsed, and refused by `ollama create` since 0.33
_VARIABLE = re.compile(r'^\s*(?:ret\["\w+"\] = EnvVar|"\w+":\s*)\{"([A-Za-z_]+)",', re.MULTILINE)
_DEFAULT = re.compile(r'= (?:Uint|Uint64|String)\("([A-Z_]+)", (\d+)\)')
_COMMANDS = re.compile(r"func isValidCommand.*?\n\tcase ([^\n]*):", re.DOTALL)
_OPTIONS = re.compile(r"type (?:Options|Runner) struct \{(.*?)\n\}", re.DOTALL)
_FIELD = re.compile(r'json:"([a-z_]+),omitempty"`(.*)')
_SINGLE = re.compile(
    r'slices\.Contains\((?:\[\]string\{([^}]*)\}, )?req\.model\.Config\.ModelFamil(?:y|ies)(?:, ("\w+"))?\)'
)
_CPP = re.compile(r'\{ LLM_ARCH_\w+, +"([\w.-]+)"')
_OWN = re.compile(r'model\.Register\("([\w.-]+)"')
_FLOOR = re.compile(r"compute capability (\d+\.\d+)\+ and driver version (\d+)")
_OLDER = re.compile(r"compute capability [\d.]+ through ([\d.]+) require driver version (\d+)")


def source(version: str) -> Path:
    """The folder of the module, fetched through Go's own proxy."""
    words = ["go", "mod", "download", "-json", f"{MODULE}@v{version}"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return Path(json.loads(done.stdout)["Dir"])


def facts(version: str) -> dict[str, Any]:
    """What that version accepts."""
    folder = source(version)

    def read(path: str) -> str:
        return (folder / path).read_text(encoding="utf-8")

    config, page = read("envconfig/config.go"), next(folder.glob("docs/gpu.md*")).read_text(encoding="utf-8")
    capability, driver = _FLOOR.findall(page)[0]
    return {
        "from": f"Go module {MODULE} v{version}: envconfig, parser, api, server, docs/gpu"
        + ("" if (folder / "llama" / "llama.cpp").is_dir() else "; architectures of llama.cpp as it pins it"),
        "settings": {
            "env": sorted(set(_VARIABLE.findall(config[config.index("func AsMap") :]))),
            "modelfile": sorted({*_instructions(read("parser/parser.go")), *_parameters(read("api/types.go"))}),
        },
        "defaults": {name: int(number) for name, number in sorted(_DEFAULT.findall(config))},
        "architectures": architectures(folder, version),
        "single_slot_families": _single_slot(read("server/sched.go")),
        "min_nvidia_driver": driver,
        "min_cuda_capability": capability,
        "older_capability_drivers": dict(_OLDER.findall(page)),
    }


def _instructions(text: str) -> list[str]:
    found = _COMMANDS.search(text)
    words = re.findall(r'"(\w+)"', found[1]) if found else []
    return [word.upper() for word in words if word != "parameter"]


def _parameters(text: str) -> list[str]:
    """Fields of the options that a Modelfile may set; what is marked as rejected is left out."""
    fields = [match for body in _OPTIONS.findall(text) for match in _FIELD.findall(body)]
    return [f"PARAMETER {name}" for name, remark in fields if "rejected" not in remark]


def _single_slot(text: str) -> list[str]:
    found = _SINGLE.search(text)
    return re.findall(r'"(\w+)"', found[1] or found[2]) if found else []


def architectures(folder: Path, version: str) -> list[str] | None:
    """GGUF architectures that it loads; None where neither the module nor the list of builds tells."""
    own = {name for path in folder.glob("model/models/**/*.go") for name in _OWN.findall(path.read_text("utf-8"))}
    listed = folder / "llama" / "llama.cpp" / "src" / "llama-arch.cpp"
    if listed.is_file():
        return sorted({*own, *_CPP.findall(listed.read_text(encoding="utf-8"))} - {"(unknown)", "clip"})
    known = json.loads(ARCHITECTURES.read_text(encoding="utf-8"))["gguf_architectures"]
    column = next((key for key in known["llama"] if key.startswith(f"ollama_{version}_")), None)
    return sorted(name for name, row in known.items() if row.get(column)) if column else None


def converted() -> dict[str, str]:
    """Architecture of a config.json → that of the GGUF file which llama.cpp's converter makes of it."""
    rows = json.loads(ARCHITECTURES.read_text(encoding="utf-8"))["hf_architecture_to_gguf"]
    return {name: row["gguf"] for name, row in sorted(rows.items()) if row.get("gguf")}
