"""What questions about a month of live traffic cost: every series of a dashboard, and `monitor check` with 20 rules.

    python bench/operate/material.py store FOLDER          # once: 1,000,000 spans
    python bench/operate/queries.py FOLDER                 # prints Markdown, for bench/results/monitors.md

CPU milliseconds of this process (all threads), the best of five; a connection is open already. The check is `check_rules` with the
traces of what fires, from an open connection: start and imports come on top (measured by the last line, a process of its own).
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from llmops_git.commands.monitoring import check_rules, looking_with
from llmops_git.configs.policy_file import load_policy
from llmops_git.configs.tree import DictTree
from llmops_git.monitoring.metrics import metric_of
from llmops_git.monitoring.metrics_series import series
from llmops_git.monitoring.metrics_sql import Scope
from llmops_git.monitoring.releases import Released
from llmops_git.monitoring.rule_files import load_rules
from llmops_git.monitoring.store import Store, open_store

ROOT = Path(__file__).parents[2]
SERIES = (
    ("requests", ("config", "release")),
    ("error_rate", ("config", "release")),
    ("refusal_rate", ("config", "release")),
    ("latency.p50", ("config", "release")),
    ("latency.p95", ("config", "release")),
    ("latency.p99", ("config",)),
    ("ttft.p95", ("config", "release")),
    ("tokens.input", ("config", "release")),
    ("tokens.output", ("config", "release")),
    ("cost.per_request", ("config", "release")),
    ("cost.total", ("config",)),
    ("cost.total", ("feature",)),
    ("cost.total", ("user",)),
    ("cost.coverage", ("config",)),
    ("guardrail.trigger_rate", ("pack", "rule")),
    ("guardrail.error_rate", ("pack", "rule")),
    ("score.faithful.mean", ("config", "release")),
    ("signal.thumbs_down.rate", ("config", "release")),
    ("tool.error_rate", ("config",)),
    ("release.coverage", ("config",)),
)


def cpu(work: Callable[[], object], rounds: int = 5) -> float:
    """Milliseconds, the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best * 1000


def measure_series(store: Store) -> None:
    print("| question | by | bucket | CPU ms | rows |\n|---|---|---|---:|---:|")
    with store.connection() as connection:
        ((first, last),) = connection.execute("select min(ts), max(ts) from spans").fetchall()
        for name, by in SERIES:
            for bucket in ("month",) if by == ("user",) else ("day", "hour"):
                scope = Scope(since=first, until=last + timedelta(seconds=1), by=by, where={"environment": ("production",)})
                query = series(metric_of(name), scope, bucket)
                rows = connection.execute(query.sql, query.parameters).fetchall()
                spent = cpu(lambda query=query: connection.execute(query.sql, query.parameters).fetchall())
                print(f"| {name} | {', '.join(by)} | {bucket} | {spent:.0f} | {len(rows):,} |", flush=True)


def measure_check(store: Store, folder: Path) -> None:
    text = (ROOT / "bench" / "operate" / "rules.yaml").read_text()
    tree = DictTree({"monitors/live.yaml": text})
    rules = load_rules(tree, load_policy(tree, ""))
    with store.connection() as connection:
        found = connection.execute("select distinct config, release, digest from spans where root order by all").fetchall()
        ((now,),) = connection.execute("select max(ts) from spans").fetchall()
        tags: dict[str, dict[str, str]] = {}
        for config, release, digest in found:
            tags.setdefault(config, {})[release] = digest
        fired: list[str] = []

        def check() -> None:
            looking = looking_with(
                lambda query: connection.execute(query.sql, query.parameters).fetchall(), Released(tags=tags)
            )
            checked = check_rules(rules, looking, now)
            fired[:] = [alert.key for alert in checked.raised]

        print(f"\n`monitor check`, {len(rules)} rules: {cpu(check):,.0f} ms of CPU; {len(fired)} alerts:\n")
        print("\n".join(f"- `{key}`" for key in fired))
    print(f"\nThe command as a whole, in a process of its own: {whole(folder, text, now, found):,.0f} ms of CPU.")


def whole(folder: Path, rules: str, now: datetime, releases: list[tuple[str, str, str]]) -> float:
    """`llmops-git monitor check` in a new repository with these releases."""
    with tempfile.TemporaryDirectory() as place:
        identity = ("-c", "user.name=bench", "-c", "user.email=bench@example.com")

        def git(*arguments: str) -> None:
            subprocess.run(["git", *identity, *arguments], cwd=place, check=True, stdout=subprocess.DEVNULL)

        git("init", "-q", "-b", "main")
        (Path(place) / "monitors").mkdir()
        (Path(place) / "monitors" / "live.yaml").write_text(rules)
        git("add", ".")
        git("commit", "-q", "-m", "rules")
        for _, release, digest in releases:
            git(
                "tag",
                "-a",
                release,
                "-m",
                f"release\n\nConfig-Digest: {digest}\nClosure-Digest: {digest}\nEval-Digest: {digest}",
            )
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [
            sys.executable,
            "-m",
            "llmops_git",
            "monitor",
            "check",
            "--store",
            str(folder.resolve()),
            "--now",
            now.isoformat(),
        ]
        subprocess.run(
            [*command, "--no-notify"],
            cwd=place,
            stdout=subprocess.DEVNULL,
            check=False,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    folder: Path = parser.parse_args().store
    store = open_store(folder)
    measure_series(store)
    measure_check(store, folder)


if __name__ == "__main__":
    main()
