"""SPD: speed and latency targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from advisor.models.thinking import first_answer_s, thinking, written_tokens
from advisor.rules.base import Case
from advisor.schema import Figure, Speed, Workload
from advisor.units import count, ms, version_tuple


def awaited(workload: Workload) -> str:
    """What a person waits for first: a word, or of a model that writes nothing all that a request brings."""
    return f"time for a {workload.made}" if workload.pooled else "time to first token"


def spd201(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when the predicted p95 TTFT at peak exceeds the target, or none is predicted."""
    return _missed(case, awaited(case.workload), case.workload.ttft_ms, lambda speed: speed.ttft_p95_s)


def spd202(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when the predicted p95 TPOT at peak exceeds the target, or none is predicted."""
    return _missed(case, "time per output token", case.workload.tpot_ms, lambda speed: speed.tpot_p95_s)


def spd212(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when the answer begins, after what the model thinks, later than the target, or nothing tells when."""
    asked, model = case.workload, case.model
    tokens = thinking(asked, model).tokens
    what = (
        f"first token of the answer, after about {count(tokens)} of thought," if tokens else "first token of the answer"
    )
    return _missed(case, what, asked.first_answer_ms, lambda speed: first_answer_s(speed, asked, model))


def _missed(case: Case, what: str, target_ms: float | None, figure: Callable[[Speed], Figure]) -> str | None:
    """A target that is not met; one without a figure is not."""
    speed = case.estimate.peak_speed
    if target_ms is None or not case.estimate.memory.fits:
        return None
    if speed is None:
        return f"{what} at the 95th percentile: no figure for {_device(case)}, target {ms(target_ms / 1000)}"
    seconds = figure(speed).expected
    if seconds * 1000 <= target_ms:
        return None
    target = ms(target_ms / 1000)
    predicted = f"just over {target}" if ms(seconds) == target else ms(seconds)
    return (
        f"{what} at the 95th percentile: {predicted} predicted at {count(case.estimate.peak_in_flight)} in flight, "
        f"target {target}"
    )


def _device(case: Case) -> str:
    return case.cards[0].name if case.cards else case.hardware.cpu.model


def spd203(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes that no speed is known for the device."""
    if not case.estimate.memory.fits or case.estimate.speed is not None:
        return None
    return f"no bandwidth is known for {_device(case)}: speed and targets could not be checked (0 figures, 2 needed)"


def spd204(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Fires when fewer of the given arrivals are served than come, or nobody knows how many."""
    estimate = case.estimate
    if case.workload.request_rate is None or not estimate.memory.fits:
        return None
    if estimate.speed is None:
        return f"{case.workload.request_rate:g} requests/s arrive, how many {_device(case)} serves is not known"
    written = written_tokens(case.workload, case.model)
    served = estimate.speed.output_tokens_per_s.expected * estimate.candidate.replicas / written
    if served >= threshold["min_served_share"] * case.workload.request_rate:
        return None
    return f"{case.workload.request_rate:g} requests/s arrive, {served:.2f} are served: the queue grows without end"


def spd205(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes tensor parallelism over cards that neither have NVLink nor peer access."""
    candidate, cards = case.estimate.candidate, case.cards
    if candidate.tensor_parallel == 1 or not cards or any(card.nvlink_peers for card in cards):
        return None
    if all(card.pcie_peer_access for card in cards):
        return None
    return (
        f"{candidate.tensor_parallel} cards exchange two activations in each of {case.model.layers} layers over PCIe "
        f"without peer access"
    )


def spd206(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes a layer split over several cards."""
    candidate = case.estimate.candidate
    if len(candidate.gpu_indices) < 2 or case.limits.tensor_parallel or candidate.tensor_parallel > 1:
        return None
    return f"{len(candidate.gpu_indices)} cards hold the layers one after the other: 1 works at a time for one stream"


def spd207(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes a format whose arithmetic the card does not have."""
    native = case.weights_format.native_capability
    if native is None or case.hardware.os == "darwin":
        return None
    for card in case.cuda_cards:
        if card.compute_capability and version_tuple(card.compute_capability) < version_tuple(native):
            return (
                f"{case.weights_format.title} has its own arithmetic from compute capability {native} on; "
                f"{card.name} has {card.compute_capability}"
            )
    return None


def spd209(case: Case, threshold: Mapping[str, Any]) -> str | None:
    """Notes cards whose owner lets them draw less power than they could."""
    held = [card for card in case.cards if card.power_share < threshold["share"]]
    if not held:
        return None
    least = min(card.power_share for card in held)
    return (
        f"{len(held)} of {len(case.cards)} cards may draw {least:.0%} of their power: reading weights takes up to "
        f"{1 / least:.1f} times as long, computing {least**-0.5:.1f} times"
    )
