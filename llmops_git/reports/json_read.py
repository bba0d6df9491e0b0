"""Reads a report document back. What the schema allows and this version does not know is left aside."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from llmops_git.configs.schema import validator
from llmops_git.configs.values import Change, Config, FieldChange
from llmops_git.errors import InvalidInput, Problem
from llmops_git.evals.shards import Shard
from llmops_git.evals.values import (
    Comparison,
    FlippedCase,
    RatioComparison,
    Run,
    ScorerComparison,
    ScorerDeclaration,
    SliceComparison,
    Spending,
)
from llmops_git.reports.escape import shorten
from llmops_git.reports.values import ConfigReport, Report

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

MOST_PROBLEMS = 20
_MOST = 1e15
_ANYTHING = frozenset({"before", "after", "inputs", "expected"})  # values of users, which are only shown
_TUPLES = frozenset({"aspects", "notes", "hard_failures", "reasons", "unmeasured"})
T = TypeVar("T")


def read_report(document: Mapping[str, Any], *, path: str) -> Report:
    """See `json_report.report_from_document`."""
    found = sorted(validator("report").iter_errors(document), key=lambda error: error.json_path)
    if found:
        raise InvalidInput([_problem(path, error) for error in found[:MOST_PROBLEMS]], hint="make it again: llmops-git eval")
    if not _is_sane(document):
        raise InvalidInput([Problem(path=path, message="a number in it is too large")], hint="make it again: llmops-git eval")
    configs = tuple(_config(config) for config in document["configs"])
    packs = tuple(dataclasses.replace(_config(pack), kind="pack") for pack in document.get("guardrails", ()))
    spending = _known(Spending, document["spending"])
    problems = tuple(_known(Problem, problem) for problem in document["problems"])
    shard = Shard(**document["shard"]) if "shard" in document else None
    given = {"configs": configs, "guardrails": packs, "spending": spending, "problems": problems, "shard": shard}
    return _known(Report, document, **given)


def _problem(path: str, error: ValidationError) -> Problem:
    return Problem(path=path, message=shorten(error.message, 200), pointer=shorten(error.json_path, 200))


def _is_sane(value: Any) -> bool:
    """Whether all numbers can be computed with: JSON knows no largest one, and the document may be a stranger's."""
    if isinstance(value, Mapping):
        return all(_is_sane(item) for key, item in value.items() if key not in _ANYTHING)
    if isinstance(value, list):
        return all(map(_is_sane, value))
    return not isinstance(value, int | float) or abs(value) < _MOST


def _config(document: Mapping[str, Any]) -> ConfigReport:
    comparisons = tuple(_comparison(comparison) for comparison in document["comparisons"])
    runs = tuple(_run(run) for run in document["runs"])
    return _known(ConfigReport, document, change=_change(document["change"]), comparisons=comparisons, runs=runs)


def _comparison(document: Mapping[str, Any]) -> Comparison:
    return _known(
        Comparison,
        document,
        scorers=tuple(_known(ScorerComparison, scorer) for scorer in document["scorers"]),
        ratios=tuple(_known(RatioComparison, ratio) for ratio in document["ratios"]),
        flipped=tuple(_known(FlippedCase, case) for case in document["flipped"]),
        slices=tuple(_known(SliceComparison, part) for part in document.get("slices", ())),
    )


def _run(document: Mapping[str, Any]) -> Run:
    scorers = tuple(_known(ScorerDeclaration, scorer) for scorer in document["scorers"])
    return _known(Run, document, scorers=scorers, cases=(), must_pass=(), clusters={}, samples=())


def _change(document: Mapping[str, Any]) -> Change:
    return _known(
        Change,
        document,
        because=tuple(tuple(chain) for chain in document["because"]),
        fields=tuple(_known(FieldChange, field) for field in document["fields"]),
        problems=tuple(_known(Problem, problem) for problem in document.get("problems", ())),
        base=_side(document["config"], document["base_digest"]),
        head=_side(document["config"], document["head_digest"]),
    )


def _side(name: str, digest: str | None) -> Config | None:
    """One side of a change: of the config that was there, a document keeps the digest."""
    if digest is None:
        return None
    return Config(
        name=name,
        path="",
        kind="config",
        description="",
        owner="",
        resolved={"model": {"provider": "", "id": ""}, "messages": []},
        digest=digest,
        closure=(),
        closure_digest="",
    )


def _known(kind: type[T], document: Mapping[str, Any], **given: Any) -> T:
    """A value from those of its fields that the document has, with some parts given."""
    names = {field.name for field in dataclasses.fields(kind)} - given.keys()  # type: ignore[arg-type]
    found = {name: document[name] for name in names if name in document}
    return kind(**{name: tuple(item) if name in _TUPLES else item for name, item in found.items()}, **given)
