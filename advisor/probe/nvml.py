"""A thin handle on NVML: every question may go unanswered, and then the reason is kept."""

from __future__ import annotations

import importlib
from typing import Any


class NvmlFailed(Exception):
    """NVML cannot be opened."""


class Nvml:
    """The functions of pynvml (or of a scripted stand-in), asked one at a time."""

    def __init__(self, module: Any) -> None:
        self.module = module

    @classmethod
    def open(cls, module: Any = None) -> Nvml:
        """Import pynvml unless a stand-in is given, and initialise it.

        Raises:
            NvmlFailed: pynvml or the driver's library is missing, or the driver does not answer.
        """
        try:
            nvml = module or importlib.import_module("pynvml")
        except ImportError as error:
            raise NvmlFailed(f"pynvml is not installed ({error})") from None
        try:
            nvml.nvmlInit()
        except nvml.NVMLError as error:
            raise NvmlFailed(_reason(error)) from None
        return cls(nvml)

    def close(self) -> None:
        """Let go of the driver."""
        self.quietly("nvmlShutdown")

    def ask(self, key: str, unknown: dict[str, str], function: str, *arguments: Any) -> Any:
        """The answer with bytes as text, or None with the reason in `unknown[key]`."""
        try:
            answer = getattr(self.module, function)(*arguments)
        except (self.module.NVMLError, self.module.NVMLLibraryMismatchError, AttributeError) as error:
            unknown[key] = f"{function}: {_reason(error)}"
            return None
        return answer.decode(errors="replace") if isinstance(answer, bytes) else answer

    def quietly(self, function: str, *arguments: Any) -> Any:
        """The answer, or None where many cards rightly have none (ECC on a consumer card)."""
        return self.ask("", {}, function, *arguments)

    def handles(self, unknown: dict[str, str]) -> list[Any]:
        """Handles of every GPU that answers, in NVML's order: by PCI address."""
        count = self.ask("accelerators", unknown, "nvmlDeviceGetCount") or 0
        found = (
            self.ask(f"nvidia_gpu.{index}", unknown, "nvmlDeviceGetHandleByIndex", index) for index in range(count)
        )
        return [handle for handle in found if handle is not None]

    def process_name(self, pid: int) -> str | None:
        """The program's name alone: no folder, no arguments."""
        text = self.quietly("nvmlSystemGetProcessName", pid)
        words = str(text).split() if text else []
        return words[0].rpartition("/")[2] or None if words else None

    def field(self, handle: Any, field_id: int) -> int | None:
        """One of NVML's numbered field values as an integer."""
        values = self.quietly("nvmlDeviceGetFieldValues", handle, [field_id])
        if not values or values[0].nvmlReturn != 0:
            return None
        return int(values[0].value.uiVal)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
