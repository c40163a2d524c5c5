"""Which llama.cpp `make setup` compiles: CUDA's where a toolkit and a GPU are, Metal's on a Mac, else the CPU's."""

from __future__ import annotations

import ctypes
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOOK = Path(__file__).with_name("llama.cmake")


@dataclass(frozen=True)
class Build:
    """A kind of build, why it was chosen, and the toolkit's compiler where it needs one."""

    kind: str
    why: str
    nvcc: str = ""

    def __str__(self) -> str:
        return f"a {self.kind} build ({self.why})"

    def environment(self, environ: Mapping[str, str], cores: int) -> dict[str, str]:
        """`environ` with what makes pip build this; what the user asks of CMake comes last and wins."""
        # libllama and ggml alone, without the multimodal part and the library of the command line tools.
        arguments = ["-DLLAVA_BUILD=OFF", f"-DCMAKE_PROJECT_llama.cpp_INCLUDE={HOOK}", "-DLLAMA_ALL_WARNINGS=OFF"]
        if self.kind == "CUDA":
            arguments.append("-DGGML_CUDA=on")
        made = {
            "CMAKE_GENERATOR": "Ninja",
            "SKBUILD_NINJA_MAKE_FALLBACK": "false",  # pip brings ninja where there is none; make does not count objects
            "CMAKE_BUILD_PARALLEL_LEVEL": str(cores),
        }
        if self.nvcc:
            made["CUDACXX"] = self.nvcc
        return {**made, **environ, "CMAKE_ARGS": f"{shlex.join(arguments)} {environ.get('CMAKE_ARGS', '')}".strip()}


def choose_build(environ: Mapping[str, str]) -> Build:
    """What this machine gets, or what `LLAMA=cpu|cuda` asks for. Raises ValueError saying what is wrong with that."""
    asked = environ.get("LLAMA", "")
    if asked not in ("", "cpu", "cuda"):
        raise ValueError(f"LLAMA={asked}: it is `cpu` or `cuda`, or left out")
    nvcc = find_nvcc(environ)
    if asked == "cuda":
        if not nvcc:
            raise ValueError("LLAMA=cuda, but no CUDA toolkit was found: put its nvcc on the PATH, or set CUDA_HOME")
        if not has_cublas(nvcc):
            raise ValueError(
                f"LLAMA=cuda, but {nvcc} finds no cuBLAS: install the toolkit's libcublas, headers included"
            )
        return Build("CUDA", f"asked for; the toolkit is {nvcc}", nvcc)
    if asked == "cpu":
        return Build("CPU", "asked for")
    if sys.platform == "darwin":
        return Build("Metal", "macOS")
    if not nvcc:
        return Build("CPU", "no CUDA toolkit found")
    gpus = count_gpus()
    if gpus == 0:
        # Compiled for CUDA, llama.cpp does not even load where the driver is missing.
        return Build(
            "CPU", f"there is a CUDA toolkit, {nvcc}, but no NVIDIA GPU; LLAMA=cuda compiles for one all the same"
        )
    if not has_cublas(nvcc):
        return Build("CPU", f"the CUDA toolkit's {nvcc} finds no cuBLAS, which llama.cpp needs: install libcublas")
    return Build("CUDA", f"{gpus} NVIDIA GPU{'s' if gpus > 1 else ''}, and the toolkit {nvcc}", nvcc)


def find_nvcc(environ: Mapping[str, str]) -> str:
    """The CUDA toolkit's compiler: on the PATH, or under CUDA_HOME or CUDA_PATH; else empty."""
    if found := shutil.which("nvcc", path=environ.get("PATH")):
        return found
    homes = [environ.get("CUDA_HOME"), environ.get("CUDA_PATH")]
    return next((nvcc for home in homes if home and (nvcc := shutil.which("nvcc", path=f"{home}/bin"))), "")


def has_cublas(nvcc: str) -> bool:
    """Can the toolkit compile against cuBLAS, which some packages of it come without?"""
    include = subprocess.run(
        [nvcc, "-x", "cu", "-E", "-"], input="#include <cublas_v2.h>\n", text=True, capture_output=True, check=False
    )
    return include.returncode == 0


def count_gpus() -> int:
    """NVIDIA GPUs that the driver answers for; 0 without a driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value
