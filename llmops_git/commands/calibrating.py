"""Joins labels with the judge's scores of the same outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops_git.commands.label_files import labels_about, labels_folder
from llmops_git.commands.measured import Measured, measured_in
from llmops_git.commands.runs import runs_folder
from llmops_git.configs.calibrations import FILE
from llmops_git.errors import LlmopsError
from llmops_git.evals.folder import write_whole
from llmops_git.evals.people.calibration import Pair, agreement, corrected, length_bias, position_bias, weighted
from llmops_git.evals.people.items import inputs_digest
from llmops_git.evals.people.labels import Label, consensus, latest, text_digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmops_git.commands.project import Project
    from llmops_git.configs.values import Config, ScorerSettings
    from llmops_git.evals.values import Run

SCHEMA = "llmops-git/calibrate/1"


def calibration_document(project: Project, name: str) -> dict[str, Any]:
    """What `--format json` prints; schema: schemas/calibrate.schema.json. Raises LlmopsError without labels or runs."""
    given = latest(labels_about(project, name))
    if not given:
        raise LlmopsError(f"nobody has labelled what `{name}` judges", hint="llmops-git review")
    labels, split = _agreed(given)
    notes = [f"people disagree on {split} outputs, which are left out"] if split else []
    pairs: dict[tuple[str, ...], Pair] = {}
    sides: list[dict[str, Any]] = []
    judge: Config | None = None
    for measured, settings in _newest_first(project, name, notes):
        judge = judge or settings.judge
        if (
            judge is None
            or settings.judge is None
            or (judge.digest, judge.scale) != (settings.judge.digest, settings.judge.scale)
        ):
            notes.append(f"a run of `{measured.config}` was judged by another version of the judge and is left out")
            continue
        for side, run in (("base", measured.base), ("head", measured.head)):
            if run is not None:
                found = _pairs(run, measured, settings, labels)
                pairs = {**{pair.label.place: pair for pair in found}, **pairs}
                judged = [
                    s.value for x in run.samples if x.repeat == 0 and (s := x.scores.get(settings.name)) and s.value is not None
                ]
                sides.append({"config": run.config, "side": side, "config_digest": run.config_digest, "labels": len(found),
                              "corrected": corrected(found, judged)})  # fmt: skip
    if judge is None:
        raise LlmopsError(f"there is no run in which `{name}` judged", hint="llmops-git eval")
    everything = weighted(list(pairs.values()))
    if len(pairs) < len(labels):
        notes.append(f"{len(labels) - len(pairs)} labels are of outputs that are in no run here")
    return {
        "schema": SCHEMA,
        "judge": name,
        "judge_digest": judge.digest,
        "people": len({label.who for label in given}),
        **agreement(everything, _worths(judge)),
        "length_bias": length_bias(everything),
        "position_bias": position_bias(everything),
        "runs": sides,
        "notes": list(dict.fromkeys(notes)),
    }


def _agreed(given: list[Label]) -> tuple[dict[tuple[str, ...], Label], int]:
    by_place: dict[tuple[str, ...], list[Label]] = {}
    for label in given:
        by_place.setdefault(label.place, []).append(label)
    found = {place: consensus(labels) for place, labels in by_place.items()}
    kept = {place: label for place, label in found.items() if label is not None}
    return kept, len(found) - len(kept)


def _newest_first(project: Project, name: str, notes: list[str]) -> Iterator[tuple[Measured, ScorerSettings]]:
    """What this judge scored, from the newest run folder to the oldest, each pair of digests once."""
    seen = set()
    for folder in sorted(runs_folder(project).glob("*"), reverse=True):
        try:
            found = measured_in(project, folder)
        except LlmopsError as error:
            notes.append(f"{folder.name}: {error.message}")
            continue
        for measured in found:
            key = (measured.base.config_digest if measured.base else "", measured.head.config_digest, measured.head.eval_digest)
            if key not in seen:
                seen.add(key)
                asked = [
                    one for one in measured.evaluation.scorers if one.use == "judge" and one.judge and one.judge.name == name
                ]
                yield from ((measured, settings) for settings in asked)


def _worths(judge: Config) -> dict[str, float]:
    scale = judge.scale or {"labels": {}}
    return {str(label): float(worth) for label, worth in scale["labels"].items() if worth is not None}


def _pairs(run: Run, measured: Measured, settings: ScorerSettings, labels: Mapping[tuple[str, ...], Label]) -> list[Pair]:
    """The outputs of a run that people labelled and the judge scored, each once."""
    worths = _worths(settings.judge) if settings.judge else {}
    cases = {case.id: inputs_digest(case) for case in measured.evaluation.cases}
    found: dict[tuple[str, ...], Pair] = {}
    for sample in run.samples:
        place = (run.config, sample.case, settings.name, text_digest(sample.output))
        label, score = labels.get(place), sample.scores.get(settings.name)
        if label is None or score is None or score.value is None or label.label not in worths or score.label not in worths:
            continue
        if label.inputs in ("", cases.get(sample.case)):
            found.setdefault(place, Pair(label=label, judged=score.label, person=worths[label.label], judge=score.value,
                                         length=len(sample.output)))  # fmt: skip
    return weighted(list(found.values()))


def write_calibration(project: Project, document: Mapping[str, Any]) -> Path:
    """Keep what was found beside the labels, for a commit to carry; the file's path. Raises LlmopsError."""
    path = labels_folder(project, str(document["judge"])) / FILE
    if path.is_symlink():
        raise LlmopsError(f"{path} is a link, and calibrations are not written through links", hint=f"rm {path}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, [json.dumps(document, indent=1, ensure_ascii=False), "\n"])
    except OSError as error:
        raise LlmopsError(f"{path} cannot be written: {error.strerror}") from None
    return path
