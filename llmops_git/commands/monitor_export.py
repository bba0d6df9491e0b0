"""`llmops-git monitor export` and `monitor metrics`: monitors for engines that a team has already."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmops_git.commands.monitoring import now_option
from llmops_git.commands.stored import store_option
from llmops_git.errors import EXIT_OK, LlmopsError

if TYPE_CHECKING:
    from llmops_git.monitoring.rules import Rule

PARQUET = "s3('https://bucket.example.com/traces/spans/dt=*/*.parquet')"


@click.command("export")
@click.argument("engine", type=click.Choice(["prometheus", "clickhouse"]))
def export(engine: str) -> int:
    """Print the rules for Prometheus, or the table for ClickHouse.

    prometheus: alerting rules over the gauges of `monitor metrics`. clickhouse: the table that a store
    `clickhouse+https://…` reads, and how to load the Parquet files of another store into it.
    """
    if engine == "clickhouse":
        from llmops_git.monitoring.clickhouse import load_sql, table_ddl

        click.echo(f"{table_ddl()};\n\n-- what a store holds already\n{load_sql(PARQUET)};")
        return EXIT_OK
    click.echo(_as_yaml(_rules()), nl=False)
    return EXIT_OK


@click.command("metrics")
@store_option
@now_option
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write to FILE, whole or not at all (default: standard output).")  # fmt: skip
def metrics(store: str | None, now: datetime, output: Path | None) -> int:
    """Write what every rule sees now, as gauges in Prometheus' text format. No alert is raised, no issue kept.

    Exit code: 0; 3 when the traces cannot be read.
    """
    from llmops_git.commands.monitoring import asking, check_rules, looking_with, released_of
    from llmops_git.commands.project import open_project
    from llmops_git.monitoring.prometheus import gauges
    from llmops_git.releases.registry import read_registry
    from llmops_git.repo.refs import remote_in_use

    project = open_project()
    policy = project.policy(project.tree(None))
    rules = _rules()
    released = released_of(read_registry(project.git, remote=remote_in_use(project.git, policy.remote)))
    with asking(project, policy, store) as ask:
        checked = check_rules(rules, looking_with(ask, released), now)
    text = gauges(checked.states, now)
    if output is None:
        from llmops_git.reports.escape import inert

        click.echo(inert(text), nl=False)
        return EXIT_OK
    from llmops_git.commands.export import write_atomically

    write_atomically(output, text.encode())
    return EXIT_OK


def _rules() -> tuple[Rule, ...]:
    from llmops_git.commands.project import open_project
    from llmops_git.monitoring.rule_files import load_rules

    project = open_project()
    tree = project.tree(None)
    rules = load_rules(tree, project.policy(tree))
    if not rules:
        raise LlmopsError("there are no rules in monitors/", hint="write monitors/live.yaml; docs/monitors.md begins with one")
    return rules


def _as_yaml(rules: tuple[Rule, ...]) -> str:
    import io

    from ruamel.yaml import YAML

    from llmops_git.monitoring.prometheus import alerting_rules

    writer = YAML()
    writer.default_flow_style = False
    writer.width = 1000
    text = io.StringIO()
    writer.dump(alerting_rules(rules), text)
    return text.getvalue()
