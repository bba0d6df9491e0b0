"""`llmops-git eval --shard` and `llmops-git merge` on a real repository and a server that answers by script."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llmops_git.cli import run
from llmops_git.configs.schema import validator
from llmops_git.evals.folder import read_runs, read_spans
from llmops_git.evals.shards import number_of
from tests.chat_server import Asked, ChatServer, error_answer
from tests.commands.test_commands_eval import CASES, CONFIG, git, project, skill, write_cases, write_config

OF = 3
TIMES = re.compile(r'"(?:started_at|trace_id)": "[^"]*"')


class Shards:
    """Runs shards and merges them, in a project whose prompt was changed."""

    def __init__(self, folder: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.server, self._capsys = folder, server, capsys

    def call(self, *arguments: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        code = run(list(arguments))
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def shard(self, number: int, *arguments: str, of: int = OF) -> Path:
        place = self.folder / f"shard{number}of{of}"
        code, _, err = self.call("eval", "--shard", f"{number}/{of}", "--output", str(place), *arguments)
        assert code == 0, err
        return place

    def all(self, *arguments: str, of: int = OF) -> list[str]:
        return [str(self.shard(number, *arguments, of=of)) for number in range(1, of + 1)]

    def merge(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        code, out, err = self.call("merge", *arguments, "--format", "json", "--output", str(self.folder / "merged"))
        assert out, err
        return code, json.loads(out)

    def whole(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        code, out, _ = self.call("eval", "--format", "json", "--output", str(self.folder / "whole"), *arguments)
        return code, json.loads(out)

    def evidence(self, name: str) -> str:
        return TIMES.sub('"": ""', (self.folder / name / "run.json").read_text())


@pytest.fixture
def shards(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shards]:
    with project(repository, monkeypatch) as server:
        write_config(repository, "skill 95")
        yield Shards(tmp_path / "runs", server, capsys)


def change(path: Path, edit: Callable[[Any], Any]) -> None:
    """Edit the record of a shard."""
    document = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps(edit(document) or document))


def test_shards_share_the_cases_and_ask_each_once(shards: Shards) -> None:
    places = shards.all()
    held = [
        {case for entry in json.loads((Path(place) / "run.json").read_text())["runs"] for case in entry["cases"]}
        for place in places
    ]
    assert {f"c{number}" for number in range(CASES)} == set.union(*held)
    assert CASES == sum(map(len, held))
    assert 2 * CASES == len(shards.server.asked)


def test_a_shard_says_which_one_it_is_and_has_no_verdict(shards: Shards) -> None:
    code, out, err = shards.call("eval", "--shard", "2/3", "--output", str(shards.folder / "s"))
    assert (0, True) == (code, "Shard 2 of 3: no verdict before all are merged" in out), err
    document = json.loads((shards.folder / "s" / "report.json").read_text())
    assert ("invalid", {"number": 2, "of": 3}) == (document["verdict"], document["shard"])
    validator("report").validate(document)
    validator("shard").validate(json.loads((shards.folder / "s" / "run.json").read_text()))
    assert "llmops-git merge" in (shards.folder / "s" / "comment.md").read_text()
    _, again, _ = shards.call("report", str(shards.folder / "s"))
    assert "Shard 2 of 3" in again


@pytest.mark.parametrize("of", [1, 2, 5, 40])
def test_merged_shards_are_the_unsharded_run(shards: Shards, of: int) -> None:
    shards.call("eval")  # every reply is in the cache from here on
    whole_code, whole = shards.whole()
    code, merged = shards.merge(*reversed(shards.all(of=of)))
    assert (whole_code, whole["verdict"], whole["configs"][0]["comparisons"]) == (
        code, merged["verdict"], merged["configs"][0]["comparisons"]
    )  # fmt: skip
    assert shards.evidence("whole") == shards.evidence("merged")
    assert 2 * CASES == len(shards.server.asked)
    assert {span.trace_id for entry in read_runs(shards.folder / "merged") for span in entry.samples} == {
        span.trace_id for span in read_spans(shards.folder / "merged")
    }


def test_what_eval_writes_merge_writes(shards: Shards) -> None:
    shards.merge(*shards.all())
    for form in ("text", "markdown", "summary", "junit", "html"):
        code, out, err = shards.call("report", str(shards.folder / "merged"), "--format", form)
        assert (0, True) == (code, len(out) > 100), err
    validator("report").validate(json.loads((shards.folder / "merged" / "report.json").read_text()))


def test_a_worse_prompt_is_stopped_by_the_merge_and_by_no_shard(shards: Shards, repository: Path) -> None:
    write_config(repository, "skill 10")
    code, document = shards.merge(*shards.all())
    assert (1, "regressed", False) == (code, document["verdict"], document["gate_passes"])


def test_a_must_pass_case_is_held_to_wherever_it_was_asked(shards: Shards, repository: Path) -> None:
    rows = [json.loads(line) for line in (repository / "evals" / "router.jsonl").read_text().splitlines()]
    (repository / "evals" / "router.jsonl").write_text(
        "".join(json.dumps({**row, "must_pass": row["id"] == "c29"}) + "\n" for row in rows)
    )
    git(repository, "commit", "-qm", "c29 must pass", "--", "evals")
    git(repository, "branch", "-qf", "main")
    code, document = shards.merge(*shards.all("--base", "main"))
    assert (1, False) == (code, document["gate_passes"])
    assert any("c29" in failure for item in document["configs"][0]["comparisons"] for failure in item["hard_failures"])


def test_a_folder_of_shards_is_as_good_as_its_shards(shards: Shards) -> None:
    shards.all()
    code, document = shards.merge(str(shards.folder))
    assert (0, "improved") == (code, document["verdict"])


def test_a_change_of_nothing_is_merged_too(shards: Shards, repository: Path) -> None:
    write_config(repository, "skill 60")
    code, document = shards.merge(*shards.all())
    assert (0, "unchanged", []) == (code, document["verdict"], document["configs"])


def test_several_configs_and_an_edited_eval_set_are_merged_as_they_are_run(shards: Shards, repository: Path) -> None:
    text = CONFIG.format(system="skill 80").replace("name: router", "name: other")
    (repository / "prompts" / "other.yaml").write_text(text)
    write_cases(repository, CASES + 7)
    shards.call("eval")
    whole_code, whole = shards.whole()
    code, merged = shards.merge(*shards.all())
    assert (whole_code, [one["comparisons"] for one in whole["configs"]]) == (
        code,
        [one["comparisons"] for one in merged["configs"]],
    )
    assert shards.evidence("whole") == shards.evidence("merged")


def test_repeats_are_asked_for_after_the_merge(shards: Shards, repository: Path) -> None:
    write_config(repository, "skill 70")
    text = (repository / "prompts" / "router.yaml").read_text()
    (repository / "prompts" / "router.yaml").write_text(text.replace("  scorers:", "  repeats: {start: 1, max: 3}\n  scorers:"))
    git(repository, "commit", "-qam", "repeats")
    write_config_text = (repository / "prompts" / "router.yaml").read_text().replace("skill 70", "skill 63")
    (repository / "prompts" / "router.yaml").write_text(write_config_text)
    _, first = shards.merge(*shards.all("--base", "change"))
    (note,) = [text for text in first["how"]["notes"] if "more repeats" in text]
    assert "run every shard again with `--repeats 3`" in note
    code, merged = shards.merge(*shards.all("--base", "change", "--repeats", "3"))
    whole_code, whole = shards.whole("--base", "change")  # it goes on to three repeats by itself
    assert (whole_code, whole["configs"][0]["comparisons"]) == (code, merged["configs"][0]["comparisons"])
    assert not [text for text in merged["how"]["notes"] if "more repeats" in text]


def test_the_budget_is_split_and_never_more_than_whole(shards: Shards) -> None:
    places = [shards.folder / f"s{number}" for number in range(1, OF + 1)]
    for number, place in enumerate(places, 1):
        shards.call("eval", "--shard", f"{number}/{OF}", "--output", str(place), "--max-requests", "20")
    assert 20 == len(shards.server.asked)
    code, document = shards.merge(*map(str, places))
    assert (3, "invalid", 20) == (code, document["verdict"], document["spending"]["sent"])


def test_a_shard_that_measured_nothing_says_so_by_its_exit_code(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch, lambda _asked, _number: error_answer(401)) as server:
        write_config(repository, "skill 95")
        shards = Shards(tmp_path / "runs", server, capsys)
        places = [shards.folder / f"s{number}" for number in (1, 2)]
        codes = [shards.call("eval", "--shard", f"{n}/2", "--output", str(place))[0] for n, place in enumerate(places, 1)]
        code, document = shards.merge(*map(str, places))
    assert ([3, 3], 3, "invalid") == (codes, code, document["verdict"])


def test_one_shard_that_fails_is_measured_again_alone(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    down = True

    def script(asked: Asked, number: int) -> object:
        case = f"c{asked.body['messages'][1]['content'].split()[-1]}"
        return error_answer(401) if down and number_of(case, OF) == 2 else skill(asked, number)

    with project(repository, monkeypatch, script) as server:
        write_config(repository, "skill 95")
        shards = Shards(tmp_path / "runs", server, capsys)
        code, _, _ = shards.call("eval", "--shard", "2/3", "--output", str(shards.folder / "failed"))
        down = False
        code_after, document = shards.merge(*shards.all())
    assert (3, 0, "improved") == (code, code_after, document["verdict"])


def refused(shards: Shards, *folders: str) -> str:
    code, out, err = shards.call("merge", *folders, "--output", str(shards.folder / "merged"))
    assert (2, "") == (code, out)
    assert not (shards.folder / "merged" / "report.json").exists()
    return err


def test_a_missing_shard_is_named(shards: Shards) -> None:
    places = shards.all()
    assert "of 3 shards, 2 is missing" in refused(shards, places[0], places[2])
    assert "of 3 shards, 1, 3 are missing" in refused(shards, places[1])


def test_a_shard_that_is_there_twice_is_refused(shards: Shards) -> None:
    places = shards.all()
    shutil.copytree(places[1], shards.folder / "again")
    assert "shard 2 of 3 is there 2 times" in refused(shards, *places, str(shards.folder / "again"))


def test_shards_of_another_head_are_refused(shards: Shards, repository: Path) -> None:
    first = shards.shard(1)
    git(repository, "commit", "-qam", "better")
    others = [str(shards.shard(number, "--head", "change")) for number in (2, 3)]
    assert "the shards are not of one run; the head differs (shard 1 of 3: worktree" in refused(shards, str(first), *others)


def test_shards_of_a_work_tree_that_changed_meanwhile_are_refused(shards: Shards, repository: Path) -> None:
    places = shards.all()
    write_config(repository, "skill 96")
    assert "shard 1 of 3 did not measure what is to be compared now" in refused(shards, *places)


def test_shards_under_another_policy_are_refused(shards: Shards, repository: Path) -> None:
    places = shards.all("--policy", "head")
    with (repository / "llmops.yaml").open("a") as policy:
        policy.write("gate: {margin: 0.5}\n")
    assert "the shards are of another policy: sha256:" in refused(shards, *places)


def test_shards_of_different_splits_are_refused(shards: Shards) -> None:
    assert "are parts of different splits" in refused(shards, str(shards.shard(1)), str(shards.shard(2, of=2)))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda it: it["runs"][0]["samples"].pop() and it["runs"][0]["cases"].pop(), "does not hold the cases of that shard"),
        (lambda it: it["runs"][0]["samples"].append(it["runs"][0]["samples"][0]), "or twice"),
        (lambda it: it["runs"][0]["samples"][0].update(case="elsewhere"), "a sample of `elsewhere` that is not its own"),
        (lambda it: it["runs"].pop(), "did not measure what is to be compared now"),
        (lambda it: it["runs"][0].update(repeats=7), "were not measured in the same way"),
        (lambda it: it.update(tool="llmops-git 0"), "the version of llmops-git differs"),
        (lambda it: it.update(format="llmops-git/runs/1"), "is no shard of a run"),
        (lambda it: it["shard"].update(number=0), "$.shard.number: 0 is less than the minimum"),
        (lambda it: it.pop("policy"), "'policy' is a required property"),
        (lambda it: it["runs"][0]["samples"][0].update(repeat="x"), "repeat is not a whole number"),
        (lambda _it: [], "is not of type 'object'"),
    ],
)
def test_a_shard_that_was_tampered_with_is_refused(shards: Shards, edit: Callable[[Any], Any], said: str) -> None:
    places = shards.all()
    path = Path(places[1]) / "run.json"
    document = json.loads(path.read_text())
    edited = edit(document)
    path.write_text(json.dumps(edited if isinstance(edited, list) else document))
    assert said in refused(shards, *places)


def test_what_is_no_shard_is_refused(shards: Shards) -> None:
    shards.whole()
    assert "is no shard of a run" in refused(shards, str(shards.folder / "whole"))
    (shards.folder / "empty").mkdir()
    assert "holds no shard" in refused(shards, str(shards.folder / "empty"))
    (shards.folder / "whole" / "run.json").write_text("{")
    assert "is not JSON" in refused(shards, str(shards.folder / "whole"))


def test_a_shard_is_not_written_over(shards: Shards) -> None:
    places = shards.all()
    code, _, err = shards.call("merge", *places, "--output", places[0])
    assert (2, True) == (code, "is one of the shards" in err)


def test_a_shard_is_no_evidence(shards: Shards) -> None:
    place = shards.shard(1)
    code, _, err = shards.call("report", str(place), "--format", "html")
    assert (2, True) == (code, "is one shard of a run" in err)


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/1001", "a/b", "-1/3", "1/3/5", "٢/٣"])
def test_what_is_no_shard_number_is_refused(shards: Shards, text: str) -> None:
    code, _, err = shards.call("eval", f"--shard={text}", "--output", str(shards.folder / "s"))
    assert (2, True) == (code, "is not a shard" in err)


def test_a_shard_needs_a_folder_and_plans_its_part(shards: Shards) -> None:
    code, _, err = shards.call("eval", "--shard", "1/3")
    assert (2, True) == (code, "--shard needs --output" in err)
    own = sum(number_of(f"c{number}", OF) == 1 for number in range(CASES))
    code, _, err = shards.call("eval", "--shard", "1/3", "--plan")
    assert (0, True, []) == (code, f"plan: {2 * own} requests" in err, shards.server.asked)
