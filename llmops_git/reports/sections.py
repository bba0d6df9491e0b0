"""The sections of the pull-request comment, each a whole piece of Markdown: no fence or fold is ever left open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmops_git.configs.values import Change
from llmops_git.errors import Problem
from llmops_git.reports import numbers
from llmops_git.reports.bases import Shown, shown_comparisons
from llmops_git.reports.details import Detail
from llmops_git.reports.escape import code, prose
from llmops_git.reports.evidence import field_change, flip_line, flipped_case, flips_in_words
from llmops_git.reports.method import blind_spot, method, remarks
from llmops_git.reports.numbers import NBSP
from llmops_git.reports.phrases import Phrase, say, unique
from llmops_git.reports.rows import HEADINGS, Level, filled, table, unit_of
from llmops_git.reports.values import ConfigReport, Report
from llmops_git.reports.verdicts import config_verdict, hard_failures, said_first, telling, worst_first

SYMBOLS: dict[Level, str] = {
    "good": "\u2705 ",
    "same": "",
    "bad": "\u274c ",
    "unsure": "\u26a0\ufe0f ",
    "unmeasured": "\u26d4 ",
    "info": "",
}
# where nothing is decided, nothing is red
_MUTED: dict[Level, str] = {**SYMBOLS, "good": "", "bad": SYMBOLS["unsure"], "unsure": "", "unmeasured": ""}
_FIELD_CHARS = 3000
_FIELDS = 20


def speak(phrase: Phrase) -> str:
    """A sentence in Markdown."""
    return say(phrase, name=lambda text: code(text, 300), outside=prose)


def sentence(note: str) -> str:
    """A note as a sentence of its own."""
    return prose(note[:1].upper() + note[1:])


def summary_table(report: Report, detail: Detail) -> str:
    """One line per changed config, worst first. A column that says nothing of any config is left out."""
    configs = worst_first(report.entries)
    ratios = {kind: [_ratio(config, kind) for config in configs] for kind in ("cost", "latency")}
    shown = {kind: cells for kind, cells in ratios.items() if set(cells) != {numbers.NONE}}
    lines = [_line(["config", "verdict", "quality", *shown]), _line([":--"] * 3 + ["--:"] * len(shown))]
    for index, config in enumerate(configs[: detail.rows]):
        level, words = config_verdict(config)
        cells = [cells[index] for cells in shown.values()]
        lines.append(_line([code(config.change.config), f"{SYMBOLS[level]}{words}", _quality(config), *cells]))
    if len(configs) > detail.rows:
        lines.append(_line([f"and {len(configs) - detail.rows:,} more", *[""] * (2 + len(shown))]))
    return "\n".join(lines) if detail.rows else ""


def config_section(config: ConfigReport, detail: Detail, *, alone: bool, mark: str = "####") -> list[str]:
    """Everything about one config, as blocks; without a title where it is `alone`, folded where nothing needs a look. `mark`
    stands before the title."""
    level, words = config_verdict(config)
    title = f"{SYMBOLS[level]}{code(config.change.config)}: {words}"
    if alone:
        return config_blocks(config, detail, broken=() if said_first(config) else hard_failures(config))
    blocks = config_blocks(config, detail, broken=hard_failures(config))
    return [fold(title, blocks)] if level == "good" else [f"{mark} {title}", *blocks]


def config_blocks(config: ConfigReport, detail: Detail, *, broken: Sequence[str]) -> list[str]:
    """What changed, notes, the hard rules that are `broken`, tables, the blind spot; flips and fields as `detail` says."""
    blocks = [what_changed(config.change)]
    blocks.append(alert("NOTE", [sentence(note) for note in config.notes[: detail.lists]]))
    blocks.append(_bullets("**Hard rules broken**", [f"\u274c {prose(text)}" for text in broken], detail.lists))
    for shown in shown_comparisons(config):
        blocks += comparison_blocks(shown, detail)
    blocks.append(speak(blind_spot(config)))
    blocks += _flips(config, detail)
    if detail.fields:
        blocks.append(fields_fold(config.change))
    return [block for block in blocks if block]


def problems(found: Sequence[Problem], detail: Detail) -> str:
    """Problems in the user's files."""
    lines = []
    for problem in found:
        place = f"{problem.path}:{problem.line}" if problem.line else problem.path
        hint = f" ({prose(problem.hint)})" if problem.hint else ""
        lines.append(f"{code(place)} {prose(problem.message)}{hint}" if place else f"{prose(problem.message)}{hint}")
    where = " in the files" if any(problem.path for problem in found) else ""
    return _bullets(f"**{numbers.count(len(found), 'problem')}{where}**", lines, detail.lists)


def how_measured(report: Report) -> str:
    """The folded section on method."""
    return fold("How this was measured", ["\n".join(f"- {speak(line)}" for line in method(report))])


