"""`llmops-git monitor`: alerts as code. Rules about live traffic are files (`monitors/*.yaml`); here they are evaluated."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.monitor_export import export, metrics
from llmops_git.commands.monitor_score import score
from llmops_git.commands.monitoring import now_option
from llmops_git.commands.project import emit_json, format_option, open_project, terminal
from llmops_git.commands.state import dry_run_option
from llmops_git.commands.stored import store_option
from llmops_git.errors import EXIT_GATE, EXIT_OK, LlmopsError

if TYPE_CHECKING:
    from llmops_git.commands.monitoring import Checked
    from llmops_git.commands.monitoring_told import Told
    from llmops_git.commands.project import Project
    from llmops_git.configs.policy import Policy
    from llmops_git.forges.alerts import Act
    from llmops_git.forges.base import Forge
    from llmops_git.monitoring.rules import Rule

UNBROKEN = 10_000  # columns: no line is broken


@click.group("monitor")
def command() -> None:
    """Watch live traffic by the rules in monitors/*.yaml."""


command.add_command(export)
command.add_command(metrics)
command.add_command(score)


@command.command("check")
@store_option
@now_option
@click.option("--no-notify", is_flag=True, help="Evaluate only: keep no issues, tell no webhooks.")
@dry_run_option
@format_option()
def check(store: str | None, now: datetime, no_notify: bool, dry_run: bool, form: str) -> int:
    """Evaluate all rules; keep one issue for each alert, and tell webhooks what began or ended.

    Exit code: 0, or 1 while a rule of severity error fires; 3 when the traces cannot be read.
    """
    from llmops_git.commands.monitoring import asking, check_rules, looking_with, released_of
    from llmops_git.commands.monitoring_told import changes, raised_before, tell
    from llmops_git.commands.stored import place_of
    from llmops_git.releases.registry import read_registry
    from llmops_git.repo.refs import remote_in_use

    project = open_project()
    policy, rules = _rules(project)
    remote = remote_in_use(project.git, policy.remote)
    released = released_of(read_registry(project.git, remote=remote))
    acts: list[Act] | None = None
    told: list[Told] = []
    with asking(project, policy, store) as ask:
        looking = looking_with(ask, released)
        checked = check_rules(rules, looking, now)
        before = raised_before(rules, looking, now)
    if not no_notify:
        acts = _issues(_forge(project, remote), checked, dry_run=dry_run)
        told = tell(policy, changes(rules, checked, before, acts), checked, os.environ, dry_run=dry_run)
    place = place_of(project, store, policy)
    _show(checked, rules, acts or [], told, form=form, place=place, dry_run=dry_run)
    return EXIT_GATE if any(alert.rule.severity == "error" for alert in checked.raised) else EXIT_OK


def _rules(project: Project) -> tuple[Policy, tuple[Rule, ...]]:
    from llmops_git.monitoring.rule_files import load_rules

    tree = project.tree(None)
    policy = project.policy(tree)
    rules = load_rules(tree, policy)
    if not rules:
        raise LlmopsError("there are no rules in monitors/", hint="write monitors/live.yaml; docs/monitors.md begins with one")
    return policy, rules


def _forge(project: Project, remote: str | None) -> Forge | None:
    """The forge whose issues are kept; None where there is no token for one."""
    from llmops_git.commands.forge_here import forge_here
    from llmops_git.commands.monitoring import here_token

    if not here_token() or remote is None:
        why = "no remote" if remote is None else "no token in LLMOPS_TOKEN, GITHUB_TOKEN or GH_TOKEN"
        click.echo(f"note: no issues are kept: {why}", err=True)
        return None
    try:
        return forge_here(project.git, remote, "monitor check").forge
    except LlmopsError as error:
        click.echo(f"warning: no issues are kept: {error.message}", err=True)
        return None


def _issues(forge: Forge | None, checked: Checked, *, dry_run: bool) -> list[Act] | None:
    """What was done to the issues, or would be; None where they are not kept."""
    from llmops_git.commands.monitoring_told import issue_alerts, keep
    from llmops_git.forges.alerts import LABEL, plan_issues
    from llmops_git.forges.base import ForgeError
    from llmops_git.reports.clean import clean
    from llmops_git.reports.monitor_alerts import FAMILY, unsure_keys

    if forge is None:
        return None
    try:
        if not dry_run:
            return keep(forge, checked)
        found = list(forge.issues(LABEL))
        unsure = unsure_keys(checked.states)
        return plan_issues(found, issue_alerts(checked), me=forge.me(), families=frozenset({FAMILY}), unsure=unsure)
    except ForgeError as error:
        click.echo(f"warning: issues could not be kept: {clean(error.message)}", err=True)
        return None


def _width() -> int:
    """Columns of the terminal; a line that goes to a file or a pipe is one line, so that it can be searched."""
    return int(terminal()["width"]) if sys.stdout.isatty() else UNBROKEN


def _show(
    checked: Checked, rules: tuple[Rule, ...], acts: list[Act], told: list[Told], *, form: str, place: str, dry_run: bool
) -> None:
    from llmops_git.forges.alerts import key_of
    from llmops_git.reports.escape import inert, no_commands

    issues = [
        {"what": act.what, "key": act.alert.key if act.alert else key_of(act.issue.body) if act.issue else ""} for act in acts
    ]
    posts = [{"webhook": each.webhook, "event": each.event, "key": each.key, "failed": each.failed} for each in told]
    if form == "json":
        from llmops_git.reports.monitor_json import check_document

        document = check_document(checked.states, checked.traces, now=checked.now, store=place, rules=len(rules))
        emit_json({**document, "dry_run": dry_run, "issues": issues, "webhooks": posts})
        return
    from llmops_git.reports.monitor_text import check_lines

    for line in check_lines(checked.states, checked.traces, color=terminal()["color"], width=_width()):
        click.echo(no_commands(line))
    would = "would " if dry_run else ""
    for issue in issues:
        click.echo(inert(f"issue: {would}{issue['what']} {issue['key']}"), err=True)
    for post in posts:
        failed = f", not delivered: {post['failed']}" if post["failed"] else ""
        click.echo(inert(f"webhook {post['webhook']}: {would}tell that {post['key']} {post['event']}{failed}"), err=True)


@command.command("explain")
@click.argument("name", metavar="RULE")
@store_option
@now_option
@format_option()
def explain(name: str, store: str | None, now: datetime, form: str) -> int:
    """Show what RULE asks the store, what it sees group by group, and the newest traces that show it."""
    from llmops_git.commands.monitoring import asking, check_rules, looking_with, offending_rows, released_of, rule_named
    from llmops_git.releases.registry import read_registry
    from llmops_git.repo.refs import remote_in_use
    from llmops_git.reports.monitor_json import explain_document

    project = open_project()
    policy, rules = _rules(project)
    rule = rule_named(rules, name)
    released = released_of(read_registry(project.git, remote=remote_in_use(project.git, policy.remote)))
    with asking(project, policy, store) as ask:
        looking = looking_with(ask, released, intervals=True)
        states = check_rules([rule], looking, now).states
        queries = [query for query in looking.traffic.asked if query.parameters]
        rows: dict[Any, Any] = {
            (rule.id, state.reading.group): offending_rows(state, looking, now)
            for state in states[:3]
            if state.reading.value is not None
        }
    traces = {key: tuple(dict.fromkeys(str(row[1]) for row in found)) for key, found in rows.items()}
    if form == "json":
        emit_json(explain_document(rule, states, traces, queries, now=now))
        return EXIT_OK
    from llmops_git.reports.escape import inert
    from llmops_git.reports.monitor_text import explain_lines

    for line in explain_lines(rule, states, rows, queries, width=_width()):
        click.echo(inert(line))
    return EXIT_OK
