"""A table `spans` as the store shows it, made of sparse rows, and rules read from text: for tests of metrics and monitors."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from llmops_git.configs.policy_file import load_policy
from llmops_git.configs.tree import DictTree
from llmops_git.monitoring.asking import Traffic
from llmops_git.monitoring.columns import COLUMNS
from llmops_git.monitoring.looking import Looking
from llmops_git.monitoring.metrics_sql import Query
from llmops_git.monitoring.releases import Released
from llmops_git.monitoring.rule_files import load_rules
from llmops_git.monitoring.rules import Rule

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
V1, V2, V3 = (f"llmops/router/v1.0.{number}" for number in range(3))
RELEASED = Released(tags={"router": {V1: "sha256:1", V2: "sha256:2", V3: "sha256:3"}})
DIGEST_OF = RELEASED.tags["router"]


def ago(hours: float) -> datetime:
    return (NOW - timedelta(hours=hours)).replace(tzinfo=None)


class Table:
    """Rows are added by what differs from an ordinary request; ids count up."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._traces = 0
        self._built = -1

    def request(self, *, hours: float = 1.0, release: str = V1, weight: float = 1.0, **root: Any) -> str:
        """A root; its trace id."""
        self._traces += 1
        trace = f"{self._traces:032x}"
        self.rows.append(
            {"trace_id": trace, "operation": "invoke_workflow", "root": True, "ts": ago(hours), "config": "router", "release": release,
             "digest": DIGEST_OF.get(release, ""), "environment": "production", "duration_ms": 100.0, "weight": weight, **root}
        )  # fmt: skip
        return trace

    def step(self, trace: str, operation: str, **columns: Any) -> None:
        """A span below the root, with what it inherits."""
        root = next(row for row in reversed(self.rows) if row["trace_id"] == trace and row["root"])
        inherited = {
            name: root[name]
            for name in ("ts", "config", "release", "digest", "environment", "weight", "user_id", "feature")
            if name in root
        }
        self.rows.append(
            {**inherited, "trace_id": trace, "operation": operation, "root": False, "parent_id": "root", **columns}
        )

    def connection(self) -> duckdb.DuckDBPyConnection:
        """The rows so far as `spans`; built anew only where some were added."""
        if self._built != len(self.rows):
            self._connection, self._built = _filled(self.rows), len(self.rows)
        return self._connection

    def traffic(self) -> Traffic:
        connection = self.connection()

        def ask(query: Query) -> list[Any]:
            return connection.execute(query.sql, query.parameters).fetchall()

        return Traffic(ask)

    def looking(self, **more: Any) -> Looking:
        return Looking(**{"traffic": self.traffic(), "released": RELEASED, **more})


def _filled(rows: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    """By way of a file of JSON lines: a statement for each row would take seconds."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'; set threads = 1")
    types = {"dt": "DATE", **COLUMNS}
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps({name: _cell(row, name) for name in types}, default=str) + "\n" for row in rows)
        file.flush()
        source = f"read_json('{file.name}', format='newline_delimited', columns={types!r})"
        if rows:
            connection.execute(f"create table spans as select * from {source}")
        else:
            connection.execute(f"create table spans ({', '.join(f'{name} {kind}' for name, kind in types.items())})")
    return connection


def _cell(row: Mapping[str, Any], name: str) -> Any:
    if name == "dt":
        return row["ts"].date()
    if name in row:
        return row[name]
    return {"VARCHAR": "", "BOOLEAN": False}.get(COLUMNS[name]) if name != "weight" else 1.0


def rules_of(text: str, policy: str = "") -> tuple[Rule, ...]:
    """The rules of one file."""
    tree = DictTree({"monitors/live.yaml": text, **({"llmops.yaml": policy} if policy else {})})
    return load_rules(tree, load_policy(tree, ""))


def rule_of(text: str) -> Rule:
    """One rule in flow style, as `metric: error_rate, window: 1h, compare: {op: gt, value: 0.1}`."""
    (rule,) = rules_of(f"rules:\n  - {{id: it, {text}}}\n")
    return rule