def fold(summary: str, blocks: Iterable[str]) -> str:
    """A folded section; `summary` is HTML."""
    body = "\n\n".join(blocks)
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def alert(kind: str, lines: Sequence[str]) -> str:
    """A GitHub alert, one paragraph per line."""
    if not lines:
        return ""
    body = "\n>\n".join(f"> {line}" for line in lines)
    return f"> [!{kind}]\n{body}"


def what_changed(change: Change) -> str:
    """`Modified: prompt · patch release · because of tone.j2`."""
    origin = f" from {code(change.renamed_from)}" if change.renamed_from else ""
    parts = [change.status.capitalize() + origin]
    if change.aspects:
        parts[0] += f": {prose(', '.join(change.aspects))}"
    if change.bump != "none":
        parts.append(f"{change.bump} release")
    origins = unique(chain[0] for chain in change.because if len(chain) > 1)
    if origins:
        more = f" and {numbers.count(len(origins) - 1, 'more file')}" if len(origins) > 1 else ""
        parts.append(f"because of {code(origins[0], 120)}{more}")
    return " \u00b7 ".join(parts)


def comparison_blocks(shown: Shown, detail: Detail) -> list[str]:
    """The table of one comparison, under its caption."""
    comparison = shown.comparison
    blocks = [f"**{speak(shown.caption)}**", _table(shown)]
    blocks.append(_bullets("", [speak(remark) for remark in remarks(comparison)], detail.lists))
    return blocks


def _table(shown: Shown) -> str:
    rows = table(shown.comparison)
    columns = filled(rows)
    judged = any(row.verdict for row in rows)
    lines = [
        _line(["", *(hard_blanks((shown.side, *HEADINGS[1:])[index]) for index in columns), *(["verdict"] if judged else [])]),
        _line([":--", *("--:" for _ in columns), *([":--"] if judged else [])]),
    ]
    for row in rows:
        symbol = SYMBOLS[row.level] if shown.gating else _MUTED[row.level]
        cells = [hard_blanks(row.numeric[index] or numbers.NONE) for index in columns]
        lines.append(_line([hard_blanks(speak(row.label)), *cells, *([f"{symbol}{row.verdict}"] if judged else [])]))
    return "\n".join(lines) if rows else ""


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def hard_blanks(text: str) -> str:
    """`text` that the page does not break into two lines."""
    return text.replace(" ", NBSP)


def _flips(config: ConfigReport, detail: Detail) -> list[str]:
    blocks = []
    for shown in shown_comparisons(config):
        cases = sorted(shown.comparison.flipped, key=lambda case: (case.better, not case.must_pass))
        limit = detail.flips or detail.flip_names
        if not cases or not limit:
            continue
        summary = f"{flips_in_words(cases)} against {speak(shown.called)}"
        if detail.flips:
            body = ["`-` the base's answer, `+` this change's answer."]
            body += [flipped_case(case, chars=detail.chars) for case in cases[:limit]]
        else:
            body = ["\n".join(f"- {flip_line(case)}" for case in cases[:limit])]
        if len(cases) > limit:
            body.append(f"and {len(cases) - limit:,} more in the run folder")
        blocks.append(fold(summary, body))
    return blocks


def fields_fold(change: Change) -> str:
    """The changed fields of a config as diffs, folded; "" where all of it is new or gone."""
    fields = change.fields
    if not fields or change.status in {"added", "removed"}:
        return ""
    chains = [" \u2192 ".join(code(path, 120) for path in chain) for chain in change.because[:_FIELDS]]
    body = ["\n".join(f"- {chain}" for chain in chains)] if chains else []
    body += [field_change(field, chars=_FIELD_CHARS) for field in fields[:_FIELDS]]
    if len(fields) > _FIELDS:
        body.append(f"and {numbers.count(len(fields) - _FIELDS, 'more field')}")
    return fold(f"What changed: {numbers.count(len(fields), 'field')}", body)


def _quality(config: ConfigReport) -> str:
    found = telling(config)
    if found is None:
        return numbers.NONE
    comparison, scorer = found
    change = numbers.difference(scorer.delta, unit_of(comparison, scorer))
    return f"{code(scorer.scorer)} {hard_blanks(change)}"


def _ratio(config: ConfigReport, kind: str) -> str:
    for comparison in config.comparisons[:1]:
        for ratio in comparison.ratios:
            if ratio.name.startswith(kind):
                symbol = "\u274c " if ratio.state == "over" else ""
                return symbol + hard_blanks(numbers.growth(ratio.ratio))
    return numbers.NONE


def _bullets(title: str, lines: Sequence[str], limit: int) -> str:
    if not lines or not limit:
        return ""
    shown = [f"- {line}" for line in lines[:limit]]
    if len(lines) > limit:
        shown.append(f"- and {len(lines) - limit:,} more")
    return "\n".join([title, "", *shown] if title else shown)
