"""An alert that really fires: Prometheus and Alertmanager with the emitted files, and a receiver that writes it down."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.front import free_port, planned, wait_for, written
from tests.engines.engine_cases import tool

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("engines")]


@contextmanager
def receiver() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """A person's webhook: its port, and the alerts that came."""
    came: list[dict[str, Any]] = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1], came
    finally:
        server.shutdown()


@contextmanager
def program(name: str, port: int, folder: Path, *words: str) -> Iterator[None]:
    """One of the two, until the block ends."""
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen([tool(name), *words], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        wait_for(port, process, log)
        yield
    finally:
        process.terminate()
        process.wait(60)


def changed(path: Path, *pairs: tuple[str, str]) -> Path:
    """The file with other times, ports, or the receiver that a person fills in; every word is found in it."""
    text = path.read_text()
    for word, other in pairs:
        assert word in text, word
        text = text.replace(word, other)
    path.write_text(text)
    return path


def arrived(came: list[dict[str, Any]], name: str, patience_s: float) -> dict[str, Any]:
    """The alert of that name."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        for alert in came:
            if alert["labels"]["alertname"] == name:
                return alert
        time.sleep(0.5)
    raise AssertionError(f"{name} did not arrive: {came}")


@pytest.mark.parametrize("engine", ["vllm", "ollama"])
def test_an_alert_reaches_its_receiver(engine: str, tmp_path: Path) -> None:
    """Nothing runs, so the engine's and the gateway's alerts fire and arrive with what to do; so does the test alert."""
    folder = written(planned(engine), tmp_path) / "monitoring"
    with receiver() as (hook, came), ExitStack() as stack:
        told, asked = free_port(), free_port()
        mail = changed(
            folder / "alertmanager.yml",
            ("webhook_configs: []", f'webhook_configs: [{{url: "http://127.0.0.1:{hook}/"}}]'),
            ('group_wait: "30s"', 'group_wait: "1s"'), ('group_interval: "5m"', 'group_interval: "1s"'),
        )  # fmt: skip
        changed(folder / "rules.yml", ('for: "60s"', 'for: "1s"'))
        native = changed(folder / "prometheus.native.yml", ('"15s"', '"1s"'), ("127.0.0.1:9093", f"127.0.0.1:{told}"))
        stack.enter_context(program(
            "prometheus-alertmanager", told, tmp_path, f"--config.file={mail}",
            f"--storage.path={tmp_path / 'alerts'}", f"--web.listen-address=127.0.0.1:{told}",
            "--cluster.listen-address=",
        ))  # fmt: skip
        stack.enter_context(program(
            "prometheus", asked, tmp_path, f"--config.file={native}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{asked}",
        ))  # fmt: skip
        for name in ("GatewayDown", *(("EngineDown",) if engine == "vllm" else ())):
            alert = arrived(came, name, 60)
            assert alert["status"] == "firing" and alert["labels"]["severity"] == "critical"
            assert alert["annotations"]["summary"] and alert["annotations"]["todo"]
        test_alert = (tmp_path / "docs" / "operations.md").read_text().split("A test alert", 1)[1]
        command = test_alert.split("```bash\n", 1)[1].split("```", 1)[0].replace(":9093", f":{told}")
        subprocess.run(["bash", "-c", command], check=True, capture_output=True)
        assert arrived(came, "Test", 60)["status"] == "firing"
