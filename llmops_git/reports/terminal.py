"""The report on a terminal: verdict first, one aligned table per comparison, then what to look at and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from llmops_git.evals.values import FlippedCase
from llmops_git.reports import numbers
from llmops_git.reports.bases import Shown, shown_comparisons
from llmops_git.reports.escape import no_commands, one_line
from llmops_git.reports.evidence import flips_in_words, moved
from llmops_git.reports.method import blind_spot, method, remarks
from llmops_git.reports.numbers import NBSP
from llmops_git.reports.phrases import Phrase, say, unique
from llmops_git.reports.rows import HEADINGS, Level, filled, table
from llmops_git.reports.style import MIN_WIDTH, Align, Paint, Style, columns, wrap
from llmops_git.reports.values import ConfigReport, Report
from llmops_git.reports.values_text import as_text
from llmops_git.reports.verdicts import config_verdict, hard_failures, headline, next_step, worst_first

SYMBOLS: dict[Level, str] = {"good": "\u2713", "same": "=", "bad": "\u2717", "unsure": "?", "unmeasured": "!", "info": "\u00b7"}
COLORS: dict[Level, Style] = {
    "good": "green",
    "same": "green",
    "bad": "red",
    "unsure": "yellow",
    "unmeasured": "yellow",
    "info": "dim",
}
FLIPS = 5  # flipped cases shown per comparison
LISTED = 20  # lines of any other list
_NAME = 200


def render_report(report: Report, *, color: bool, width: int) -> str:
    """The report for a terminal of `width` cells (at least 40), without a final newline.

    Colours are SGR sequences and only with `color`; no other control character is in the result. Tables are not
    folded: a terminal narrower than about 100 cells wraps them.
    """
    writer = _Writer(Paint(color), max(width, MIN_WIDTH))
    writer.head(report)
    for config in worst_first(report.configs):
        writer.config(config)
    if report.guardrails:
        writer.title("guardrails")
    for pack in worst_first(report.guardrails):
        writer.config(pack)
    writer.problems(report)
    if report.entries:
        writer.title("how it was measured")
        for line in method(report):
            writer.text(_speak(line), "  - ")
    step = next_step(report)
    if step:
        writer.lines += ["", f"{writer.paint('next:', 'bold')} {_speak(step)}"]
    return no_commands("\n".join(writer.lines).replace(NBSP, " "))


def render_entry(entry: ConfigReport, *, against_base: bool, color: bool, width: int) -> str:
    """One config, or one pack, by itself; without a base only what the gate says of it."""
    writer = _Writer(Paint(color), max(width, MIN_WIDTH))
    if against_base:
        writer.config(entry)
    else:
        level, words = config_verdict(entry)
        writer.lines.append(f"  gate: {writer.mark(level, words)}")
        for failure in hard_failures(entry)[:LISTED]:
            writer.text(one_line(failure, 2 * _NAME), "    ")
    return no_commands("\n".join(writer.lines).replace(NBSP, " "))


def _speak(phrase: Phrase) -> str:
    return say(phrase, name=lambda text: one_line(text, _NAME), outside=lambda text: one_line(text, 2 * _NAME))


class _Writer:
    """Collects the lines of one report."""

    def __init__(self, paint: Paint, width: int) -> None:
        self.paint = paint
        self.width = width
        self.lines: list[str] = []

    def text(self, text: str, first: str = "  ") -> None:
        self.lines += wrap(text, self.width, first=first)

    def title(self, text: str) -> None:
        self.lines += ["", self.paint(text, "bold")]

    def mark(self, level: Level, text: str, *styles: Style) -> str:
        return self.paint(f"{SYMBOLS[level]} {text}", COLORS[level], *styles)

    def head(self, report: Report) -> None:
        first = headline(report)
        self.lines.append(self.mark(first.level, first.title, "bold"))
        self.text(_speak(first.why))

    def config(self, config: ConfigReport) -> None:
        level, words = config_verdict(config)
        self.lines += ["", f"{self.paint(one_line(config.change.config), 'bold')}: {self.mark(level, words)}"]
        self.text(_what_changed(config))
        for note in config.notes:
            self.text(f"note: {one_line(note, 2 * _NAME)}")
        for failure in hard_failures(config)[:LISTED]:
            self.lines += [
                self.paint(line, "red") for line in wrap(one_line(failure, 2 * _NAME), self.width, first=f"  {SYMBOLS['bad']} ")
            ]
        for shown in shown_comparisons(config):
            self.comparison(shown)
        spot = _speak(blind_spot(config))
        if spot:
            self.text(spot)
        for shown in shown_comparisons(config):
            self.flips(shown)

    def comparison(self, shown: Shown) -> None:
        self.lines.append("")
        self.text(_speak(shown.caption))
        rows = table(shown.comparison)
        kept = filled(rows)
        headings = (shown.side, *HEADINGS[1:])
        cells = [["", *(headings[index] for index in kept)]]
        cells += [[_speak(row.label), *(row.numeric[index] or numbers.NONE for index in kept)] for row in rows]
        right: list[Align] = [">"] * len(kept)
        laid = columns(cells, ["<", *right])
        self.lines.append("    " + self.paint(laid[0].rstrip(), "dim"))
        for line, row in zip(laid[1:], rows, strict=True):
            self.lines.append(f"    {line}  {self.mark(row.level, row.verdict) if row.verdict else ''}".rstrip())
        for remark in remarks(shown.comparison)[:LISTED]:
            self.text(_speak(remark), "    - ")

    def flips(self, shown: Shown) -> None:
        cases = sorted(shown.comparison.flipped, key=lambda case: (case.better, not case.must_pass))
        if not cases:
            return
        self.text(f"{flips_in_words(cases)} against {_speak(shown.called)}:")
        for case in cases[:FLIPS]:
            self.flip(case)
        if len(cases) > FLIPS:
            self.lines.append(f"    and {len(cases) - FLIPS:,} more")

    def flip(self, case: FlippedCase) -> None:
        level: Level = "good" if case.better else "bad"
        must = ", must pass" if case.must_pass else ""
        self.lines.append("    " + self.mark(level, f"{one_line(case.case)}: {one_line(case.scorer)} {moved(case)}{must}"))
        asked = "\n".join(f"{key}: {as_text(value)}" for key, value in case.inputs.items())
        expected = "" if case.expected is None else as_text(case.expected)
        for word, text in (("asked", asked), ("expected", expected), ("base", case.base_output), ("head", case.head_output)):
            if text or word in {"base", "head"}:
                self.lines.append(f"        {word:<9} {one_line(text, max(20, self.width - 18)) or '(nothing)'}")

    def problems(self, report: Report) -> None:
        found = [*report.problems, *(problem for config in report.entries for problem in config.change.problems)]
        if found:
            where = " in the files" if any(problem.path for problem in found) else ""
            self.title(f"{numbers.count(len(found), 'problem')}{where}")
        for problem in found[:LISTED]:
            self.text(one_line(str(problem), 2 * _NAME), "  - ")
            if problem.hint:
                self.text(one_line(problem.hint, 2 * _NAME), "    hint: ")


def _what_changed(config: ConfigReport) -> str:
    change = config.change
    origin = f" from {one_line(change.renamed_from)}" if change.renamed_from else ""
    parts = [f"{change.status}{origin}{': ' if change.aspects else ''}{one_line(', '.join(change.aspects), _NAME)}"]
    if change.bump != "none":
        parts.append(f"{change.bump} release")
    origins: Sequence[str] = unique(chain[0] for chain in change.because if len(chain) > 1)
    if origins:
        more = f" and {numbers.count(len(origins) - 1, 'more file')}" if len(origins) > 1 else ""
        parts.append(f"because of {one_line(origins[0], _NAME)}{more}")
    return "; ".join(parts)
