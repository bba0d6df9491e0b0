"""Runs that are killed at any moment and started again: nothing is paid for twice, nothing is lost, nothing breaks."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, Asked, ChatServer, chat_server, text_answer

CHILD = Path(__file__).with_name("eval_child.py")
CASES, CONCURRENCY = 90, 6


class Watch:
    """Tells when so many requests have come."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0

    def answer(self, asked: Asked, number: int) -> Answer:
        with self._changed:
            self._count = number + 1
            self._changed.notify_all()
        return text_answer(asked.body["messages"][-1]["content"])

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._count >= count, timeout=60)


@contextmanager
def watched() -> Iterator[tuple[ChatServer, Watch]]:
    watch = Watch()
    with chat_server(watch.answer) as server:
        yield server, watch


def start(server: ChatServer, replies: Path, cases: int = CASES) -> subprocess.Popen[str]:
    command = [sys.executable, str(CHILD), server.url, str(replies), str(cases), str(CONCURRENCY)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def figures(child: subprocess.Popen[str]) -> dict[str, Any]:
    output, said = child.communicate(timeout=120)
    assert child.returncode == 0, said
    return json.loads(output)


def kept(replies: Path) -> set[str]:
    """The words whose replies are in the cache; every entry is whole."""
    return {json.loads(path.read_bytes())["reply"]["text"] for path in replies.glob("?/*.json")}


def words(asked: list[Asked]) -> list[str]:
    return [one.body["messages"][-1]["content"] for one in asked]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_a_run_killed_again_and_again_never_sends_what_was_answered_and_kept(tmp_path: Path, seed: int) -> None:
    chance, kills = random.Random(seed), 5
    with watched() as (server, watch):
        for _ in range(kills):
            known, before = kept(tmp_path), len(server.asked)
            child = start(server, tmp_path)
            watch.wait_for(before + chance.randint(1, 15))
            child.kill()
            child.communicate()
            assert known.isdisjoint(words(server.asked[before:]))
            # what was answered before the kill is kept, but for what was on its way over each connection
            assert len(set(words(server.asked)) - kept(tmp_path)) <= 2 * CONCURRENCY
        known, before = kept(tmp_path), len(server.asked)
        last = figures(start(server, tmp_path))
        sent_last = words(server.asked[before:])
    assert last["measured"] == CASES
    assert (last["sent"], last["cached"]) == (CASES - len(known), len(known))
    assert sorted([*known, *sent_last]) == sorted(f"word-{number}" for number in range(CASES))
    assert max(Counter(words(server.asked)).values()) <= kills + 1
    assert len(server.asked) <= CASES + kills * CONCURRENCY


@pytest.mark.slow
def test_two_processes_on_one_cache_survive_the_death_of_either(tmp_path: Path) -> None:
    """One is killed at a random point, again and again, while the other goes on; both sent nothing that was kept."""
    chance = random.Random(3)
    with watched() as (server, watch):
        survivor = start(server, tmp_path)
        for _ in range(3):
            child = start(server, tmp_path)
            if survivor.poll() is None:
                watch.wait_for(min(len(server.asked) + chance.randint(1, 10), CASES))
            child.kill()
            child.communicate()
        found = figures(survivor)
        before = len(server.asked)
        second = figures(start(server, tmp_path))
    assert (found["measured"], second["measured"], second["sent"], len(server.asked)) == (CASES, CASES, 0, before)
    assert kept(tmp_path) == {f"word-{number}" for number in range(CASES)}
    assert len(server.asked) <= CASES + 3 * CONCURRENCY
