"""What goes wrong around an application does not reach it: full disks, dead and slow sinks, kills, forks, clocks."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from llmops_git.runtime import Router
from llmops_git.runtime.counts import Counts
from llmops_git.runtime.export import Ready
from llmops_git.runtime.file_sink import FileSink
from llmops_git.runtime.sinks import SinkUnavailable
from llmops_git.runtime.worker import Worker
from llmops_git.traces import attributes as names
from llmops_git.traces.otlp import from_otlp_line
from tests.runtime.runtime_material import bundle_bytes, by_operation, loaded, written

ROOT = Path(__file__).parents[2]


def child(folder: Path, what: str) -> subprocess.Popen[str]:
    (folder / "router.json").write_bytes(bundle_bytes())
    command = [sys.executable, "-m", "tests.runtime.runtime_child", str(folder), what]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=60)
    assert 0 == process.returncode, err
    return out


def users(folder: Path) -> list[str]:
    return [str(span.attributes[names.USER]) for span in by_operation(written(folder), names.INVOKE_WORKFLOW)]


def test_a_program_that_just_ends_loses_nothing(tmp_path: Path) -> None:
    ended(child(tmp_path, "end"))
    assert [f"u{number}" for number in range(100)] == users(tmp_path)


def test_a_kill_loses_at_most_what_was_not_written(tmp_path: Path) -> None:
    process = child(tmp_path, "kill")
    assert process.stdout is not None
    assert "flushed\n" == process.stdout.readline()
    time.sleep(1.2)
    process.kill()
    process.communicate()
    [file] = (tmp_path / "raw").iterdir()
    *whole, last = file.read_bytes().split(b"\n")
    found = [str(span.attributes[names.USER]) for line in whole for span in from_otlp_line(line.decode()) if not span.parent_id]
    assert [f"u{number}" for number in range(len(found))] == found  # in order, without a hole
    assert 100 < len(found)
    assert not last or not last.endswith(b"}")


def test_each_child_of_a_fork_writes_its_own(tmp_path: Path) -> None:
    out = ended(child(tmp_path, "fork"))
    found = users(tmp_path)
    assert len(found) == len(set(found)) == 200
    assert 4 == len(list((tmp_path / "raw").iterdir()))
    assert "'spans_waiting'" in out


def test_children_of_multiprocessing_write_before_they_end(tmp_path: Path) -> None:
    ended(child(tmp_path, "pool"))
    assert {"u0", "u1", "u2"} == set(users(tmp_path))


def test_a_full_disk_stops_nothing_and_loses_nothing_that_has_room_to_wait(tmp_path: Path) -> None:
    slowest, written_spans = ended(child(tmp_path, "full")).split()
    assert float(slowest) < 0.5
    assert 120 == int(written_spans)
    assert sorted(f"u{number}" for number in range(60)) == sorted(users(tmp_path))


def test_a_signal_handler_may_record(tmp_path: Path) -> None:
    out = ended(child(tmp_path, "interrupt"))
    assert out.startswith("True")
    found = users(tmp_path)
    assert {f"u{number}" for number in range(2_000)} < set(found)
    assert found.count("u9999") > 5


class Broken:
    """A sink that fails as it is told."""

    name = "broken"

    def __init__(self, act: Callable[[Sequence[Ready]], int]) -> None:
        self.act = act
        self.taken: list[Ready] = []

    def open(self, *_arguments: object) -> None:
        return

    def write(self, ready: Sequence[Ready]) -> int:
        number = self.act(ready)
        self.taken += ready
        return number

    def close(self) -> None:
        return

    def after_fork(self) -> None:
        return


def unavailable(_ready: Sequence[Ready]) -> int:
    raise SinkUnavailable("down")


def serve(router: Router, number: int) -> None:
    with router.request(user=f"u{number}"):
        pass


def test_what_a_sink_cannot_take_is_dropped_counted_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sink = Broken(unavailable)
    router = loaded(tmp_path, sinks=[sink])
    router.pipeline.channels[0].worker._most = 50
    with caplog.at_level(logging.WARNING, logger="llmops_git.runtime"):
        for number in range(80):
            serve(router, number)
        assert not router.flush(5)
    assert (50, 30) == (router.stats()["spans_waiting"], router.stats()["spans_dropped"])
    assert 1 == len(caplog.records)  # at most once a minute
    sink.act = lambda _: 0
    assert router.flush(5)
    assert 50 == router.stats()["spans_broken"]
    spans = [span for ready in sink.taken for span in ready]
    assert [f"u{number}" for number in range(50)] == [span.attributes[names.USER] for span in spans]
    assert [30, *[None] * 49] == [span.attributes.get(names.DROPPED_SPANS) for span in spans]


def test_a_sink_that_breaks_costs_what_it_was_given_and_no_more(tmp_path: Path) -> None:
    def broken(_ready: Sequence[Ready]) -> int:
        raise RuntimeError("bug")

    sink = Broken(broken)
    router = loaded(tmp_path, sinks=[sink, FileSink(tmp_path / "raw")])
    serve(router, 1)
    router.flush(5)
    sink.act = lambda _: 0
    serve(router, 2)
    assert router.flush(5)
    assert ["u1", "u2"] == users(tmp_path)
    [last] = sink.taken
    assert 1 == last[0].attributes[names.DROPPED_SPANS]
    assert 1 == router.stats()["spans_dropped"]


def test_a_slow_sink_does_not_slow_the_application_or_the_other_sink(tmp_path: Path) -> None:
    release = threading.Event()

    def slow(_ready: Sequence[Ready]) -> int:
        release.wait(10)
        return 0

    router = loaded(tmp_path, sinks=[Broken(slow), FileSink(tmp_path / "raw")])
    started = time.perf_counter()
    for number in range(500):
        serve(router, number)
    assert time.perf_counter() - started < 2
    until = time.monotonic() + 10
    while len(users(tmp_path)) < 500 and time.monotonic() < until:
        time.sleep(0.05)
    assert 500 == len(users(tmp_path))
    release.set()
    assert router.flush(5)


def test_more_than_the_queue_holds_is_dropped_at_once(tmp_path: Path) -> None:
    router = loaded(tmp_path)
    front = router.pipeline._front
    front._most = 10
    with front._running:  # the thread cannot take anything
        for number in range(30):
            serve(router, number)
        assert front.waiting <= 20
    assert router.flush(5)
    stats = router.stats()
    assert 30 == stats["spans_file"] + stats["spans_dropped"]
    assert stats["spans_dropped"] >= 10


def test_a_folder_that_cannot_be_written_to_does_not_keep_an_application_from_starting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    router = loaded(tmp_path, sinks=[FileSink(tmp_path / "file" / "raw")])
    serve(router, 1)
    assert not router.flush(5)
    assert 1 == router.stats()["failures_file"]
    (tmp_path / "file").unlink()
    assert router.flush(5)
    assert 1 == router.stats()["spans_file"]


def test_half_a_line_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    router = loaded(tmp_path)
    serve(router, 1)
    assert router.flush(5)
    real = os.write

    def half(file: int, data: Any) -> int:
        if len(data) < 100:
            raise OSError(28, "No space left on device")
        return real(file, data[: len(data) // 2])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half)
        serve(router, 2)
        assert not router.flush(5)
    [file] = (tmp_path / "raw").iterdir()
    assert 1 == len(file.read_bytes().splitlines())
    assert router.flush(5)
    assert ["u1", "u2"] == users(tmp_path)


def test_files_begin_anew_when_they_are_large_or_old(tmp_path: Path) -> None:
    now = [0.0]
    sink = FileSink(tmp_path / "raw", most_bytes=2_000, wall=lambda: now[0])
    router = loaded(tmp_path, sinks=[sink])
    for number in range(4):
        serve(router, number)
        router.flush(5)
    sizes = [file.stat().st_size for file in (tmp_path / "raw").iterdir()]
    assert len(sizes) > 1
    assert max(sizes) <= 2_000
    before = len(sizes)
    now[0] = 3_700.0
    serve(router, 5)
    assert router.flush(5)
    assert before + 1 == len(list((tmp_path / "raw").iterdir()))
    assert all(file.name.split("-")[-2] == str(os.getpid()) for file in (tmp_path / "raw").iterdir())


def test_a_clock_that_goes_back_makes_no_negative_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    router = loaded(tmp_path)
    clock = [2_000_000_000 * 10**9]
    monkeypatch.setattr(time, "time_ns", lambda: clock[0])
    with router.request() as request:
        clock[0] -= 3_600 * 10**9
        request.tool("t", {}, lambda: time.sleep(0.01))
    root, tool = written(tmp_path, router)
    assert root.start_ns <= tool.start_ns < tool.end_ns <= root.end_ns
    assert 2_000_000_000 * 10**9 == root.start_ns
    assert 0.01 <= (tool.end_ns - tool.start_ns) / 1e9 < 1


def test_a_log_handler_that_breaks_reaches_nobody() -> None:
    class Raising(logging.Handler):
        def emit(self, _record: logging.LogRecord) -> None:
            raise RuntimeError("bug")

    logger = logging.getLogger("llmops_git.runtime")
    handler = Raising()
    logger.addHandler(handler)
    try:
        counts = Counts()
        counts.trouble("spans_dropped", "x")
        counts.trouble("spans_dropped", "x", 4)
    finally:
        logger.removeHandler(handler)
    assert {"spans_dropped": 5} == counts.all()


def test_a_worker_whose_thread_cannot_start_works_at_the_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object) -> None:
        raise RuntimeError("can't start new thread")

    seen: list[Any] = []
    worker = Worker(lambda items, _: seen.extend(items), most=10, trouble=lambda _: None)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert worker.put("a")
    assert [] == seen
    assert worker.flush(1)
    assert ["a"] == seen


def test_every_line_is_json_that_any_reader_takes(tmp_path: Path) -> None:
    router = loaded(tmp_path, content="full")
    with router.request(user="\ud800", feature="a\x00b") as request:
        request.messages(message="\udfff \u2028 \x85 line\nbreak")
        request.record("\ud83d")
    assert 2 == len(written(tmp_path, router))
    [file] = (tmp_path / "raw").iterdir()
    text = file.read_bytes()
    assert 1 == len(text.splitlines())
    assert "\ufffd" in json.dumps(json.loads(text), ensure_ascii=False)
    assert b"\\ud8" not in text
    assert b"\\u0000" not in text
