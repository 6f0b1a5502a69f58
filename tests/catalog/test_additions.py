"""Cards and processors added by hand, and lists of cards with brackets in them."""

from __future__ import annotations

import pytest

from advisor.catalog import cpus, gpus, sources
from advisor.catalog.gpu_counts import parse_gpus
from advisor.catalog.gpu_names import find_gpu

ADDED = {"GTX 1050 Ti 4GB": 112.1e9, "RX 580": 256e9, "RX 6500 XT": 143.9e9, "RTX A400": 96e9}


@pytest.mark.parametrize("name", ADDED)
def test_a_card_added_by_hand_is_known_by_its_name(name: str) -> None:
    """The bandwidth is the data sheet's, and the source key leads to an entry."""
    found = find_gpu(name)
    assert found.bandwidth_bytes_per_s == ADDED[name]
    assert found.source in sources()


def test_no_addition_repeats_the_table() -> None:
    """Ids and driver names of the additions are not those of another card."""
    ids = [card.id for card in gpus()]
    assert len(ids) == len(set(ids))


def test_the_second_generation_of_epyc_is_known() -> None:
    """EPYC 7002 has eight channels of DDR4-3200."""
    rome = next(spec for spec in cpus() if spec.id == "cpu-epyc-rome-8ch")
    assert rome.bandwidth_bytes_per_s == 204.8e9
    assert rome.source in sources()


def test_a_comma_in_brackets_does_not_divide_cards() -> None:
    """What is in brackets belongs to the card before it."""
    (count, mac), (one, card) = parse_gpus("M3 Max (40-core, 64GB), RTX 3090")
    assert (count, one, card.id) == (1, 1, "nvidia-rtx-3090")
    assert mac == find_gpu("M3 Max (40-core, 64GB)")
