"""How much of a processor and its memory this process may use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.probe import cgroup, cpu, cpu_rates
from advisor.schema import Cpu, Hardware
from advisor.units import GIB
from advisor.wire import from_json_file
from tests.probe.recorded_machines import FIXTURES, host_of, recording

DESKTOP = recording("rtx-4090")["cpu"]


def read(root: Path, files: dict[str, str] | None = None, **changed: Any) -> tuple[Cpu, dict[str, str]]:
    """The desktop's processor with other files or facts."""
    unknown: dict[str, str] = {}
    recorded = {"cpu": {**DESKTOP, **changed}, "files": files or {}, "disk_free_bytes": 0}
    return cpu.read(host_of(recorded, root), unknown), unknown


def test_hyper_threads_are_not_cores(tmp_path: Path) -> None:
    """Sixteen cores with two threads each."""
    found, _ = read(tmp_path)
    assert (found.cores, found.threads) == (16, 32)


def test_efficiency_cores_count_as_cores() -> None:
    """Four cores with two threads and eight with one are twelve cores and sixteen threads."""
    found = from_json_file(Hardware, FIXTURES / "laptop-no-gpu.json").cpu
    assert (found.cores, found.threads) == (12, 16)


def test_affinity_limits_cores(tmp_path: Path) -> None:
    """Pinned to both threads of two cores, there are two cores."""
    found, _ = read(tmp_path, affinity=[0, 1, 16, 17])
    assert (found.cores, found.threads) == (2, 4)


V1 = "/sys/fs/cgroup/cpu"


def v1_quota(folder: str, quota: int) -> dict[str, str]:
    """The two files of a version 1 quota over 100 ms."""
    return {f"{folder}/cpu.cfs_quota_us": str(quota), f"{folder}/cpu.cfs_period_us": "100000"}


@pytest.mark.parametrize(
    ("files", "cores", "threads"),
    [
        ({"/proc/self/cgroup": "0::/pod", "/sys/fs/cgroup/pod/cpu.max": "250000 100000"}, 2.5, 3),
        (
            {
                "/proc/self/cgroup": "0::/a/b",
                "/sys/fs/cgroup/a/cpu.max": "400000 100000",
                "/sys/fs/cgroup/a/b/cpu.max": "max 100000",
            },
            4,
            4,
        ),
        ({"/proc/self/cgroup": "0::/../elsewhere", "/sys/fs/cgroup/cpu.max": "100000 100000"}, 1, 1),
        ({"/proc/self/cgroup": "2:cpu,cpuacct:/docker/1", **v1_quota(f"{V1},cpuacct", 300000)}, 3, 3),
        ({"/proc/self/cgroup": "2:cpu:/", **v1_quota(V1, -1)}, 16, 32),
        ({"/proc/self/cgroup": "0::/x", "/sys/fs/cgroup/x/cpu.max": "6400000 100000"}, 16, 32),
    ],
    ids=["v2", "v2 parent", "v2 seen from a container", "v1", "v1 unlimited", "more than there is"],
)
def test_a_quota_limits_cores(files: dict[str, str], cores: float, threads: int, tmp_path: Path) -> None:
    """The tightest quota between our group and the root counts, in either version of cgroup."""
    found, _ = read(tmp_path, files)
    assert (found.cores, found.threads) == (cores, threads)


@pytest.mark.parametrize(
    ("files", "total", "available"),
    [
        (
            {
                "/proc/self/cgroup": "0::/pod",
                "/sys/fs/cgroup/pod/memory.max": str(8 * GIB),
                "/sys/fs/cgroup/pod/memory.current": str(3 * GIB),
                "/sys/fs/cgroup/pod/memory.stat": f"anon 5\ninactive_file {GIB}\n",
            },
            8 * GIB,
            6 * GIB,
        ),
        (
            {
                "/proc/self/cgroup": "4:memory:/docker/1",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": str(4 * GIB),
                "/sys/fs/cgroup/memory/memory.usage_in_bytes": str(GIB),
                "/sys/fs/cgroup/memory/memory.stat": f"total_inactive_file {GIB // 2}\n",
            },
            4 * GIB,
            4 * GIB - GIB // 2,
        ),
        (
            {
                "/proc/self/cgroup": "4:memory:/",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
            },
            65700124 * 1024,
            61233048 * 1024,
        ),
        ({"/sys/fs/cgroup/memory.max": "max"}, 65700124 * 1024, 61233048 * 1024),
    ],
    ids=["v2", "v1", "v1 unlimited", "v2 unlimited"],
)
def test_a_memory_limit_counts(files: dict[str, str], total: int, available: int, tmp_path: Path) -> None:
    """Memory is no more than the limit; page cache that can be dropped counts as available."""
    found, _ = read(tmp_path, files)
    assert (found.memory_bytes, found.available_bytes) == (total, available)


def test_a_limit_with_everything_used_leaves_nothing(tmp_path: Path) -> None:
    """Usage may exceed the limit for a moment; what is left is never negative."""
    files = {"/sys/fs/cgroup/memory.max": "100", "/sys/fs/cgroup/memory.current": "150"}
    limits = cgroup.read(host_of({"cpu": DESKTOP, "files": files, "disk_free_bytes": 0}, tmp_path))
    assert limits.memory_available_bytes == 0


