"""What a person found behind the large errors, and what no data settles yet; kept by hand, placed in VALIDATION.md."""

from __future__ import annotations

EXPLAINED = {
    "TPOT and TTFT, where the targets are missed": (
        "tried: per-family request latency (did not transfer between sources), waits under load in the fit (they "
        "follow how a run was started), a start-up wave (needs the number of prompts). A third of the light-load rows "
        "are 4x3090's cached prompts. What would settle both: cold prompts at 1, 2, 4 and 8 in flight, per card, with "
        "stated lengths."
    ),
    "rtx6kpro, TTFT": ("the source measures decoding at a prefilled depth; its waits are not those of a cold prompt."),
    "4x3090, vLLM over 16 in flight": (
        "the measured first token is sooner than the card could multiply the prompt, so the prompts came from the "
        "prefix cache and shared its blocks. A request row cannot say that; the prediction computes every prompt "
        "and finds the KV cache full. The cards also ran at 220 of 350 W."
    ),
    "4x3090, littles_law_ratio below 0.7": ("the printed rate is that of decoding alone; the run had a long prefill."),
    "dstack, 8 x MI300X": (
        "the labels say one or two engines on the eight cards; the columns do not, and both are predicted as one."
    ),
    "gpustack, 4 output tokens": (
        "rows with a stated concurrency of 4 have waits of seconds: all prompts were handed over."
    ),
    "gpustack, H100 with a small KV cache": (
        "the step is up to 1.6x slower than with the same batch elsewhere: preempted requests are computed again. "
        "Waiting is modelled, computing twice is not."
    ),
    "gpustack, DeepSeek and GLM in FP8": (
        "block-scaled FP8 of 0.11 reaches 0.1-0.2 of bandwidth at small batches; the format name does not tell "
        "block from channel scales."
    ),
    "argonne, Intel Max 1550 and MI250": (
        "2024 builds on devices that no other source has; whether one MI250 means one of its two dies is not stated."
    ),
    "argonne, llama.cpp on MI300X": ("a 2024 HIP build at a seventh of the bandwidth."),
    "kyuz0, offline": (
        "max_num_seqs was 32 or 64 by model and is not in the log; the engine's default is assumed. AMD's 4-bit "
        "kernels are in no other source."
    ),
    "localmaxxing": ("one run each on a leaderboard that favours fast runs; some hide a draft model or CPU offload."),
    "geerling, CPUs": (
        "boards from a Raspberry Pi to AmpereOne whose memory bandwidth the catalogue does not hold: a desktop is "
        "assumed."
    ),
    "silicon, 512 in flight": ("more requests than the KV cache holds; the waits of the start are averaged in."),
}
GAPS = (
    (
        "Preemption is waiting only: no time is lost on computing a preempted prompt again. Data: runs with a KV "
        "pool of stated size."
    ),
    (
        "TTFT under load follows how the clients were started; a start-up wave is not modelled in a closed loop. "
        "Data: runs that state the number of prompts and the spread of lengths."
    ),
    (
        "Intel GPUs, Turing, Volta, CDNA with 4-bit weights and RDNA with vLLM rest on one source or none: their "
        "ranges are wider."
    ),
    "CPUs: bandwidth is estimated from cores and channels unless probed.",
    "Speculative decoding and multi-token prediction are not in the rate.",
    "llama.cpp's row and tensor splits are fitted on one machine (4 x RTX 3090 on PCIe).",
)
