"""Facts of engine versions: what is known, what lies between, and how versions are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.catalog import constants, engine_limits, engine_names, raw_entries
from advisor.catalog.flags import accepted
from advisor.catalog.versions import facts, known_versions, limits_of, order, plain, released

# What Ollama reads outside its configuration, which is what the facts list.
READ_ELSEWHERE = {
    "JETSON_JETPACK", "OLLAMA_AUTH", "OLLAMA_CLOUD_BASE_URL", "OLLAMA_EXPERIMENT", "OLLAMA_LLAMA_CPP_COMPAT",
}  # fmt: skip


@pytest.mark.parametrize("engine", engine_names())
def test_at_least_three_versions_are_known_and_the_pinned_one_is_the_newest(engine: str) -> None:
    """The pinned version, and two or more that people still run."""
    known = known_versions(engine)
    assert len(known) >= 3 and known[-1] == engine_limits(engine).version
    assert list(known) == sorted(known, key=lambda version: order(version) or ())


@pytest.mark.parametrize("engine", engine_names())
def test_the_pinned_version_accepts_what_its_own_lists_hold(engine: str) -> None:
    """Two readings of one version agree: every setting that is listed for the pinned one is in its facts."""
    found = facts(engine, engine_limits(engine).version)
    for kind, names in accepted(engine).items():
        assert {name for name in names if name not in found.settings[kind]} <= READ_ELSEWHERE, kind


def test_what_monitoring_reads_is_exported_by_every_known_version() -> None:
    """Dashboards and alerts are the same for all versions, so each of their metrics is in each version's sources."""
    entry = constants("metrics")["vllm"]
    names = {name for name in entry.values() if str(name).startswith("vllm:")}
    for version in known_versions("vllm"):
        told = facts("vllm", version).metrics or frozenset()
        assert {name for name in names if name not in told and name.removesuffix("_total") not in told} == set(), (
            version
        )


@pytest.mark.parametrize(
    ("older", "newer"),
    [("0.33.1.dev12+gabc", "0.33.1"), ("0.33.0", "0.33.1.dev12+gabc"), ("0.12.0-rc1", "0.12.0"), ("0.19", "0.19.1"),
     ("0.9.2", "0.10.0"), ("0.8.5", "0.8.5.post1"), ("v0.12.3", "0.12.11"), ("0.33.0rc2", "0.33.0")],
)  # fmt: skip
def test_versions_are_ordered_as_they_came_out(older: str, newer: str) -> None:
    """Numbers count as numbers; what comes before a release is below it, a post-release above."""
    assert (order(older) or ()) < (order(newer) or ())


@pytest.mark.parametrize("text", ["", "latest", "nightly", "abc", "0", "0.33;rm", "1.2.3.4.5", "０.３３.０x"])
def test_what_is_no_version_is_none(text: str) -> None:
    """No key, so that nobody sorts by it."""
    assert order(text) is None


@pytest.mark.parametrize(
    ("written", "version"),
    [("0.19.0+cu128", "0.19.0"), ("0.32.0+cpu", "0.32.0"), ("0.11.0+rocm63", "0.11.0"), ("v0.12.3", "0.12.3"),
     ("0.19", "0.19.0"), ("0.33.1.dev12+gabc", "0.33.1.dev12"), ("0.12.0-rc1", "0.12.0.rc1")],
)  # fmt: skip
def test_a_build_is_not_another_version(written: str, version: str) -> None:
    """What stands behind the plus is left out; a short version is filled up."""
    assert plain(written) == version and order(written) == order(version)


def test_between_two_versions_only_what_both_accept_is_accepted() -> None:
    """0.22 knows what 0.19 and 0.25 both know, and the higher of their floors of the driver."""
    low, high, found = (facts("vllm", version) for version in ("0.19.0", "0.25.1", "0.22.0"))
    assert found.place == "between" and found.known == ("0.19.0", "0.25.1")
    assert found.settings["flag"] == low.settings["flag"] & high.settings["flag"]
    assert (low.min_nvidia_driver, found.min_nvidia_driver) == ("525", "580")


@given(st.tuples(st.integers(0, 1), st.integers(0, 60), st.integers(0, 20)), st.sampled_from(["vllm", "ollama"]))
def test_any_version_has_facts_and_never_more_than_its_neighbours(numbers: tuple[int, int, int], engine: str) -> None:
    """Whatever the number: facts come, and what they accept one of the known versions they name accepts."""
    found = facts(engine, ".".join(map(str, numbers)))
    assert found.known and all(
        names <= facts(engine, found.known[0]).settings[kind] for kind, names in found.settings.items()
    )


def test_a_newer_version_is_taken_for_the_newest_known() -> None:
    """Its facts are those of the pinned one, and it says that they are."""
    found = facts("ollama", "0.40.0")
    assert (found.place, found.known) == ("newer", (engine_limits("ollama").version,))
    assert limits_of("ollama", "0.40.0").version == "0.40.0"


def test_a_feature_that_is_a_flag_goes_with_the_flag() -> None:
    """vLLM 0.19 has no limit of admission, the pinned version has."""
    assert "admission_limit" in limits_of("vllm", engine_limits("vllm").version).features
    assert "admission_limit" not in limits_of("vllm", "0.19.0").features


def test_published_is_what_has_a_plain_number() -> None:
    """A build of somebody's own has no image."""
    assert released("0.19.0") and not released("0.33.1.dev12") and not released("0.12.0.rc1")


def test_every_emitted_parser_is_registered_in_the_pinned_version() -> None:
    """A parser name of a model in the catalogue that the pinned version does not know would stop it at start."""
    found = facts("vllm", engine_limits("vllm").version)
    for entry in (*raw_entries("models"), *raw_entries("models_extra")):
        assert entry.get("tool_parser") is None or entry["tool_parser"] in (found.tool_parsers or ())
        assert entry.get("reasoning_parser") is None or entry["reasoning_parser"] in (found.reasoning_parsers or ())
