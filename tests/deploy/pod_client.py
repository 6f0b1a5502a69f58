"""Runs inside a node's network: streams answers from a base URL and says, as JSON, how each of them ended.

    python pod_client.py '{"url": ..., "key": ..., "model": ..., "requests": 4, "tokens": 100, "started": FILE}'

`started` is written once every request has its first token.
"""

from __future__ import annotations

import json
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any


def stream(asked: dict[str, Any], number: int, first: threading.Barrier) -> dict[str, Any]:
    """One streamed answer: status, pieces of text, why it ended."""
    body = {
        "model": asked["model"],
        "messages": [{"role": "user", "content": f"Count from {number} upwards, and do not stop."}],
        "max_tokens": asked["tokens"],
        "temperature": 0.7,
        "top_p": 0.9,
        "stream": True,
        "ignore_eos": True,  # vLLM's; Ollama takes no notice and may stop earlier
    }
    headers = {"Content-Type": "application/json"}
    if asked.get("key"):
        headers["Authorization"] = f"Bearer {asked['key']}"
    request = urllib.request.Request(  # noqa: S310 - the URL is the test's own
        f"{asked['url']}/v1/chat/completions", data=json.dumps(body).encode(), headers=headers
    )
    pieces, reason, done = 0, None, False
    try:
        with urllib.request.urlopen(request, timeout=asked.get("timeout", 300)) as answer:  # noqa: S310
            for line in answer:
                text = line.decode().removeprefix("data: ").strip()
                if text == "[DONE]":
                    done = True
                elif text.startswith("{"):
                    choice = json.loads(text)["choices"][:1]
                    reason = (choice[0].get("finish_reason") if choice else None) or reason
                    pieces += bool(choice and choice[0].get("delta", {}).get("content"))
                    if pieces == 1 and not first.broken:
                        threading.Thread(target=first.wait, daemon=True).start()
    except urllib.error.HTTPError as refused:
        return {"status": refused.code}
    except OSError as cut:
        return {"status": 0, "pieces": pieces, "error": str(cut)}
    return {"status": 200, "pieces": pieces, "reason": reason, "done": done}


def main() -> None:
    """All requests at once."""
    asked = json.loads(sys.argv[1])
    count = asked.get("requests", 1)
    answers: list[dict[str, Any]] = [{}] * count
    first = threading.Barrier(count, action=lambda: Path(asked["started"]).touch() if "started" in asked else None)

    def run(number: int) -> None:
        answers[number] = stream(asked, number, first)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
