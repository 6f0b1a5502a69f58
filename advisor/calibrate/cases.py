"""Three reference cases, with other tools' answers beside ours."""

from __future__ import annotations

from advisor.predict import Prediction, predict
from advisor.predict.rows import COLUMNS

CARD = "RTX 4090 24GB"
SEVEN = "Qwen/Qwen2.5-7B-Instruct"


def ask(**words: str) -> Prediction:
    """One prediction."""
    usual = {"id": "case", "engine": "vllm", "input_tokens": "256", "output_tokens": "256", "mode": "serving"}
    cells = {**usual, **words}
    return next(predict(COLUMNS, [[cells.get(name, "") for name in COLUMNS]]))


def cases() -> str:
    """The section of the report."""
    return "\n".join([_case_a(), _case_b(), _case_c()])


def _case_a() -> str:
    found = ask(
        gpu="H100 SXM 80GB", model="meta-llama/Llama-3.1-8B-Instruct", quantization="bf16", concurrency="50",
        input_tokens="7168", output_tokens="1024",
    )  # fmt: skip
    full = (found.kv_tokens or 0) / 8192
    return (
        "## Case A: Llama-3.1-8B, 16 bit, 8,192 tokens, 50 in flight, H100-80GB\n\n"
        f"Ours: {found.kv_tokens:,} KV tokens, {full:.1f} full sequences. Measured at start-up: 54 (utilisation 0.90). "
        "Others: 54 (llm-d-planner), 69.06 GB (aiconfigurator); wrong: 2 x H100 from the 49th user, 215 GB, 17.95 GiB, "
        '"does not fit".\n'
    )


def _case_b() -> str:
    big = {"gpu": CARD, "gpu_count": "2", "model": "meta-llama/Llama-3.3-70B-Instruct", "mode": "single_stream"}
    gguf = ask(**big, engine="llama.cpp", quantization="Q4_K_M", input_tokens="64", output_tokens="1024")
    awq = ask(**big, quantization="awq", input_tokens="64")
    return (
        "## Case B: Llama-3.3-70B, 4 bit, 2 x RTX 4090, one stream\n\n"
        "| | measured | ours | others |\n|---|---|---|---|\n"
        f"| llama.cpp Q4_K_M | 19.06 | {gguf.output_tok_s:.1f} | 3.6 |\n"
        f"| vLLM AWQ TP2 | 23.8 (a 2023 version) | {awq.output_tok_s:.1f} | 8 x H100 wanted |\n"
    )


def _case_c() -> str:
    measured = {"1": "55", "4": "210", "16": "644-780", "48": "1,190", "64": "2,028 (an 8B)"}
    peers = {"1": "57; 75-140; 17; 26.5", "4": "224", "16": "848", "48": "", "64": "2,790"}
    lines = [
        "## Case C: Qwen2.5-7B, 16 bit, RTX 4090\n\n"
        "| in flight | vLLM measured | vLLM ours | Ollama, one slot, article | Ollama ours | others, vLLM |\n"
        "|---|---|---|---|---|---|\n"
    ]
    article = {"1": "62", "4": "60", "16": "55", "48": "", "64": "41"}
    for flight, seen in measured.items():
        vllm = ask(gpu=CARD, model=SEVEN, quantization="bf16", concurrency=flight)
        ollama = ask(gpu=CARD, model=SEVEN, quantization="F16", concurrency=flight, engine="ollama")
        ours = (f"{vllm.output_tok_s:,.0f}", article[flight], f"{ollama.output_tok_s:,.0f}")
        lines.append("| " + " | ".join((flight, seen, *ours, peers[flight])) + " |\n")
    eight = ask(
        gpu=CARD, model="meta-llama/Llama-3.1-8B-Instruct", quantization="bf16", concurrency="64",
        input_tokens="224", output_tokens="512",
    )  # fmt: skip
    lines.append(
        "\nThe measurements contradict one another at the top: 1,190 for a 7B at 48 and 2,028 for an 8B at 64 (224 "
        "tokens in, 512 out, vLLM 0.12); the article's 950 at 64 is below both. The four loads are judged by 55, 210, "
        "644 to 780 and 2,028; the 8B with its own lengths: ours "
        f"{eight.output_tok_s:,.0f}. What would settle it: this 7B on this card at 64 in flight, with stated lengths.\n"
    )
    return "".join(lines)
