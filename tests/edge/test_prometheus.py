"""A page of metrics is read as Prometheus's format says, and refused in words where it is something else."""

from __future__ import annotations

import math

import pytest

from advisor.edge import prometheus
from advisor.edge.prometheus import buckets, labels_of, quantile, read_samples, since, total
from advisor.errors import BadInput

# The shape of vLLM's page (0.32), shortened.
PAGE = """# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="a\\"b\\\\c"} 3.0
vllm:num_requests_running{engine="1",model_name="a"} 2.0
vllm:cache_config_info{block_size="16",cache_dtype="auto",engine="0"} 1.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.1"} 2.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.5"} 8.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="+Inf"} 10.0
process_start_time_seconds 1.76e9 1395066363000
http_requests_total{code="200",} 1027 # {trace_id="x"} 1.0
something NaN
# EOF
"""
ODD = {
    "a page of HTML": "<html><body>502</body></html>",
    "JSON": '{"requests": 3}',
    "a number alone": "3.0",
    "no number": "up up",
    "an open label": 'up{a="b 1',
    "a label without quotes": "up{a=b} 1",
    "labels without a comma": 'up{a="b"c="d"} 1',
    "Python's underscore": "up 1_000",
    "nothing": "\n# only a remark\n",
}


def test_samples_keep_name_labels_and_value() -> None:
    """Labels are unescaped, a timestamp, an exemplar and a last comma are read over, and totals go over all labels."""
    samples = read_samples(PAGE, "page")
    assert total(samples, "vllm:num_requests_running") == 5.0
    assert labels_of(samples, "vllm:num_requests_running")["model_name"] == 'a"b\\c'
    assert labels_of(samples, "vllm:cache_config_info")["block_size"] == "16"
    assert total(samples, "process_start_time_seconds") == 1.76e9
    assert total(samples, "http_requests_total") == 1027.0
    assert total(samples, "something") is None and total(samples, "absent") is None


def test_a_quantile_lies_in_its_bucket() -> None:
    """Half of ten lie below 0.3 s, straight within the bucket; what is beyond the last bound is at least that."""
    found = buckets(read_samples(PAGE, "page"), "vllm:time_to_first_token_seconds")
    assert found == ((0.1, 2.0), (0.5, 8.0), (math.inf, 10.0))
    assert quantile(found, 0.5) == pytest.approx(0.3)
    assert quantile(found, 0.95) == 0.5
    assert quantile((), 0.5) is None and quantile(((math.inf, 0.0),), 0.5) is None


def test_a_histogram_is_read_between_two_moments() -> None:
    """What was counted since is the difference; after a restart it is all that is there."""
    then, now = ((0.1, 2.0), (math.inf, 10.0)), ((0.1, 2.0), (math.inf, 14.0))
    assert since(now, then) == ((0.1, 0.0), (math.inf, 4.0))
    assert since(then, now) == then


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_what_is_no_page_of_metrics_is_refused(text: str) -> None:
    """It is refused with the name of where it came from, never read as no load."""
    with pytest.raises(BadInput, match="http://x/metrics"):
        read_samples(text, "http://x/metrics")


def test_a_page_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """More samples or labels than any server has are refused."""
    monkeypatch.setattr(prometheus, "MOST_SAMPLES", 10)
    with pytest.raises(BadInput, match="more than 10 samples"):
        read_samples("up 1\n" * 11, "page")
    with pytest.raises(BadInput, match="labels"):
        read_samples("up{" + 'a="b",' * 70 + "} 1", "page")
