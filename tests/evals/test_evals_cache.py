"""The cache of replies: what is found, what is not, and that nothing breaks it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from eval_material import reply

from llmops_git.evals.cache import Cache
from llmops_git.providers.base import Reply

KEY = "ab" + "0" * 62
OTHER = "cd" + "0" * 62
DAY = 86_400.0


def _entry(folder: Path, key: str = KEY) -> Path:
    return folder / key[0] / f"{key}.json"


def test_a_reply_is_found_as_it_was_kept(tmp_path: Path) -> None:
    kept = reply("hello", tool_calls=({"id": "1", "name": "f", "arguments": "{}"},), engine="fp")
    Cache(tmp_path).put(KEY, kept, "engine")
    assert kept == Cache(tmp_path).get(KEY, "engine")


def test_nothing_is_found_for_another_key_or_engine(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "not made yet")
    assert cache.get(KEY, "engine") is None
    cache.put(KEY, reply("x"), "engine")
    assert cache.get(OTHER, "engine") is None
    assert cache.get(KEY, "another engine") is None
    assert cache.get(KEY) is not None  # whoever does not say which engine takes any


def test_a_reply_that_is_too_old_is_not_found(tmp_path: Path) -> None:
    now = [1e9]
    cache = Cache(tmp_path, max_age_days=7, now=lambda: now[0])
    cache.put(KEY, reply("x"), "e")
    now[0] += 6.9 * DAY
    assert cache.get(KEY, "e") is not None
    now[0] += 0.2 * DAY
    assert cache.get(KEY, "e") is None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"format": 1}', b"\xff\xfe", b"[" * 100_000, b'{"format": 99, "key": "x"}'],
)
def test_a_broken_entry_is_a_miss_and_deleted(tmp_path: Path, content: bytes) -> None:
    cache = Cache(tmp_path)
    cache.put(KEY, reply("x"), "e")
    _entry(tmp_path).write_bytes(content)
    assert cache.get(KEY, "e") is None
    assert not _entry(tmp_path).exists()
    cache.put(KEY, reply("again"), "e")
    assert cache.get(KEY, "e") == reply("again")


def test_an_entry_under_another_name_is_a_miss(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(KEY, reply("x"), "e")
    _entry(tmp_path, OTHER).parent.mkdir()
    _entry(tmp_path).rename(_entry(tmp_path, OTHER))
    assert cache.get(OTHER, "e") is None


def test_a_folder_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "replies").write_text("in the way")
    with pytest.raises(OSError):
        Cache(tmp_path / "replies").put(KEY, reply("x"), "e")


def test_many_threads_that_start_on_an_empty_cache_lose_nothing(tmp_path: Path) -> None:
    for round_ in range(20):
        cache = Cache(tmp_path / str(round_))
        keys = [f"{number:064x}" for number in range(16)]  # all on one shelf
        start = threading.Barrier(16)

        def put(key: str, cache: Cache = cache, start: threading.Barrier = start) -> None:
            start.wait()
            cache.put(key, reply(key), "e")

        threads = [threading.Thread(target=put, args=(key,)) for key in keys]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [cache.get(key, "e") for key in keys] == [reply(key) for key in keys]


def test_readers_see_whole_entries_while_others_write_them(tmp_path: Path) -> None:
    texts = [letter * 50_000 for letter in "abcd"]
    stop = threading.Event()

    def write(text: str) -> None:
        cache = Cache(tmp_path)
        while not stop.is_set():
            cache.put(KEY, reply(text), "e")

    Cache(tmp_path).put(KEY, reply(texts[0]), "e")
    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    reader = Cache(tmp_path)
    seen = [reader.get(KEY, "e") for _ in range(200)]
    stop.set()
    for thread in threads:
        thread.join()
    assert {item.text if item else None for item in seen} <= set(texts)


_WRITER = """
import sys
from pathlib import Path
from llmops_git.evals.cache import Cache
from llmops_git.providers.base import Reply
cache = Cache(Path(sys.argv[1]))
number = 0
while True:
    key = f"{number % 4:x}" * 64
    cache.claim(key)
    cache.put(key, Reply(text="x" * 200_000), "e")
    cache.release(key)
    number += 1
    if number == 8:
        print("started", flush=True)
"""


@pytest.mark.parametrize("attempt", range(3))
def test_a_writer_that_is_killed_leaves_whole_entries_or_none(tmp_path: Path, attempt: int) -> None:
    with subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        for _ in range(attempt * 50):
            Cache(tmp_path).get("0" * 64)
        writer.kill()
    cache = Cache(tmp_path)
    entries = sorted(tmp_path.glob("?/*.json"))
    assert len(entries) == 4
    assert all(cache.get(path.stem, "e") == Reply(text="x" * 200_000) for path in entries)
    assert all(cache.claim(path.stem) for path in entries)
    cache.close()


_HOLDER = """
import sys
from pathlib import Path
from llmops_git.evals.cache import Cache
cache = Cache(Path(sys.argv[1]))
print(cache.claim(sys.argv[2]), flush=True)
sys.stdin.read()
"""


def test_a_claim_keeps_other_processes_from_buying_until_it_ends_or_its_owner_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLDER, str(tmp_path), KEY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "True\n"
        cache = Cache(tmp_path)
        assert not cache.claim(KEY)
        assert cache.claim(OTHER)
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        assert cache.claim(KEY)
        cache.release(KEY)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "True\n"
    cache.close()


def test_what_is_too_old_is_thrown_away_once_a_day(tmp_path: Path) -> None:
    now = [1e9]

    def keep(key: str, cache: Cache) -> Path:
        cache.put(key, reply("x"), "e")
        os.utime(_entry(tmp_path, key), (now[0], now[0]))
        return _entry(tmp_path, key)

    old = keep(KEY, Cache(tmp_path, now=lambda: now[0]))
    leftover = old.with_name("x.1.2.tmp")
    leftover.touch()
    os.utime(leftover, (now[0], now[0]))
    os.utime(tmp_path / "swept", (now[0], now[0]))
    now[0] += 6 * DAY
    keep(OTHER, Cache(tmp_path, now=lambda: now[0]))
    assert old.exists()
    assert not leftover.exists()
    os.utime(tmp_path / "swept", (now[0], now[0]))
    now[0] += 2 * DAY
    keep("ef" * 32, Cache(tmp_path, now=lambda: now[0]))
    assert not old.exists()
    assert _entry(tmp_path, OTHER).exists()


@pytest.mark.parametrize(("ahead", "found"), [(60.0, True), (7_200.0, False), (1e18, False), (float("nan"), False)])
def test_a_reply_from_the_future_would_never_grow_old(tmp_path: Path, ahead: float, found: bool) -> None:
    Cache(tmp_path, now=lambda: 1e9 + ahead).put(KEY, reply("x"), "engine")
    assert found == (Cache(tmp_path, now=lambda: 1e9).get(KEY, "engine") is not None)
