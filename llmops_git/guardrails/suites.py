"""Suites: the labelled attacks and benign texts that a pack is measured on. Pure: bytes in, values and problems out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from llmops_git.configs.case_files import jsonl_rows
from llmops_git.configs.cases import MAX_BYTES, MAX_PROBLEMS
from llmops_git.configs.digest import digest_of
from llmops_git.configs.text import decode
from llmops_git.errors import InvalidInput, Problem
from llmops_git.guardrails.suite_rows import SuiteText, to_text

FOLDER = "suites"
ENDING = ".jsonl"
MOST_TEXTS = 50_000  # of one pack: every rule looks at each of them, on both sides of a change


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteFile:
    """The rows of one file: `lines[i]` is where `texts[i]` begins. With problems, bad rows are left out."""

    path: str
    texts: tuple[SuiteText, ...]
    lines: tuple[int, ...]
    problems: tuple[Problem, ...]

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2].removesuffix(ENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """All texts that one pack is measured on. Their ids are `<file>/<id>`; `digest` is that of the labelled texts, `repeated`
    how many texts were left out since another file has them with the same label."""

    texts: tuple[SuiteText, ...]
    paths: tuple[str, ...]
    digest: str
    repeated: int = 0


def read_suite(path: str, data: bytes) -> SuiteFile:
    """The texts of a suite, and everything that is wrong with it. Never raises for bad content."""
    problems: list[Problem] = []
    texts: list[SuiteText] = []
    lines: list[int] = []
    try:
        for row in jsonl_rows(decode(data, path, limit=MAX_BYTES), path, problems):
            text = to_text(row.value, row.line, path, problems)
            if text is not None:
                texts.append(text)
                lines.append(row.line)
    except InvalidInput as error:
        problems.extend(error.problems)
    problems += _repeated(texts, lines, path)
    problems.sort(key=lambda problem: (problem.line, problem.column))
    if len(problems) > MAX_PROBLEMS:
        rest = len(problems) - MAX_PROBLEMS
        problems = [*problems[:MAX_PROBLEMS], Problem(path=path, message=f"and {rest} more problems in this file")]
    return SuiteFile(path=path, texts=tuple(texts), lines=tuple(lines), problems=tuple(problems))


def joined(files: Sequence[SuiteFile]) -> Suite:
    """One suite of all files. Raises InvalidInput with the problems of all of them, and where two files say different things
    of one text."""
    problems = [problem for file in files for problem in file.problems]
    first: dict[tuple[str | None, str], tuple[SuiteText, str]] = {}
    repeated = 0
    for file in files:
        for text, line in zip(file.texts, file.lines, strict=True):
            key = (text.side, _digest(text.text))
            known = first.setdefault(key, (_named(text, file.name), f"{file.path}:{line}"))
            if known[1] == f"{file.path}:{line}":
                continue
            if (known[0].attack, known[0].rules) == (text.attack, text.rules):
                repeated += 1
            else:
                message = f"{known[1]} says something else of the same text"
                problems.append(Problem(path=file.path, line=line, message=message, hint="drop one of the lines"))
    if len(first) > MOST_TEXTS:
        message = f"{len(first):,} texts for one pack, and at most {MOST_TEXTS:,} are measured"
        problems.append(Problem(path=files[-1].path, message=message, hint="keep a sample of them"))
    if problems:
        raise InvalidInput(problems, hint="llmops-git guardrails test")
    texts = tuple(text for text, _ in first.values())
    return Suite(texts=texts, paths=tuple(file.path for file in files), digest=suite_digest(texts), repeated=repeated)


def suite_digest(texts: Iterable[SuiteText]) -> str:
    """The digest of what is measured on: the texts, their labels and families, whatever their order and source."""
    rows = sorted(
        [text.id, _digest(text.text), text.side or "", str(text.attack), text.family]
        + [f"{rule}={text.rules[rule]}" for rule in sorted(text.rules)]
        for text in texts
    )
    return digest_of(rows)


def _named(text: SuiteText, name: str) -> SuiteText:
    return replace(text, id=f"{name}/{text.id}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _repeated(texts: Sequence[SuiteText], lines: Sequence[int], path: str) -> list[Problem]:
    """A problem for each row whose id, or text, an earlier row has."""
    ids: dict[str, int] = {}
    known: dict[tuple[str | None, str], tuple[int, SuiteText]] = {}
    problems = []
    for text, line in zip(texts, lines, strict=True):
        earlier, twin = known.setdefault((text.side, _digest(text.text)), (line, text))
        if earlier != line:
            same = (twin.attack, twin.family, twin.rules) == (text.attack, text.family, text.rules)
            message = f"the same text as on line {earlier}" + ("" if same else ", with another label")
            problems.append(Problem(path=path, line=line, message=message, hint="drop one of the lines"))
        elif ids.setdefault(text.id, line) != line:
            message = f"the id `{text.id}` is taken by line {ids[text.id]}"
            problems.append(Problem(path=path, line=line, message=message, hint="give it an id of its own"))
    return problems
