"""Several models on one machine: who moves, what each may take, and what is kept for those that stay."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.folder.saved import plan_in
from advisor.migrate.room import FOR_SERVERS, Room, Want, rooms, slices
from advisor.physics.memory.cards import visible_bytes
from advisor.probe.simulate import simulate
from advisor.units import GIB
from tests.migrate.servers import Model, dimensions, ollama, serving
from tests.migrate.test_stack import EMBED, LLAMA, LOAD, OWN, QWEN, migrated, plans, run

ONE, TWO = simulate("RTX 4090").accelerators, simulate("2x RTX 4090").accelerators
CARD = visible_bytes(ONE[0])
BIG = Model("qwen2.5:32b", info=dimensions(64, 5120, 40, "qwen2"), listed={"size": 19 * GIB})
SMALL = Model("llama3.2:3b", info=dimensions(28, 3072, 24), listed={"size": 2 * GIB})
WANTS = st.lists(
    st.tuples(st.integers(GIB // 4, 30 * GIB), st.sampled_from([0, 0, 2 * GIB, 6 * GIB])), min_size=1, max_size=6
).map(lambda several: [Want(name=f"m{n}", need_bytes=need, held_bytes=held) for n, (need, held) in enumerate(several)])


def going(wants: Sequence[Want], found: dict[str, Room]) -> list[Want]:
    """Those that move."""
    return [each for each in wants if not found[each.name].refused]


@given(WANTS, st.integers(0, 8 * GIB), st.booleans())
def test_what_moves_fits_beside_what_stays(wants: list[Want], staying: int, seen: bool) -> None:
    """On one card every server gets its need at least, and all of them with what is held for the rest are no more than it."""
    found = dict(rooms(wants, ONE, staying, seen=seen))
    moving = going(wants, found)
    held = staying + sum(each.held_bytes for each in wants if each not in moving)
    free = CARD - held if seen else CARD
    given_to = [free - found[each.name].reserve_bytes for each in moving]
    assert all(got >= each.need_bytes for got, each in zip(given_to, moving, strict=True))
    assert not moving or sum(given_to) + held <= CARD * FOR_SERVERS + len(moving)
    assert len(found) == len(wants)


@given(WANTS)
def test_more_room_keeps_nobody_back(wants: list[Want]) -> None:
    """With nothing held elsewhere at least one moves of those that fit alone, and all where all of them fit."""
    found = dict(rooms(wants, ONE))
    idle = all(not each.held_bytes for each in wants)
    most = int(CARD * FOR_SERVERS)
    assert not idle or any(each.need_bytes <= most for each in wants) == bool(going(wants, found))
    assert sum(each.need_bytes for each in wants) > most or going(wants, found) == wants


def test_what_serves_now_comes_first() -> None:
    """Of two that do not fit together it is the loaded one that moves; the other is told why, and what turns it round."""
    wants = [Want(name="a", need_bytes=14 * GIB), Want(name="b", need_bytes=14 * GIB, held_bytes=GIB)]
    found = rooms(wants, ONE)
    assert not found["b"].refused and "--only a" in found["a"].refused and "14.0 GiB" in found["a"].refused


def test_two_cards_are_one_each() -> None:
    """Where they do not share, each gets a card of its own, and nothing of the other's."""
    wants = [Want(name=name, need_bytes=15 * GIB) for name in "ab"]
    assert {each.cards for each in slices(wants, TWO).values()} == {(0,), (1,)} and not slices(wants, ONE)


def test_room_for_what_the_old_engine_loads_later() -> None:
    """A model that stays and is not loaded keeps its room where there is any; where there is none it is said."""
    wants = [
        Want(name="a", need_bytes=12 * GIB),
        Want(name="b", need_bytes=14 * GIB, file_bytes=5 * GIB),
    ]
    found = rooms(wants, ONE)
    assert "is kept free for it" in found["b"].refused
    assert CARD - found["a"].reserve_bytes <= CARD * FOR_SERVERS - 6 * GIB + 1
    wants[1] = replace(wants[1], file_bytes=12 * GIB)
    assert "from the CPU in part" in rooms(wants, ONE)["b"].refused


def test_without_cards_nothing_is_set_aside() -> None:
    """The host's memory is shared out as plans are made."""
    assert rooms([Want(name="a", need_bytes=GIB)], ()) == {"a": Room()}


