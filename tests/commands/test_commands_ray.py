"""`llmops-git eval --executor ray` on a real Ray cluster of two nodes on this machine, with a model that answers by script."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from llmops_git.commands.ray_executor import Ended, Task, left_of
from llmops_git.configs.policy import Budget, Policy
from llmops_git.evals.shard_file import Measured, ShardRecord
from llmops_git.evals.shards import Shard, number_of
from llmops_git.evals.values import Spending
from tests.chat_server import Asked, ChatServer, chat_server
from tests.commands.test_commands_eval import CASES, git, skill, write_cases, write_config

pytestmark = [pytest.mark.slow, pytest.mark.ray]
AT_ONCE = 2  # requests of a node
KEPT = 3  # answers that a shard gets before it is lost
WORKERS_KEY, DRIVERS_KEY = "key-of-the-workers", "key-of-the-driver"
POLICY = "version: 1\nproviders:\n  test: {{api: openai, base_url: {url}, key_env: MODEL_KEY, concurrency: {at_once}}}\n"


class Cluster:
    """A head node that runs nothing, and nodes that do; each is a process group of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.address = f"127.0.0.1:{self._port}"
        self.nodes: list[subprocess.Popen[bytes]] = []
        self.start("--head", f"--port={self._port}", "--include-dashboard=false", f"--temp-dir={folder}", cpus=1)

    def start(self, *arguments: str, cpus: int = 1) -> None:
        environment = {**os.environ, "MODEL_KEY": WORKERS_KEY, "RAY_USAGE_STATS_ENABLED": "0"}
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        command = [str(Path(sys.executable).parent / "ray"), "start", "--block", f"--num-cpus={cpus}", "--disable-usage-stats",
                   "--object-store-memory=80000000", "--node-ip-address=127.0.0.1", *arguments]  # fmt: skip
        log = (self._folder.parent / f"node{len(self.nodes)}.log").open("wb")
        node = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        log.close()
        self.nodes.append(node)

    def add(self) -> None:
        self.start(f"--address={self.address}")

    def wait(self, nodes: int) -> None:
        """Until so many nodes are there, asked through the cluster itself."""
        script = (
            "import ray, sys, time\n"
            "until = time.monotonic() + 90\n"
            "while True:\n"
            "    try:\n"
            "        ray.init(address=sys.argv[1], log_to_driver=False, logging_level=40)\n"
            "        break\n"
            "    except (ConnectionError, RuntimeError):\n"
            "        assert time.monotonic() < until\n"
            "        time.sleep(0.5)\n"
            "while sum(node['Alive'] for node in ray.nodes()) != int(sys.argv[2]):\n"
            "    assert time.monotonic() < until\n"
            "    time.sleep(0.2)\n"
        )
        subprocess.run([sys.executable, "-W", "ignore", "-c", script, self.address, str(nodes)], check=True, timeout=120)

    def kill(self, node: int) -> None:
        """The node and everything that it started, at once, as when a machine is gone."""
        first = self.nodes[node].pid
        for process in [first, *descendants(first)]:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.nodes[node].wait()

    def close(self) -> None:
        for number in range(len(self.nodes)):
            if self.nodes[number].poll() is None:
                self.kill(number)


