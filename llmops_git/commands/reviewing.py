"""Draws the samples of a run, and asks a person on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmops_git.commands.label_files import append_label, labels_folder, read_label_files
from llmops_git.commands.measured import Measured, measured_in
from llmops_git.errors import LlmopsError
from llmops_git.evals.people.items import Item, Output, ReviewSample, question_of, review_sample
from llmops_git.evals.people.labels import file_name

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.configs.values import Config, ScorerSettings

QUIT, BACK, SKIP, NOTE = "q", "b", "s", "n"


def drawn_samples(
    project: Project, folder: Path, *, configs: Sequence[str], scorers: Sequence[str], count: int
) -> list[ReviewSample]:
    """The samples of a run folder, one for each question. Raises LlmopsError where there is nothing to ask."""
    measured = [one for one in measured_in(project, folder) if not configs or one.config in configs]
    if not measured:
        raise LlmopsError(f"{folder} has no run{' of ' + ', '.join(configs) if configs else ''}", hint="llmops-git eval")
    asked = [(one, settings) for one in measured for settings in _asked(one, scorers)]
    if not asked:
        known = sorted({settings.name for one in measured for settings in one.evaluation.scorers})
        wanted = ", ".join(scorers) if scorers else "judge"
        raise LlmopsError(f"there is no scorer `{wanted}` in the run", hint=f"--scorer one of: {', '.join(known)}")
    samples = []
    for one, settings in asked:
        question = question_of(settings, one.config, _words(settings.judge))
        samples.append(review_sample(question, one.evaluation.cases, one.base, one.head, count=count))
    if not any(sample.items for sample in samples):
        raise LlmopsError("nothing of this was measured: there is no output to look at")
    return [sample for sample in samples if sample.items]


def _asked(measured: Measured, scorers: Sequence[str]) -> list[ScorerSettings]:
    if scorers:
        return [settings for settings in measured.evaluation.scorers if settings.name in scorers]
    return [settings for settings in measured.evaluation.scorers if settings.use == "judge"]


def _words(judge: Config | None) -> str:
    """What a judge is told to look at: its description, and its instructions where they do not depend on the case."""
    from llmops_git.configs.template import render_messages

    if judge is None:
        return ""
    system = [message for message in judge.resolved["messages"] if message["role"] == "system"][:1]
    try:
        told = render_messages({**judge.resolved, "messages": system}, {})[0]["content"] if system else ""
    except LlmopsError:
        told = ""
    return "\n".join(part for part in (judge.description, told) if part)


def sample_line(sample: ReviewSample) -> str:
    """What was drawn, without a word that would tell anybody what to look for in a case."""
    from llmops_git.reports.clean import clean

    question = sample.question
    return clean(f"{question.config}: {question.scorer}: {len(sample.items)} of {sample.cases} cases, sample {sample.name}")


class Reviewer:
    """Asks one person about samples, and adds each label to its file at once."""

    def __init__(self, project: Project, who: str) -> None:
        from llmops_git.commands.project import terminal
        from llmops_git.reports.style import Paint

        self._project = project
        self._who = who
        self._paint = Paint(terminal()["color"])

    def run(self, samples: Sequence[ReviewSample]) -> None:
        """Ask until all is labelled, or the person leaves."""
        for sample in samples:
            path = labels_folder(self._project, sample.question.folder) / file_name(sample.name, self._who)
            left = self._ask(sample, path)
            click.echo(f"labels: {path}" if path.exists() else "nothing was labelled", err=True)
            if left:
                return

    def _ask(self, sample: ReviewSample, path: Path) -> bool:
        """One sample; whether the person left."""
        from llmops_git.reports.review_text import item_lines, output_lines, question_lines

        known = {label.place for label in (read_label_files([path]) if path.exists() else [])}
        steps = [(number, item, output) for number, item in enumerate(sample.items, 1) for output in item.outputs]
        at = next((index for index, (_, item, output) in enumerate(steps) if self._place(item, output) not in known), None)
        if at is None:
            click.echo("all of this sample is labelled", err=True)
            return False
        self._show(question_lines(sample.question, self._paint))
        shown: Item | None = None
        while at < len(steps):
            number, item, output = steps[at]
            if item is not shown:
                self._show(item_lines(item, number, len(sample.items), self._paint))
                shown = item
            self._show(output_lines(output, self._paint))
            said, note = self._said(item)
            if said == QUIT:
                return True
            if said == BACK:
                at, shown = max(0, at - 1), None
                continue
            if said != SKIP:
                append_label(path, item.label(output, said, who=self._who, when=_now(), note=note))
                known.add(self._place(item, output))
            at += 1
            while at < len(steps) and self._place(*steps[at][1:]) in known:
                at += 1
        return False

    def _place(self, item: Item, output: Output) -> tuple[str, str, str, str]:
        return item.question.config, item.case.id, item.question.scorer, output.digest

    def _said(self, item: Item) -> tuple[str, str]:
        """A label, or one of the keys that are none; and the note."""
        from llmops_git.reports.review_text import keys

        labels = list(item.question.labels)
        note = ""
        for key in typed_keys():
            if key == NOTE:
                note = click.prompt("note", default="", show_default=False, err=True)
            elif key in {QUIT, BACK, SKIP}:
                return key, ""
            elif key in labels:
                return key, note
            elif key.isascii() and key.isdigit() and 0 < int(key) <= len(labels):
                return labels[int(key) - 1], note
            else:
                click.echo(keys(item.question), err=True)
        return QUIT, ""

    def _show(self, lines: Sequence[str]) -> None:
        for line in lines:
            click.echo(line)


def typed_keys() -> Iterator[str]:
    """What is typed: a key on a terminal, else a line; it ends where the input ends."""
    if sys.stdin.isatty():
        while True:
            key = click.getchar()
            if key in {"", "\x04"}:
                return
            yield key
    for line in sys.stdin:
        yield line.rstrip("\r\n")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