def test_a_small_model_is_not_starved(tmp_path: Path) -> None:
    """Beside a model of many weights one of few gets what its server needs, not its part of the weights."""
    found = migrated(ollama(LLAMA, EMBED), tmp_path, code=None)
    assert all(each["plan"] for each in found["models"])
    assert sum(plan.estimate.candidate.memory_utilization or 1 for plan in plans(tmp_path)) <= 0.95


def test_two_writing_models_on_a_card_each(tmp_path: Path) -> None:
    """Two that do not fit one card are planned on one each, and each process sees its own alone."""
    two = [
        Model("qwen2.5:32b", info=dimensions(64, 5120, 40, "qwen2")),
        Model("qwen2.5-coder:32b", info=dimensions(64, 5120, 40, "qwen2")),
    ]
    found = migrated(ollama(*two), tmp_path, "--run", "native", gpu="2x RTX 4090")
    assert found["meets_targets"]
    cards = [plan.estimate.candidate.gpu_indices for plan in plans(tmp_path)]
    assert sorted(cards) == [(0,), (1,)]
    assert [plan.launch.env["CUDA_VISIBLE_DEVICES"] for plan in plans(tmp_path)] == [str(card[0]) for card in cards]


def test_one_moves_and_the_other_stays(tmp_path: Path) -> None:
    """The large one goes, the small one stays with Ollama and keeps its room; the gateway still knows both."""
    found = migrated(ollama(BIG, SMALL, LLAMA), tmp_path, code=1)
    moved = {each["name"]: each for each in found["models"]}
    assert [name for name, each in moved.items() if each["plan"]] and not all(each["plan"] for each in moved.values())
    for each in moved.values():
        assert each["plan"] or re.search(
            r"its server needs [\d.]+ GiB.*--only " + re.escape(each["name"]), each["because"]
        )
    caddy = (tmp_path / "migration" / "gateway" / "Caddyfile").read_text()
    assert all(f'"id": "{name}"' in caddy for name in moved)


def test_on_one_card_both_are_judged_while_the_other_answers(tmp_path: Path) -> None:
    """What each meets alone and not beside the other is a no that names both; with time for both it is a yes."""
    few = [Model(name, info=dimensions(28, 3072, 24), listed={"size": 2 * GIB}) for name in ("llama3.2:3b", "own:3b")]
    same = ("--map", "own:3b=meta-llama/Llama-3.2-3B-Instruct", "--force")
    patient = migrated(ollama(*few), tmp_path, *same, "--ttft-ms", "60000", "--tpot-ms", "1000")
    assert not any(each["crowded"] for each in patient["models"])
    alone = max(plan.estimate.peak_speed.tpot_p95_s.expected for plan in plans(tmp_path) if plan.estimate.peak_speed)
    hasty = ("--ttft-ms", "60000", "--tpot-ms", f"{1300 * alone:.0f}")
    found = migrated(ollama(*few), tmp_path, *same, *hasty, code=1)
    assert not found["meets_targets"]
    for one, other in (found["models"], found["models"][::-1]):
        assert one["plan"] and one["crowded"].startswith(f"while {other['name']} answers too: time per output token")
    assert migrated(ollama(few[0]), tmp_path, "--force", *hasty)["meets_targets"], "alone it is a yes"


@pytest.mark.parametrize("models", [(LLAMA, QWEN), (LLAMA, OWN)])
def test_what_was_not_asked_to_move_keeps_its_memory(models: tuple[Model, Model], tmp_path: Path) -> None:
    """With --only, what Ollama holds for another model is no room, and the answer says that it stays."""
    held = replace(models[1], loaded=4096)
    with serving(ollama(models[0], held)) as front:
        front.answers["/api/ps"]["models"][-1]["size_vram"] = 9 * GIB
        done = run(front.url, "--gpu", "RTX 4090", "--only", models[0].name, *LOAD, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (plan,) = [plan_in(path.parent) for path in (tmp_path / "migration" / "models").glob("*/plan.json")]
    assert (plan.estimate.candidate.memory_utilization or 1) * CARD <= CARD - 9 * GIB
    text = (tmp_path / "migration" / "MIGRATION.md").read_text()
    assert f"{held.name}: stays" in text and "but for what stays there" in text
    assert json.loads(done.stdout)["models"][0]["name"] == models[0].name