def descendants(process: int) -> list[int]:
    """The ids of all processes that this one and its children started."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found, waiting = [], [process]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    short = Path(f"/tmp/r{os.getpid()}")  # the sockets in it have names of at most 107 bytes
    short.mkdir()
    made = Cluster(short / "s")
    try:
        made.add()
        made.wait(2)
        yield made
    finally:
        made.close()
        shutil.rmtree(short, ignore_errors=True)


def prepare(repository: Path, server: ChatServer) -> None:
    (repository / "llmops.yaml").write_text(POLICY.format(url=server.url, at_once=AT_ONCE))
    write_config(repository, "skill 60")
    write_cases(repository)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "first")
    git(repository, "switch", "-qc", "change")
    write_config(repository, "skill 95")


def start(repository: Path, address: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "RAY_ADDRESS": address, "MODEL_KEY": DRIVERS_KEY, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-W", "ignore", "-m", "llmops_git", "eval", "--format", "json", *arguments]
    return subprocess.Popen(command, cwd=repository, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class Holding:
    """A model that, once armed, gives each of three shards some answers and holds the others until it may go on."""

    def __init__(self) -> None:
        self.armed, self.reached, self.go = threading.Event(), threading.Event(), threading.Event()
        self._lock, self._given = threading.Lock(), Counter[int]()

    def __call__(self, asked: Asked, number: int) -> object:
        if self.armed.is_set():
            shard = number_of(f"c{asked.body['messages'][1]['content'].split()[-1]}", 3)
            with self._lock:
                self._given[shard] += 1
                if sum(given > KEPT for given in self._given.values()) == 3:
                    self.reached.set()
                held = self._given[shard] > KEPT
            if held:
                self.go.wait(90)
        return skill(asked, number)


def test_nodes_measure_as_one_process_would_with_their_own_keys_and_one_that_dies_costs_nothing(
    cluster: Cluster, repository: Path, tmp_path: Path
) -> None:
    model = Holding()
    with chat_server(model) as server:  # type: ignore[arg-type]
        prepare(repository, server)
        ran = start(repository, cluster.address, "--executor", "ray", "--output", str(tmp_path / "ray"))
        out, err = ran.communicate(timeout=120)
        assert ran.returncode == 0, err
        assert 2 * CASES == len(server.asked)
        keys = {value for asked in server.asked for name, value in asked.headers.items() if name.lower() == "authorization"}
        assert {f"Bearer {WORKERS_KEY}"} == keys
        alone = start(repository, "", "--output", str(tmp_path / "alone"))
        expected, _ = alone.communicate(timeout=120)
        assert 2 * CASES == len(server.asked)  # the cache is shared: nothing is paid for twice
        merged, whole = json.loads(out), json.loads(expected)
        assert ("improved", whole["configs"][0]["comparisons"]) == (merged["verdict"], merged["configs"][0]["comparisons"])

        cluster.add()
        cluster.wait(3)
        write_config(repository, "skill 90")  # the base's answers are in the cache
        model.armed.set()
        ran = start(repository, cluster.address, "--executor", "ray", "--output", str(tmp_path / "lost"))
        assert model.reached.wait(90)
        cluster.kill(len(cluster.nodes) - 1)
        model.go.set()
        out, err = ran.communicate(timeout=180)
        assert ran.returncode == 0, err
        assert 3 * CASES < len(server.asked) <= 3 * CASES + AT_ONCE  # only what was under way is asked again
    document = json.loads(out)
    assert ("improved", 0) == (
        document["verdict"],
        sum(map(len, [one["errors"] for one in document["configs"][0]["comparisons"]])),
    )
    assert 1 == sum("was measured again, since its worker was lost" in note for note in document["how"]["notes"])


def test_what_a_lost_shard_was_allowed_counts_as_spent() -> None:
    def task(number: int) -> Task:
        of = Measured(tool="", base="", head="", policy="")
        return Task(candidates=(), shard=Shard(number=number, of=3), of=of, policy=Policy(), repeats=None, replies="", known={},
                    budget=Budget(max_usd=1.0, max_requests=10), total=0)  # fmt: skip

    record = ShardRecord(shard=Shard(number=1, of=3), of=task(1).of, spending=Spending(sent=4, cost_usd=0.25))
    whole = Budget(max_usd=3.0, max_requests=30)
    expected = Budget(max_usd=0.375, max_requests=3)
    assert expected == left_of(whole, [Ended(record=record)], [task(2), task(3)], 2)
    assert Budget(max_usd=0.0, max_requests=0) == left_of(whole, [], [task(1), task(2), task(3)] * 2, 3)


def test_without_an_address_no_cluster_is_started(repository: Path) -> None:
    with chat_server(skill) as server:
        prepare(repository, server)
        ran = start(repository, "", "--executor", "ray")
        _, err = ran.communicate(timeout=60)
    assert (2, True) == (ran.returncode, "RAY_ADDRESS names no cluster" in err)
