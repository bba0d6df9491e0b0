"""The description of a pull request with mined cases: what failed live, whether it comes back, and what is left to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmops_git.reports.escape import code, no_commands, prose
from llmops_git.reports.markdown import LIMIT

_WHY = 3  # reasons of one case that are shown
_SHOWN = 160  # characters of what was asked and answered
_ROWS = 200
MARKS = {"reproduced": "\u2717 reproduced", "not reproduced": "~ not reproduced", "cannot tell": "? cannot tell"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One new case. `state` and `verdict` say what asking again came to, `again` what was asked; `alike` counts the live
    requests that are nearly the same; `asked` and `observed` are texts of strangers, already redacted."""

    config: str
    case: str
    why: tuple[str, ...]
    state: str
    verdict: str
    again: str
    alike: int
    trace_id: str
    release: str
    asked: str
    observed: str


def render_mined(
    entries: Sequence[Entry],
    *,
    files: Sequence[str],
    base: str,
    command: str,
    unseen: Sequence[str] = (),
    limit: int = LIMIT,
) -> str:
    """The description, at most `limit` characters long: rows that do not fit are counted."""
    head = _head(entries, files)
    foot = _foot(base, command, unseen)
    table = ["| case | why | asked again | trace |", "|:--|:--|:--|:--|"]
    left = limit - len(head) - len(foot) - sum(len(line) + 1 for line in table) - 200
    for number, entry in enumerate(entries[:_ROWS]):
        row = _row(entry)
        if len(row) + 1 > left:
            table.append(f"| and {len(entries) - number:,} more | | | |")
            break
        left -= len(row) + 1
        table.append(row)
    return no_commands("\n\n".join([head, "\n".join(table), foot]) + "\n")


def _head(entries: Sequence[Entry], files: Sequence[str]) -> str:
    count = len(entries)
    back = sum(entry.state == "reproduced" for entry in entries)
    said = f"{count} live failure{'' if count == 1 else 's'} became {'a case' if count == 1 else 'cases'} of the eval set; "
    said += f"{back} of them come{'s' if back == 1 else ''} back when asked again."
    where = ", ".join(code(path) for path in files[:5])
    todo = (
        f"**To do before the merge**: in {where}, write {code('expected')} into each new row (nothing, where no scorer "
        f"compares with one) and delete its {code('needs_label')}, or delete the row. Until then the cases are not scored, "
        f"and {code('llmops-git check')} refuses them on the default branch."
    )
    return f"{said}\n\n{todo}"


def _row(entry: Entry) -> str:
    why = "<br>".join(prose(reason) for reason in entry.why[:_WHY])
    if entry.alike:
        why += f"<br>and {entry.alike} like it"
    asked = f"{code(entry.case)} of {code(entry.config)}<br>{code(entry.asked, _SHOWN)}"
    answered = f"<br>answered {code(entry.observed, _SHOWN)}" if entry.observed.strip() else ""
    again = f"{MARKS.get(entry.state, entry.state)}<br>{prose(entry.verdict)}" + (
        f"<br>{prose(entry.again)}" if entry.again else ""
    )
    served = f"<br>{code(entry.release)}" if entry.release else ""
    return f"| {asked}{answered} | {why} | {again} | {code(entry.trace_id)}{served} |"


def _foot(base: str, command: str, unseen: Sequence[str]) -> str:
    made = f"Made by {code(command, 400)} on top of {code(base[:12])}."
    care = (
        "Personal data and secrets were looked for and replaced; look yourself before you merge: history keeps what is in it."
    )
    return "\n\n".join([f"{made} {care}", *(f"Note: {prose(text)}" for text in unseen)])