@pytest.mark.parametrize(
    ("name", "present", "absent"),
    [
        ("rtx-4090", {"avx2", "avx512", "avx512_vnni", "avx512_bf16"}, {"amx_bf16", "neon"}),
        ("h100-x8", {"amx_bf16", "amx_int8", "avx512_bf16", "avx_vnni"}, {"neon"}),
        ("laptop-no-gpu", {"avx2", "avx_vnni"}, {"avx512"}),
        ("gb10", {"neon", "sve", "i8mm", "dotprod", "bf16"}, {"avx2"}),
        ("cpu-2-cores", {"avx2"}, {"avx512", "avx_vnni"}),
    ],
)
def test_vector_units_have_our_names(name: str, present: set[str], absent: set[str]) -> None:
    """The kernel's flags become the names of schema.Cpu."""
    sets = set(from_json_file(Hardware, FIXTURES / f"{name}.json").cpu.instruction_sets)
    assert sets >= present
    assert not sets & absent


def test_kinds_of_arm_cores_are_named() -> None:
    """Arm kernels print no model name; the part numbers of both kinds give it."""
    assert from_json_file(Hardware, FIXTURES / "gb10.json").cpu.model == "Cortex-A725 + Cortex-X925"


def test_sockets_and_numa_nodes_are_counted() -> None:
    """Two sockets have twice the channels."""
    found = from_json_file(Hardware, FIXTURES / "rtx-4090-x8.json").cpu
    assert found.numa_nodes == 2
    assert found.bandwidth_bytes_per_s == 2 * 204.8e9


def test_few_cores_do_not_pull_a_servers_bandwidth() -> None:
    """Two cores of a large server have what two cores can pull, not the 204.8 GB/s of its channels."""
    found = from_json_file(Hardware, FIXTURES / "cpu-2-cores.json").cpu
    assert found.bandwidth_bytes_per_s == pytest.approx(30.8e9)


def test_a_hidden_model_name_is_known_by_family_and_model(tmp_path: Path) -> None:
    """Hypervisors print "AMD EPYC"; family 25 model 1 is Milan."""
    hidden = {**DESKTOP["info"], "model name": "AMD EPYC", "model": 1}
    found, unknown = read(tmp_path, info=hidden)
    assert found.bandwidth_bytes_per_s == 204.8e9
    assert "cpu.bandwidth_bytes_per_s" not in unknown


def test_an_unknown_family_has_no_bandwidth_and_a_reason(tmp_path: Path) -> None:
    """A desktop's bandwidth is that of its memory modules, which only root can read."""
    found, unknown = read(tmp_path)
    assert found.bandwidth_bytes_per_s is None
    assert "only root can read" in unknown["cpu.bandwidth_bytes_per_s"]


@given(cores=st.floats(0.1, 512), sockets=st.integers(1, 8))
def test_more_cores_never_have_less_bandwidth(cores: float, sockets: int) -> None:
    """Bandwidth grows with cores up to the channels, and never beyond them."""
    one = cpu_rates.socket_bandwidth("cpu-epyc-milan-8ch", cores, sockets)
    two = cpu_rates.socket_bandwidth("cpu-epyc-milan-8ch", cores * 2, sockets)
    assert 0 < one <= two <= 204.8e9 * sockets


def test_flops_follow_from_width_cores_and_clock(tmp_path: Path) -> None:
    """Zen 4 runs AVX-512 at half width: 32 fp32 operations a cycle, 16 cores, 4.49 GHz."""
    found, _ = read(tmp_path)
    assert found.dense_flops["fp32"] == pytest.approx(16 * 4.49153e9 * 32)
    assert found.dense_flops["bf16"] == pytest.approx(2 * found.dense_flops["fp32"])


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ({"avx2"}, {"fp32": 32, "bf16": 32}),
        ({"avx2", "avx512", "amx_bf16", "amx_int8"}, {"fp32": 64, "bf16": 2048, "int8": 4096}),
        ({"neon", "dotprod"}, {"fp32": 16, "bf16": 16, "int8": 64}),
        (set(), {}),
    ],
    ids=["avx2", "amx", "neon", "none"],
)
def test_the_widest_unit_counts(sets: set[str], expected: dict[str, float]) -> None:
    """Operations a cycle by dtype; without bf16 units the fp32 rate stands."""
    assert cpu_rates.flops_per_cycle(frozenset(sets)) == expected


def test_an_empty_proc_gives_reasons_not_errors(tmp_path: Path) -> None:
    """Without /proc and /sys every field has a reason and nothing fails."""
    unknown: dict[str, str] = {}
    found = cpu.read(host_of({"disk_free_bytes": 0}, tmp_path), unknown)
    assert found.memory_bytes == 0
    assert {"cpu.memory_bytes", "cpu.model", "cpu.bandwidth_bytes_per_s", "cpu.dense_flops"} <= set(unknown)
