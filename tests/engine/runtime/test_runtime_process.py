"""The child may abort, be killed, hang up or be cancelled: the parent lives, says why, and goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tiny_models import break_tokenizer, make_tiny_gguf

from engine.core.errors import Damaged, Interrupted, RuntimeChildError, UsageError
from engine.runtime.client import Runtime
from engine.runtime.process import ChildProcess
from probes.base import Generation

ROOT = Path(__file__).resolve().parents[3]
# More than a pipe holds: a child nobody reads from cannot finish this.
ENDLESS = 30_000


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # With other seeds the answer to "x" ends by itself after some 200 tokens, which a busy machine may not notice.
    return make_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf", n_ctx=ENDLESS + 1000, seed=3)


@pytest.fixture
def runtime(tiny: Path) -> Iterator[Runtime]:
    with Runtime(threads=2) as runtime:
        runtime.load(tiny, n_ctx=ENDLESS + 512)
        yield runtime


def answers(runtime: Runtime) -> bool:
    return runtime.generate(["x"], max_tokens=2)[0].tokens <= 2


def test_an_abort_is_an_error_and_the_next_call_works(runtime: Runtime, tiny: Path, tmp_path: Path) -> None:
    broken = break_tokenizer(tiny, tmp_path / "broken.gguf")
    runtime.load(broken)
    for _ in range(2):  # the second call starts a new child, loads the same file and aborts again
        with pytest.raises(RuntimeChildError) as caught:
            runtime.tokenize(["hello world"])
        assert "SIGABRT" in caught.value.title
        assert "tokenize" in caught.value.title
        assert "out_of_range" in caught.value.hint
        assert runtime.pid is None
    runtime.load(tiny)
    assert answers(runtime)


def test_a_killed_child_is_replaced_and_its_model_loaded_again(runtime: Runtime) -> None:
    pid = runtime.pid
    assert pid is not None

    def kill(_index: int, _value: Generation) -> None:
        os.kill(pid, signal.SIGKILL)

    with pytest.raises(RuntimeChildError, match="SIGKILL while it worked on generate"):
        runtime.generate(["x", "y"], max_tokens=[1, ENDLESS], on_done=kill)
    assert answers(runtime)
    assert runtime.pid not in (None, pid)


def test_a_child_killed_between_calls_is_not_noticed(runtime: Runtime) -> None:
    assert runtime.pid is not None
    psutil.Process(runtime.pid).kill()
    psutil.wait_procs([psutil.Process(runtime.pid)] if runtime.pid else [], timeout=60)
    assert answers(runtime)


def test_close_in_the_middle_and_use_again(runtime: Runtime) -> None:
    events = runtime.stream("x", max_tokens=ENDLESS)
    next(events)
    runtime.close()
    with pytest.raises(RuntimeChildError, match="was closed while it worked on stream"):
        list(events)
    assert answers(runtime)


def test_bad_files_are_told_apart(runtime: Runtime, tiny: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(tiny.read_bytes()[:200_000])
    with pytest.raises(Damaged, match="truncated"):
        runtime.load(bad)
    bad.write_bytes(b"this is a text file")
    with pytest.raises(UsageError, match="not a GGUF"):
        runtime.load(bad)
    with pytest.raises(UsageError, match="no such"):
        runtime.load(tmp_path / "none.gguf")
    assert answers(runtime)  # the model loaded before is still there


def test_llama_cpp_refusing_a_file_is_an_error_with_its_reason(runtime: Runtime, tiny: Path, tmp_path: Path) -> None:
    bad = tmp_path / "renamed.gguf"
    bad.write_bytes(tiny.read_bytes().replace(b"output_norm.weight", b"output_nope.weight"))
    pid = runtime.pid
    with pytest.raises(RuntimeChildError, match="cannot load this GGUF") as caught:
        runtime.load(bad)
    assert "output_norm" in caught.value.hint
    assert runtime.pid == pid


def test_a_file_replaced_on_disk_is_loaded_anew(tiny: Path, tmp_path: Path) -> None:
    path = make_tiny_gguf(tmp_path / "model.gguf", seed=1)
    with Runtime(threads=2) as runtime:
        runtime.load(path)
        before = runtime.generate(["Tell me"], max_tokens=12)[0].text
        make_tiny_gguf(tmp_path / "other.gguf", seed=2).rename(path)
        runtime.load(path)
        assert runtime.generate(["Tell me"], max_tokens=12)[0].text != before


def test_without_a_model_the_call_says_so(tiny: Path) -> None:
    with Runtime() as runtime, pytest.raises(RuntimeChildError, match="no model is loaded"):
        runtime.tokenize(["x"])
    with Runtime() as runtime:
        runtime.load(tiny)
        runtime.unload()
        with pytest.raises(RuntimeChildError, match="no model is loaded"):
            runtime.generate(["x"], max_tokens=1)


def test_a_load_that_takes_too_long_is_stopped(tiny: Path) -> None:
    with Runtime(load_timeout=0.0) as runtime:
        with pytest.raises(RuntimeChildError, match="did not finish load within 0 seconds"):
            runtime.load(tiny)
        assert runtime.pid is None


def test_a_stream_is_cancelled_from_another_thread(runtime: Runtime) -> None:
    events = runtime.stream("x", max_tokens=ENDLESS)
    next(events)
    other = threading.Thread(target=runtime.cancel)
    other.start()
    other.join()
    *_, last = events
    assert last.stats is not None
    assert last.stats.stop_reason == "stopped"
    assert last.stats.tokens < ENDLESS
    assert answers(runtime)


def test_a_long_prompt_is_cancelled_before_its_first_token(runtime: Runtime) -> None:
    pid, connection = runtime.pid, runtime._connection  # pyright: ignore[reportPrivateUsage]

    def cancel_once_busy() -> None:
        while not connection._lock.locked():  # pyright: ignore[reportPrivateUsage]
            os.sched_yield()
        runtime.cancel()

    canceller = threading.Thread(target=cancel_once_busy)
    canceller.start()
    *_, last = runtime.stream("time " * (ENDLESS // 2), max_tokens=ENDLESS // 2)
    canceller.join()
    assert last.stats is not None
    assert last.stats.stop_reason == "stopped"
    assert runtime.pid == pid
    assert answers(runtime)


def test_cancelled_batches_raise_and_keep_what_was_done(runtime: Runtime) -> None:
    seen: list[int] = []

    def done(index: int, _value: Generation) -> None:
        seen.append(index)
        runtime.cancel()

    with pytest.raises(Interrupted) as caught:
        runtime.generate(["x", "y", "z"], max_tokens=[1, ENDLESS // 3, ENDLESS // 3], on_done=done)
    assert caught.value.exit_code == 130
    assert seen == [0]
    assert answers(runtime)
    runtime.cancel()  # nothing is under way: the next call is not cancelled
    assert answers(runtime)


def test_a_stream_left_early_leaves_the_model_loaded(runtime: Runtime) -> None:
    pid = runtime.pid
    events = runtime.stream("x", max_tokens=ENDLESS)
    next(events)
    with pytest.raises(RuntimeChildError, match="still streaming"):
        runtime.generate(["x"], max_tokens=1)
    events.close()  # type: ignore[attr-defined]
    assert answers(runtime)
    assert runtime.pid == pid


def test_an_error_in_a_callback_does_not_leave_replies_behind(runtime: Runtime) -> None:
    def fail(_index: int, _value: Generation) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        runtime.generate(["x", "y"], max_tokens=[1, 500], on_done=fail)
    assert [len(ids) > 0 for ids in runtime.tokenize(["a", "b"])] == [True, True]


def test_requests_from_threads_wait_for_each_other(runtime: Runtime) -> None:
    prompts = [f"Tell me {i}" for i in range(6)]
    expected = [g.text for g in runtime.generate(prompts, max_tokens=8)]
    got: dict[int, str] = {}

    def ask(i: int) -> None:
        got[i] = runtime.generate([prompts[i]], max_tokens=8)[0].text

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [got[i] for i in range(6)] == expected


def test_the_child_ends_when_its_pipe_closes_even_while_decoding(runtime: Runtime) -> None:
    events = runtime.stream("x", max_tokens=ENDLESS)
    next(events)
    child: ChildProcess | None = runtime._connection.child  # pyright: ignore[reportPrivateUsage]
    assert child is not None
    child.stdin.close()
    assert child.process.wait(60) == 0
    with pytest.raises(RuntimeChildError):
        list(events)


def test_the_log_keeps_what_the_child_said(tiny: Path, tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    log.write_text("from the run before\n")
    broken = break_tokenizer(tiny, tmp_path / "broken.gguf")
    with Runtime(log=log) as runtime:
        runtime.load(broken)
        with pytest.raises(RuntimeChildError) as caught:
            runtime.tokenize(["hello world"])
    assert caught.value.where == str(log)
    assert "before" not in caught.value.hint
    said = log.read_text()
    assert said.startswith("from the run before\n")
    assert "out_of_range" in said


SCRIPT = """
import sys
from engine.core.errors import RuntimeChildError
from engine.runtime.client import Runtime
assert not {"llama_cpp", "numpy", "torch"} & sys.modules.keys()
with Runtime() as runtime:
    runtime.load(sys.argv[1])
    runtime.generate(["x"], max_tokens=2)
    try:
        runtime.load(sys.argv[2])
        runtime.tokenize(["hello world"])
    except RuntimeChildError:
        pass
assert not {"llama_cpp", "numpy", "torch"} & sys.modules.keys()
"""


def test_nothing_reaches_the_parents_terminal_or_imports_llama_cpp_there(tiny: Path, tmp_path: Path) -> None:
    broken = break_tokenizer(tiny, tmp_path / "broken.gguf")
    # Files in the working directory must not be imported in place of the child's modules.
    (tmp_path / "numpy.py").write_text("raise SystemExit('the wrong numpy')")
    (tmp_path / "engine").mkdir()
    run = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT, str(tiny), str(broken)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
