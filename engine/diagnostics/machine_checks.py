"""Check what this machine and this workspace can do; every finding that is not ok says how to fix it.

Model libraries are queried only in subprocesses with a time limit, so one that hangs or crashes becomes a finding and
does not end this process.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from engine.core.child_environment import child_environment
from engine.core.cpu import cpu_fact
from probes.base import ProgressCallback

Level = Literal["ok", "warn", "fail"]
_TIMEOUT_S = 90
_GB = 1e9
_TORCH = """
import json, torch
print(json.dumps({"version": torch.__version__, "threads": torch.get_num_threads(), "cuda": torch.cuda.is_available(),
                  "simd": torch.backends.cpu.get_cpu_capability()}))
"""
_LLAMA = """
import json, llama_cpp
print(json.dumps({"version": llama_cpp.__version__, "features": llama_cpp.llama_print_system_info().decode(),
                  "gpu": bool(llama_cpp.llama_supports_gpu_offload())}))
"""


@dataclass(frozen=True, slots=True)
class Check:
    """The finding of one check; `remedy` is empty when there is nothing to do."""

    level: Level
    what: str
    detail: str
    remedy: str

    def to_dict(self) -> dict[str, str]:
        """Return the fields as `doctor --json` prints them."""
        return asdict(self)


def check_machine(progress: ProgressCallback = lambda _done, _total, _label: None) -> list[Check]:
    """Check Python, torch, the GPU, memory, llama.cpp and the training backends; takes some seconds.

    `progress(done, total, label)` counts checks.
    """
    checks: tuple[tuple[str, Callable[[], list[Check]]], ...] = (
        ("Python", _python),
        ("torch", _torch),
        ("GPU", _gpu),
        ("memory", _memory),
        ("llama.cpp", _llama),
        ("backends", _backends),
    )
    findings: list[Check] = []
    for number, (label, check) in enumerate(checks):
        progress(number, len(checks), label)
        findings += check()
    progress(len(checks), len(checks), "")
    return findings


def _python() -> list[Check]:
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.prefix == sys.base_prefix:
        return [
            Check("warn", "Python", f"{detail}, no virtual environment", "keep luna-tui in one: python -m venv .venv")
        ]
    return [Check("ok", "Python", detail, "")]


def _torch() -> list[Check]:
    facts, why = _ask(_TORCH)
    if facts is None:
        return [Check("fail", "torch", why, "training needs it: pip install torch==2.13.0")]
    flags = _cpu_flags()
    fast = [name for name in ("avx512_bf16", "amx_bf16") if name in flags]
    numbers = f"fast bf16 ({', '.join(fast)})" if fast else "no bf16 units, fp32 is used"
    detail = f"{facts['version']}, {facts['threads']} threads, {facts['simd']}, {numbers}"
    return [Check("ok", "torch", detail, "")]


def _gpu() -> list[Check]:
    try:
        import pynvml  # pyright: ignore[reportMissingTypeStubs]

        pynvml.nvmlInit()
    except Exception as error:  # NVML fails in as many ways as there are drivers; all mean: no GPU to use
        name = type(error).__name__.removeprefix("NVMLError_")
        return [Check("ok", "GPU", f"none ({name}); the CPU does everything", "")]
    try:
        return [_gpu_facts(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError as error:
        return [Check("warn", "GPU", f"NVML: {error}", "check the driver with nvidia-smi")]
    finally:
        pynvml.nvmlShutdown()


def _gpu_facts(nvml: Any, index: int) -> Check:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    name = nvml.nvmlDeviceGetName(handle)
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    text = name.decode() if isinstance(name, bytes) else str(name)
    detail = f"{text}, {memory.free / _GB:.1f} of {memory.total / _GB:.1f} GB free"
    if memory.free < 0.3 * memory.total:
        return Check("warn", f"GPU {index}", detail, "another process holds most of its memory: see nvidia-smi")
    return Check("ok", f"GPU {index}", detail, "")


def _memory() -> list[Check]:
    memory = psutil.virtual_memory()
    detail = f"{memory.available / _GB:.1f} of {memory.total / _GB:.1f} GB free, {os.cpu_count()} cores"
    if memory.available < 2 * _GB:
        remedy = "a 135 M model wants about 2 GB while it trains: close something, or lower [train] batch_size"
        return [Check("warn", "memory", detail, remedy)]
    return [Check("ok", "memory", detail, "")]


def _llama() -> list[Check]:
    facts, why = _ask(_LLAMA)
    if facts is None:
        remedy = "exams and chat need it: pip install llama-cpp-python==0.3.36"
        return [Check("fail", "llama.cpp", why, remedy)]
    on = [
        part.split("=")[0].split(":")[-1].strip()
        for part in str(facts["features"]).split("|")
        if part.strip().endswith("= 1")
    ]
    offload = "GPU offload" if facts["gpu"] else "CPU only"
    return [Check("ok", "llama.cpp", f"llama-cpp-python {facts['version']}, {offload}, {' '.join(on)}", "")]


def _backends() -> list[Check]:
    try:
        from engine.training.backends import backend_status

        states = backend_status()
    except ImportError as error:
        return [Check("fail", "backends", f"none imports: {error}", "install luna-tui again")]
    findings: list[Check] = []
    for state in states:
        if state["available"]:
            findings.append(Check("ok", f"backend {state['name']}", str(state["version"]), ""))
        else:
            remedy = "pip install 'luna-tui[unsloth]' on a GPU machine; --backend trl works without it"
            if state["name"] == "trl":
                remedy = "install luna-tui again: trl is one of its dependencies"
            findings.append(Check("warn", f"backend {state['name']}", str(state["why"]), remedy))
    if states and not any(state["available"] for state in states):
        findings.append(Check("fail", "backends", "no training backend imports", "see the lines above"))
    return findings


def check_workspace(root: Path) -> list[Check]:
    """Check luna.toml, the curriculum, the ledger and HEAD, runs, GGUFs, writing and the disk; changes nothing."""
    from engine.diagnostics import workspace_checks

    return workspace_checks.examine(root)


def _ask(script: str) -> tuple[dict[str, Any] | None, str]:
    """Run a script that prints one JSON object in a subprocess; return the object, or None and why there is none."""
    try:
        # -P keeps a torch.py in the working directory from being imported as torch.
        done = subprocess.run(
            [sys.executable, "-P", "-c", script],
            env=child_environment(),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None, f"did not answer within {_TIMEOUT_S} s"
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        return None, lines[-1] if lines else f"ended by signal or code {done.returncode}"
    try:
        return json.loads(done.stdout.strip().splitlines()[-1]), ""
    except (ValueError, IndexError):
        return None, "gave no answer"


def _cpu_flags() -> frozenset[str]:
    return frozenset(cpu_fact("flags").split())
