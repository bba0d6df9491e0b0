"""The store as a whole: one step at a time whatever is killed, several at once, on a folder and on object storage."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from live_material import CONFIG, NEW, OLD, START_NS, live_lines, live_spans, live_store

from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.monitoring import store as store_module
from llmops_git.monitoring.compact import compact
from llmops_git.monitoring.files import writing
from llmops_git.monitoring.ingest import ingest
from llmops_git.monitoring.manifest import Manifest
from llmops_git.monitoring.prune import prune
from llmops_git.monitoring.store import Store, open_store
from llmops_git.traces import attributes as names

NOW_NS = START_NS + 30 * 86_400 * 10**9
DAY = 86_400
PROCESS = Path(__file__).parent / "store_process.py"


def raw(folder: Path, requests: int, files: int, **options) -> int:
    """So many requests in so many raw files; how many spans they are."""
    folder.mkdir(parents=True, exist_ok=True)
    spans = live_spans(requests=requests, **options)
    lines = live_lines(spans)
    for number in range(files):
        part = lines[number::files]
        (folder / f"app-{number}.jsonl").write_text("".join(line + "\n" for line in part))
    return len(spans)


def spans_in(store: Store) -> tuple[int, int]:
    """How many rows, and how many different spans."""
    with store.connection() as connection:
        found = connection.execute("select count(*), count(distinct trace_id || '/' || span_id) from spans").fetchone()
    return found or (0, 0)


def start(store: Path, folder: Path, *more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    arguments = [sys.executable, str(PROCESS), str(store), str(folder), str(NOW_NS), *more]
    return subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_killed_at_any_moment_nothing_is_lost_and_nothing_is_kept_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = raw(tmp_path / "raw", 120, 6, every_ms=3_600_000)  # five days
    draw = random.Random(11)
    store = open_store(tmp_path / "store")
    for attempt in range(8):
        process = start(tmp_path / "store", tmp_path / "raw")
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
        time.sleep(draw.uniform(0.0, 0.5) * attempt / 4)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        rows, different = spans_in(store)  # whatever is there can be read, and is there once
        assert rows == different
    ingest(store, [tmp_path / "raw"], now_ns=NOW_NS)
    compact(store, now_ns=NOW_NS + 3600 * 10**9)
    assert (total, total) == spans_in(store)
    named = {*store.manifest().files, *store.manifest().retired}
    assert named == set(store.files.names("spans"))
    assert [] == store.files.names("working")


class Killed(BaseException):
    """What a kill is for the steps below: nothing after it runs."""


STEPS = ["take", "create", "write", "remove"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True])
def test_a_step_that_is_never_finished_leaves_the_store_as_it_was_or_as_it_should_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    """Every single file operation in turn is the last one, before or after it took effect."""
    total = raw(tmp_path / "raw", 12, 2, every_ms=18_000_000)
    with (tmp_path / "raw" / "app-0.jsonl").open("a") as out:
        out.write("damaged\n")
    for number in range(12):
        store = open_store(tmp_path / f"store-{step}-{after}-{number}")
        done = 0
        real = getattr(store.files, step)

        def dying(*arguments, real=real, number=number):
            nonlocal done
            done += 1
            if done == number + 1 and not after:
                raise Killed
            real(*arguments)
            if done == number + 1:
                raise Killed

        monkeypatch.setattr(store.files, step, dying)
        died = False
        try:
            ingest(store, [tmp_path / "raw"], now_ns=NOW_NS)
            compact(store, now_ns=NOW_NS)
            compact(store, now_ns=NOW_NS + 3600 * 10**9)
        except Killed:
            died = True
        again = open_store(store.files.where)
        rows, different = spans_in(again)
        assert rows == different
        ingest(again, [tmp_path / "raw"], now_ns=NOW_NS)
        compact(again, now_ns=NOW_NS + 3600 * 10**9)
        assert (total, total) == spans_in(again)
        assert 1 == sum(again.manifest().quarantined.values())
        assert set(again.manifest().quarantined) == set(again.files.names("quarantine"))
        if not died:
            break


def test_two_at_once_are_one_after_the_other(tmp_path: Path) -> None:
    total = raw(tmp_path / "raw", 60, 3)
    processes = [start(tmp_path / "store", tmp_path / "raw", "once") for _ in range(3)]
    for process in processes:
        process.communicate(timeout=120)
    assert [0, 0, 0] == [process.returncode for process in processes]
    assert (total, total) == spans_in(open_store(tmp_path / "store"))


def test_who_waits_too_long_for_another_writer_is_told_so(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    with (
        writing(store.files),
        pytest.raises(NotMeasured, match="another process is writing"),
        writing(open_store(tmp_path / "store").files, wait_seconds=0.1),
    ):
        pass


def test_a_commit_that_is_not_after_the_newest_is_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    store.commit(Manifest().changed())
    with pytest.raises(NotMeasured, match="another process wrote"):
        store.commit(Manifest().changed())


def test_a_reader_that_began_before_a_compaction_reads_to_the_end(tmp_path: Path) -> None:
    store = live_store(tmp_path / "store", live_spans(requests=10))
    live_store(tmp_path / "store", live_spans(requests=10, seed=8))
    with store.connection() as connection:
        compact(store, now_ns=NOW_NS)
        before = connection.execute("select count(*) from spans").fetchone()
        assert before == (sum(file.rows for file in store.manifest().files.values()),)
    assert (1, 2) == (len(store.manifest().files), len(store.manifest().retired))
    assert 3 == len(store.files.names("spans"))
    compact(store, now_ns=NOW_NS + 301 * 10**9)
    assert 1 == len(store.files.names("spans"))


@pytest.mark.parametrize("where", ["memory://bucket/traces", "file://{tmp_path}/remote"])
def test_a_store_on_object_storage(tmp_path: Path, where: str) -> None:
    total = raw(tmp_path / "raw", 20, 2, every_ms=7_200_000)
    url = where.format(tmp_path=tmp_path)
    store = open_store(url)
    ingest(store, [tmp_path / "raw" / "app-0.jsonl"], now_ns=NOW_NS)
    ingest(store, [tmp_path / "raw"], now_ns=NOW_NS)
    assert (total, total) == spans_in(store)
    assert 0 == ingest(store, [tmp_path / "raw"], now_ns=NOW_NS).lines
    with store.connection() as connection:
        days = connection.execute(
            "select count(distinct dt), min(dt)::varchar, count(*) filter (dt = '2025-11-21') from spans"
        ).fetchone()
    assert (3, "2025-11-20") == days[:2]
    assert days[2] > 0
    before = len(store.manifest().files)
    compact(store, now_ns=NOW_NS)
    assert 3 == len(store.manifest().files) < before
    spans = live_spans(requests=3, seed=99)
    store.append(spans)
    assert (total + len(spans),) * 2 == spans_in(open_store(url))
    assert spans[0].attributes[names.PROMPT_VERSION] == store.read_trace(spans[0].trace_id)[0].attributes[names.PROMPT_VERSION]
    with pytest.raises(NotMeasured):  # the second of two that write at once
        store.commit(store.manifest().changed().changed().__class__(generation=store.manifest().generation))


def test_an_empty_store_has_the_view_with_its_columns(tmp_path: Path) -> None:
    store = open_store(tmp_path / "nothing")
    with store.connection() as connection:
        found = connection.execute("select * from spans")
        columns = [column[0] for column in found.description]
        assert [] == found.fetchall()
    assert ["dt", "trace_id", "span_id", "parent_id", "name", "operation", "root", "ts"] == columns[:8]
    assert ["weight", "input_text", "output_text", "attributes"] == columns[-4:]
    assert 45 == len(columns)
    assert () == store.read_trace("a" * 32)
    assert not (tmp_path / "nothing").exists()


def test_the_view_answers_what_monitors_ask(tmp_path: Path) -> None:
    store = live_store(tmp_path / "store", live_spans(requests=60))
    query = "select release, count(*) filter (root), avg(duration_ms) filter (root), sum(cost_usd), avg(score) from spans group by 1 order by 1"
    with store.connection() as connection:
        old, new = connection.execute(query).fetchall()
        assert [(CONFIG,)] == connection.execute("select distinct config from spans").fetchall()
    assert [(OLD, 30), (NEW, 30)] == [old[:2], new[:2]]
    assert new[2] > old[2] * 1.2
    assert new[3] > old[3]
    assert new[4] < old[4]


def test_pruning_takes_whole_days_and_raw_files_that_were_read(tmp_path: Path) -> None:
    spans = live_spans(requests=48, every_ms=3_600_000)  # from noon of the 20th to noon of the 22nd
    store = live_store(tmp_path / "store", spans)
    file = tmp_path / "store" / "raw" / "host-0.jsonl"
    unread = tmp_path / "store" / "raw" / "later.jsonl"
    unread.write_text("half")
    now = START_NS / 1e9 + 2.5 * DAY  # midnight after the 22nd
    for path in (file, unread):
        os.utime(path, (now - 10 * DAY, now - 10 * DAY))
    dry = prune(store, now=now, spans_seconds=1.0 * DAY, raw_seconds=DAY, dry_run=True)
    assert (["2025-11-20", "2025-11-21"], ["raw/later.jsonl"]) == (dry.days, dry.unread)
    assert (len(spans),) * 2 == spans_in(store)
    done = prune(store, now=now, spans_seconds=1.0 * DAY, raw_seconds=DAY)
    assert (dry.spans, dry.files) == (done.spans, done.files)
    with store.connection() as connection:
        assert [("2025-11-22",)] == connection.execute("select distinct dt::varchar from spans").fetchall()
    assert not file.exists()
    assert unread.exists()
    assert {} == store.manifest().sources
    assert len(spans) == done.spans + spans_in(store)[0]


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"format": "other/2"}', b'{"format": "llmops-git/trace-store/1", "files": 3}']
)
def test_a_damaged_manifest_is_said_and_not_taken_for_an_empty_store(tmp_path: Path, content: bytes) -> None:
    store = live_store(tmp_path / "store", live_spans(requests=2))
    (tmp_path / "store" / "manifest" / "0000000009.json").write_bytes(content)
    with pytest.raises(LlmopsError, match=r"manifest/0000000009\.json"):
        store.manifest()


def test_without_duckdb_or_fsspec_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(LlmopsError, match="needs DuckDB") as told:
        store_module.open_store(tmp_path).connection()
    assert 'pip install "llmops-git[observe]"' == told.value.hint
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(LlmopsError, match="needs fsspec") as told:
        open_store("memory://x")
    assert "llmops-git[remote]" in told.value.hint


def test_a_driver_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(LlmopsError, match="cannot be opened"):
        open_store("nosuchprotocol://bucket/traces")
