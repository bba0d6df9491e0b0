"""`llmops-git calibrate`: a judge whose mistakes are known, and people who say the truth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmops_git.evals.folder import read_runs
from llmops_git.evals.people.labels import Label, label_line, text_digest
from tests.commands.people_project import people_project, truth, wrong_judge
from tests.commands.release_project import Folder


def label_everything(clone: Folder, **changed: str) -> list[Label]:
    """What a person who is always right says of every output of the newest run."""
    folder = max((clone.path / ".llmops" / "runs").iterdir())
    found = {}
    for run in read_runs(folder):
        for sample in run.samples:
            said = truth(int(sample.case[1:]), sample.output)
            fields = {"who": "Ann", "when": "2026-01-01T00:00:00Z", "label": said, **changed}
            label = Label(config="router", case=sample.case, scorer="helpful", judge="helpful", output=text_digest(sample.output),
                          **fields)  # type: ignore[arg-type]  # fmt: skip
            found[label.place] = label
    path = clone.path / "labels" / "helpful" / f"{fields['who'].lower()}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(label_line(label) for label in found.values()))
    return list(found.values())


def test_the_agreement_is_what_the_mistakes_of_the_judge_make_it(repository: Path) -> None:
    with people_project(repository) as (clone, _):
        clone.run("eval")
        labels = label_everything(clone)
        found = clone.json("calibrate", "helpful", schema="calibrate")
    wrong = [label for label in labels if wrong_judge(int(label.case[1:]))]
    counts = {
        "both_pass": sum(label.label == "pass" for label in labels) - sum(label.label == "pass" for label in wrong),
        "only_person_passes": sum(label.label == "pass" for label in wrong),
        "only_judge_passes": sum(label.label == "fail" for label in wrong),
        "both_fail": sum(label.label == "fail" for label in labels) - sum(label.label == "fail" for label in wrong),
    }
    assert counts == found["counts"]
    assert len(labels) == found["labels"]
    assert pytest.approx(counts["both_pass"] / (counts["both_pass"] + counts["only_person_passes"])) == found["tpr"]["value"]
    assert found["kappa"]["low"] < found["kappa"]["value"] < found["kappa"]["high"] <= 1
    assert [] == found["notes"]


def test_the_corrected_score_is_what_people_say(repository: Path) -> None:
    with people_project(repository) as (clone, _):
        clone.run("eval")
        label_everything(clone)
        found = clone.json("calibrate", "helpful", schema="calibrate")
    means = {run["side"]: run["corrected"]["value"] for run in found["runs"]}
    assert pytest.approx({"base": 0.6, "head": 0.85}, abs=0.03) == means


def test_what_review_drew_is_weighted_by_what_it_stands_for(repository: Path) -> None:
    with people_project(repository) as (clone, _):
        clone.run("eval")
        folder = repository / "labels" / "helpful"
        label_everything(clone)
        lines = [json.loads(line) for line in (folder / "ann.jsonl").read_text().splitlines()]
        for line in lines:
            hard = wrong_judge(int(line["case"][1:]))
            line["drawn"] = {"sample": "s", "stratum": "flipped" if hard else "other", "of": 5 if hard else 350}
        (folder / "ann.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        weighted = clone.json("calibrate", "helpful", schema="calibrate")
        label_everything(clone)
        plain = clone.json("calibrate", "helpful", schema="calibrate")
    assert weighted["counts"] == plain["counts"]
    assert weighted["kappa"]["value"] > plain["kappa"]["value"] + 0.1


def test_people_who_contradict_each_other_are_left_out_and_counted(repository: Path) -> None:
    with people_project(repository) as (clone, _):
        clone.run("eval")
        labels = label_everything(clone)
        label_everything(clone, who="Bo", label="pass")
        found = clone.json("calibrate", "helpful", schema="calibrate")
    agreed = sum(label.label == "pass" for label in labels)
    assert agreed == found["labels"]
    assert [f"people disagree on {len(labels) - agreed} outputs, which are left out"] == found["notes"]
    assert found["tnr"] is None


def test_without_labels_or_with_broken_ones_it_says_what_to_do(repository: Path) -> None:
    with people_project(repository) as (clone, _):
        code, _, error = clone.run("calibrate", "helpful")
        assert (2, True) == (code, "hint: llmops-git review" in error)
        (repository / "labels" / "helpful").mkdir(parents=True)
        (repository / "labels" / "helpful" / "a.jsonl").write_text("{}\nnope\n")
        code, _, error = clone.run("calibrate", "helpful")
    assert 2 == code
    assert "a.jsonl:1: is not in the format" in error
    assert "a.jsonl:2: is not a line of JSON" in error


def test_the_text_says_the_same(repository: Path) -> None:
    with people_project(repository) as (clone, _):
        clone.run("eval")
        label_everything(clone)
        text = clone.ok("calibrate", "helpful")
    assert "labelled outputs, people: 1" in text
    assert "router head" in text


def gates(clone: Folder) -> tuple[bool, str]:
    """Whether the judge gates, and what the report says of the config."""
    document = json.loads((max((clone.path / ".llmops" / "runs").iterdir()) / "report.json").read_text())
    (config,) = document["configs"]
    scorer = next(s for s in config["comparisons"][0]["scorers"] if s["scorer"] == "helpful")
    return scorer["gating"], " ".join(config["notes"])


def test_a_judge_gates_only_once_it_was_held_to_people(repository: Path) -> None:
    with people_project(repository) as (clone, _):
        clone.run("eval")
        assert (True, "") == gates(clone)
        policy = clone.path / "llmops.yaml"
        policy.write_text(policy.read_text() + "judges: {min_kappa: 0.1, min_labels: 10}\n")
        clone.run("eval", "--policy", "head")
        gating, said = gates(clone)
        assert (False, True) == (gating, "nobody has held this version of it to people" in said)
        label_everything(clone)
        clone.ok("calibrate", "helpful", "--write")
        clone.run("eval", "--policy", "head")
        assert (True, "") == gates(clone)
        policy.write_text(policy.read_text().replace("min_kappa: 0.1", "min_kappa: 0.99"))
        clone.run("eval", "--policy", "head")
        gating, said = gates(clone)
        assert (False, True) == (gating, "its agreement with people (kappa) is" in said)


def test_a_broken_calibration_is_an_error_with_its_file(repository: Path) -> None:
    with people_project(repository) as (clone, _):
        policy = clone.path / "llmops.yaml"
        policy.write_text(policy.read_text() + "judges: {}\n")
        (clone.path / "labels" / "helpful").mkdir(parents=True)
        (clone.path / "labels" / "helpful" / "calibration.json").write_text('{"schema": "llmops-git/calibrate/1"}')
        code, out, err = clone.run("check")
    assert (2, True) == (code, "labels/helpful/calibration.json" in out + err)
