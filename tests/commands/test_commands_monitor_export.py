"""Monitors on other engines: ClickHouse says what Parquet says, and Prometheus gets its gauges and rules."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmops_git.monitoring.clickhouse import load_sql, table_ddl
from tests.monitoring.clickhouse_server import Engine, clickhouse
from tests.monitoring.live_material import live_spans, live_store

RULES = """\
rules:
  - id: slow
    metric: latency.p95
    by: [config, release]
    window: 7d
    compare: {op: gt, value: 900}
    min_count: 20
  - id: liked-less
    metric: signal.thumbs_down.rate
    by: [config]
    window: 7d
    compare: {to: previous_release, margin: 0.02}
  - id: spent
    metric: cost.total
    window: 7d
    severity: warning
    compare: {op: gt, value: 0.001}
  - id: longer-answers
    metric: drift.psi(output_tokens)
    by: [config]
    window: 7d
    compare: {to: previous_release, value: 0.2}
"""
NOW = "2025-11-22T00:00:00"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    (folder / "monitors").mkdir()
    (folder / "monitors" / "live.yaml").write_text(RULES)
    store = live_store(folder / ".llmops" / "traces", live_spans(requests=400, every_ms=5 * 60_000))
    (folder / "files.json").write_text(json.dumps(store.span_files()))
    return folder


@pytest.fixture(scope="module")
def place(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    engine = Engine(str(tmp_path_factory.mktemp("chdb")))
    engine.run(table_ddl())
    for file in json.loads((project / "files.json").read_text()):
        engine.run(load_sql(f"file('{file}', Parquet)"))
    with clickhouse(engine) as server:
        yield server.place
    engine.close()


def monitor(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "llmops_git", "monitor", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_TOKEN")}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items() if name != "store"}
    return [rounded(item) for item in value] if isinstance(value, list) else value


def test_a_check_of_clickhouse_says_what_a_check_of_parquet_says(project: Path, place: str) -> None:
    answers = []
    for store in ((), ("--store", place)):
        done = monitor(project, "check", "--no-notify", "--now", NOW, "--format", "json", *store)
        assert 1 == done.returncode, done.stderr
        answers.append(rounded(json.loads(done.stdout)))
    assert answers[0] == answers[1]
    assert {"slow", "spent", "longer-answers"} <= set(re.findall(r'"rule": "([a-z-]+)"', json.dumps(answers[0])))


def test_a_server_that_is_not_there_is_not_measured(project: Path) -> None:
    done = monitor(project, "check", "--no-notify", "--store", "clickhouse+http://127.0.0.1:9/default")
    assert (3, "") == (done.returncode, done.stdout)
    assert "does not answer" in done.stderr


def test_gauges_are_written_whole_for_the_textfile_collector(project: Path) -> None:
    done = monitor(project, "metrics", "--now", NOW, "-o", "llmops.prom")
    assert (0, "") == (done.returncode, done.stdout), done.stderr
    text = (project / "llmops.prom").read_text()
    assert 'llmops_rule_firing{rule="spent",metric="cost.total"} 1' in text
    shown = monitor(project, "metrics", "--now", NOW).stdout
    assert [line.rpartition(" ")[0] for line in text.splitlines()] == [line.rpartition(" ")[0] for line in shown.splitlines()]


def test_rules_and_table_are_printed(project: Path) -> None:
    done = monitor(project, "export", "prometheus")
    assert 0 == done.returncode, done.stderr
    assert "- alert: slow" in done.stdout
    done = monitor(project, "export", "clickhouse")
    assert done.stdout.startswith("CREATE TABLE IF NOT EXISTS spans")
    assert "INSERT INTO spans" in done.stdout


def test_without_rules_there_is_nothing_to_export(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "-b", "main", tmp_path], check=True)
    done = monitor(tmp_path, "export", "prometheus")
    assert 2 == done.returncode
    assert "there are no rules in monitors/" in done.stderr
