"""How long the first start's download takes, and at which rate that is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from advisor.engines.downloads import BYTES_PER_S, bytes_per_s, download_s, told
from tests.engines.engine_cases import CHAT, first_plan


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100 Mbit/s", 12.5e6),
        ("100Mbps", 12.5e6),
        ("1 Gbit/s", 125e6),
        ("12 MB/s", 12e6),
        ("1.5 Gb/s", 187.5e6),
        ("800 kbit/s", 1e5),
        ("16 Mbits/s", 2e6),
        ("fast", None),
        ("100", None),
        ("-1 Mbit/s", None),
        ("0 Mbit/s", None),
        ("1 Mbit", None),
    ],
)
def test_a_small_b_is_a_bit(text: str, rate: float | None) -> None:
    """Rates as providers and programs write them; anything else is none."""
    assert bytes_per_s(text) == rate


def test_a_stated_rate_is_used_and_an_assumed_one_is_said() -> None:
    """Size, time and rate stand in one line; what is carried here by hand is no download."""
    made = first_plan("vllm", "rtx-4090")
    made = replace(made, launch=replace(made.launch, cache_bytes=9_000_000_000))
    assert "9.0 GB of weights: about 6 min at 200 Mbit/s, assumed (--download-rate)" in told(made)
    slow = replace(made, workload=replace(made.workload, download_rate="16 Mbit/s"))
    assert told(slow).endswith("about 75 min at 16 Mbit/s")
    assert download_s(BYTES_PER_S, CHAT) == 1
    assert told(replace(made, workload=replace(made.workload, air_gapped=True))) == ""
