"""What only Linux has is taken away in a process of its own, as macOS would not have it: everything must still run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_workspace import TinyWorkspace

ROOT = Path(__file__).resolve().parents[3]

# Python runs this before anything else in every process that finds it, llama.cpp's child too.
WITHOUT_LINUX = '''
import errno, fcntl, os, resource, select, signal, sys

ONLY_LINUX = {
    os: """sched_getaffinity sched_setaffinity sched_getparam sched_setparam sched_getscheduler sched_setscheduler
        sched_rr_get_interval posix_fadvise posix_fallocate copy_file_range splice memfd_create eventfd eventfd_read
        eventfd_write pidfd_open getrandom getxattr setxattr listxattr removexattr fdatasync pipe2 unshare setns
        getresuid setresuid getresgid setresgid O_DIRECT O_TMPFILE O_PATH O_NOATIME O_RSYNC O_LARGEFILE
        POSIX_FADV_DONTNEED POSIX_FADV_SEQUENTIAL POSIX_FADV_WILLNEED MFD_CLOEXEC EFD_CLOEXEC ST_NOATIME ST_RELATIME
        RTLD_DEEPBIND P_PIDFD login_tty""",
    resource: "prlimit RLIMIT_MSGQUEUE RLIMIT_NICE RLIMIT_RTPRIO RLIMIT_RTTIME RLIMIT_SIGPENDING RLIMIT_OFILE "
        "RUSAGE_THREAD",
    select: "epoll EPOLLIN EPOLLOUT EPOLLET EPOLL_CLOEXEC POLLRDHUP",
    signal: "SIGPWR SIGPOLL SIGSTKFLT SIGCLD SIGRTMIN SIGRTMAX sigtimedwait sigwaitinfo pidfd_send_signal",
    fcntl: "F_OFD_GETLK F_OFD_SETLK F_OFD_SETLKW F_SETPIPE_SZ F_GETPIPE_SZ F_ADD_SEALS F_GET_SEALS F_NOTIFY F_SETSIG "
        "F_GETSIG F_SETLEASE F_GETLEASE LOCK_MAND FICLONE",
    errno: "EREMOTEIO EUCLEAN ENOMEDIUM EMEDIUMTYPE ENOKEY EKEYEXPIRED ERFKILL EHWPOISON EBADFD ERESTART",
}
for module, names in ONLY_LINUX.items():
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)

OURS = tuple(os.environ["LUNA_TEST_PACKAGES"].split(os.pathsep))


def hide(event, arguments):
    if event == "open" and str(arguments[0]).startswith(("/proc", "/sys")):
        frame = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename.endswith(("pathlib.py", "_local.py", "codecs.py")):
            frame = frame.f_back
        if frame is not None and frame.f_code.co_filename.startswith(OURS):
            raise FileNotFoundError(errno.ENOENT, "not on macOS", arguments[0])


sys.addaudithook(hide)
'''

USE = """
import importlib, json, os, pkgutil, sys
from pathlib import Path

assert not hasattr(os, "sched_getaffinity")
for package in ("ledger", "probes", "engine", "luna_tui"):
    found = importlib.import_module(package)
    for module in pkgutil.walk_packages(found.__path__, package + "."):
        # The first runs the program; the second imports Unsloth, an optional package that is for some systems only.
        if module.name not in ("luna_tui.__main__", "engine.training.sft.unsloth_backend"):
            importlib.import_module(module.name)

from engine.diagnostics.machine_checks import check_machine, check_workspace
from engine.diagnostics.resource_monitor import ResourceMonitor
from engine.runtime.client import Runtime
from engine.core.cpu import cpu_fact

root = Path(sys.argv[1])
findings = [*check_machine(), *check_workspace(root)]
with Runtime() as runtime:
    info = runtime.load(root / "base.gguf", n_ctx=64, n_parallel=2)
    answers = runtime.generate(["Can you help me?", "Who are you"], max_tokens=4)
sample = ResourceMonitor(root).sample()
print(json.dumps({
    "failed": [[f.name, f.detail] for f in findings if f.level == "fail"],
    "threads": runtime.threads,
    "tokens": [answer.tokens for answer in answers],
    "flags": cpu_fact("flags"),
    "ram": sample.ram_total,
}))
"""


def _without_linux(folder: Path) -> dict[str, str]:
    """The environment of a process, and of its children, that has nothing only Linux has."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WITHOUT_LINUX, encoding="utf-8")
    ours = [str(ROOT / package) for package in ("ledger", "probes", "engine", "luna_tui")]
    path = [str(folder), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path),
        "LUNA_TEST_PACKAGES": os.pathsep.join(ours),
    }


@pytest.mark.slow
def test_everything_imports_and_a_model_answers_without_what_only_linux_has(
    tiny: TinyWorkspace, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", USE, str(tiny.root)],
        capture_output=True,
        text=True,
        env=_without_linux(tmp_path / "macos"),
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["failed"] == []
    assert told["threads"] == os.cpu_count()
    assert all(count > 0 for count in told["tokens"])
    assert told["flags"] == "", "/proc was not hidden, so this test shows nothing"
    assert told["ram"]


@pytest.mark.slow
def test_a_generation_is_trained_without_what_only_linux_has(tiny: TinyWorkspace, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "luna_tui", "-w", str(tiny.root), "train"],
        capture_output=True,
        text=True,
        env=_without_linux(tmp_path / "macos"),
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(tiny.shas()) == 1
