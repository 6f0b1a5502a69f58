"""Start a script in the Python of an installed vLLM: the version that runs here, or one whose sources lie beside it.

tests/engines/install.sh installs the CPU build; tests/engines/vllm_sources.sh puts the pinned version's sources beside
it (no CPU build of that version is on PyPI), to be imported with the torch of the former.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("vllm_parser.py")


def engines_folder() -> Path:
    """Where the real engines are installed."""
    return Path(os.environ.get("ADVISOR_ENGINES") or "~/.cache/advisor-engines").expanduser()


def sources(version: str) -> Path:
    """The folder of the sources of a version that is not the installed one."""
    return engines_folder() / f"vllm-{version}"


def python() -> Path:
    """The interpreter of the installed vLLM."""
    return engines_folder() / "vllm" / "bin" / "python"


def ask(script: Path = SCRIPT, version: str = "", question: object = None) -> Any:
    """Run the script in vLLM's Python, the question as JSON on its input, and return the JSON that it answers.

    Args:
        script: a file that imports vLLM.
        version: whose sources are imported; empty for the installed version.
        question: anything that JSON holds.

    Raises:
        FileNotFoundError: that vLLM is not here.
        RuntimeError: the script failed; the message holds the end of what it wrote.
    """
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "WARNING"}
    # What a pretended card makes vLLM remember must not reach the real one's memory.
    env["VLLM_CACHE_ROOT"] = str(engines_folder() / "judged" / (version or "installed"))
    if version and not (sources(version) / ".complete").is_file():
        raise FileNotFoundError(f"{sources(version)}: tests/engines/vllm_sources.sh puts them there")
    # Another script than SCRIPT may import it.
    env["PYTHONPATH"] = os.pathsep.join([str(sources(version))] * bool(version) + [str(SCRIPT.parent)])
    if not python().is_file():
        raise FileNotFoundError(f"{python()}: tests/engines/install.sh installs it")
    done = subprocess.run(
        [str(python()), str(script)], env=env, input=json.dumps(question), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{script.name} in vLLM {version}: {done.stderr[-3000:]}")
    return json.loads(done.stdout)
