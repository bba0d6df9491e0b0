"""A small living system on the real model: two releases serve 500 requests, the second is quietly worse, costlier and slower.

Monitors find each of that, name the release, and nothing else; the doctor sees what is in place; one failing request becomes a
case, which stops the release that is wrong until the fix is in; meanwhile production goes back.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from llmops_git import runtime
from llmops_git.cli import run
from llmops_git.monitoring.store import open_store

NAME = "reviews"
FIRST, SECOND = 300, 200  # requests under each release
CONFIG = """\
name: reviews
model: {provider: local, id: smollm2-135m-instruct-q4_1, parameters: {temperature: 0, max_tokens: MOST}}
inputs: {type: object, required: [review], properties: {review: {type: string}}}
messages:
  - {role: system, content: "Judge reviews."}
  - {role: user, content: "Review: {{ review }}\\nIs it positive or negative? HOW"}
guardrails: {input: [pii]}
evaluation:
  dataset: ../evals/reviews.jsonl
  scorers:
    answers: {use: length, min: 1}
    brief: {use: regex, pattern: "^(?i:positive|negative)\\\\b"}
  gate: {brief: {mode: off}}
"""
GOOD = CONFIG.replace("MOST", "2").replace("HOW", "Answer with one word.")
WORSE = CONFIG.replace("MOST", "20").replace("HOW", "Give your answer and explain it.")
GATED = "  gate: {brief: {mode: off}}\n"
PACK = """\
name: pii
message: "I cannot look at that."
rules:
  email: {use: pii, kinds: [EMAIL], action: redact}
"""
POLICY = "version: 1\nenvironments:\n  staging: {promote: automatic}\n  production: {after: staging}\n"
MONITORS = """\
rules:
  - {id: worse-answers, metric: score.brief.mean, by: [config], compare: {to: previous_release, margin: 0.05}, min_count: 50}
  - {id: disliked, metric: signal.thumbs_down.rate, by: [config], compare: {to: previous_release, margin: 0.05}, min_count: 50}
  - {id: dearer, metric: cost.per_request, by: [config], compare: {to: previous_release, max_ratio: 1.1}, min_count: 50}
  - {id: slower, metric: latency.p50, by: [config], compare: {to: previous_release, max_ratio: 1.05}, min_count: 50}
  - {id: more-errors, metric: error_rate, by: [config], compare: {to: previous_release, margin: 0.02}, min_count: 50}
  - {id: other-traffic, metric: drift.psi(feature), by: [config], compare: {to: previous_release, value: 0.25}, min_count: 50}
  - {id: silence, metric: requests, by: [config], window: 1d, compare: {op: lt, value: 1}}
  - {id: dead-guard, metric: guardrail.trigger_rate, by: [pack, rule], window: 1d, min_count: 100, compare: {op: le, value: 0}}
  - {id: broken-guard, metric: guardrail.error_rate, by: [pack, rule], window: 1d, compare: {op: gt, value: 0}}
  - {id: unreleased, metric: unreleased, by: [config, release], window: 1d, min_count: 1, compare: {op: gt, value: 0}}
"""
FOUND = {"worse-answers", "disliked", "dearer", "slower"}
THINGS = ("kettle", "lamp", "chair", "phone", "radio", "clock", "knife", "tent", "bag", "mug", "pen", "bed", "fan")
GOOD_WORDS = ("is great", "works well", "is a joy", "looks lovely", "is worth it")
BAD_WORDS = ("broke at once", "leaks", "is too loud", "is a waste", "smells bad")


def review(number: int) -> tuple[str, str]:
    """A short text of its own, and what it is."""
    thing, other = THINGS[number % len(THINGS)], THINGS[number // len(THINGS) % len(THINGS)]
    word = (GOOD_WORDS, BAD_WORDS)[number % 2][number // 2 % 5]
    mail = f" Mail m{number}@example.org." if number % 10 == 0 else ""
    return f"The {thing} {word}, unlike the {other} {number}.{mail}", ("positive", "negative")[number % 2]


class Living:
    """A repository with a bare remote, and what is typed in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.folder, check=True, capture_output=True)

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        self.git("push", "-q", "origin", "HEAD")

    def run(self, *arguments: str, code: int | None = 0) -> str:
        """What a command prints on standard output."""
        self._capsys.readouterr()
        found = run(list(arguments))
        said = self._capsys.readouterr()
        assert code is None or code == found, (arguments, said.out[-3000:], said.err[-3000:])
        return said.out

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--format", "json", code=code))

    def deploy(self) -> str:
        """Release what is on main, let it run in production, and hand the application its bundle; the release."""
        self.run("release")
        self.run("promote", NAME, "--to", "staging")
        self.run("promote", NAME, "--to", "production")
        self.export()
        return str(json.loads((self.folder / "bundle.json").read_text())["release"])

    def export(self) -> None:
        self.run("export", NAME, "--environment", "production", "-o", "bundle.json")


@pytest.fixture
def living(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Living:
    folder, remote = tmp_path / "app", tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", remote], check=True)
    subprocess.run(["git", "clone", "-q", remote, folder], check=True, capture_output=True)
    found = Living(folder, capsys)
    found.git("switch", "-qc", "main")
    rows = [{"id": f"case-{number}", "inputs": {"review": review(1000 + number)[0]}} for number in range(10)]
    for path, text in {
        "llmops.yaml": POLICY,
        "prices.yaml": "smollm2-135m-instruct-q4_1: {input: 1, output: 4}\n",
        "prompts/reviews.yaml": GOOD,
        "guardrails/pii.yaml": PACK,
        "monitors/live.yaml": MONITORS,
        "evals/reviews.jsonl": "".join(json.dumps(row) + "\n" for row in rows),
        ".gitignore": ".llmops/\nbundle.json\n",
    }.items():
        found.write(path, text)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LLMOPS_TRACES", str(folder / ".llmops" / "traces" / "raw"))
    found.commit("Judge reviews")
    return found


def serve(router: runtime.Router, numbers: Sequence[int]) -> Counter[str]:
    """What an application does: a request each, a thumb down where the answer is no single word. Releases by requests."""

    def one(number: int) -> str:
        text, _ = review(number)
        with router.request(user=f"u-{number % 23}", feature=("shop", "blog")[number % 2]) as request:
            reply = request.generate(review=text)
            if not reply.text.lower().startswith(("positive", "negative")) and number % 3 == 0:
                request.signal("thumbs_down", comment="too long")
            return request.bundle.release

    return Counter(map(one, numbers))  # one after the other: how long each takes is then the model's time


@pytest.mark.model
@pytest.mark.slow
def test_what_gets_worse_in_production_is_found_named_mined_stopped_and_mended(living: Living) -> None:
    old = living.deploy()
    with runtime.load(NAME, environment="production", bundle="bundle.json", content="full", reload_seconds=0.0) as router:
        assert {old: FIRST} == serve(router, range(FIRST))
        # a change that the evaluation lets through: it only looks whether there is an answer
        living.git("switch", "-qc", "explain")
        living.write("prompts/reviews.yaml", WORSE)
        living.commit("Explain the answer")
        living.run("eval")
        living.git("switch", "-q", "main")
        living.git("merge", "-q", "explain")
        living.git("push", "-q", "origin", "main")
        new = living.deploy()
        assert old != new
        assert {new: SECOND} == serve(router, range(FIRST, FIRST + SECOND)), "the new bundle is picked up while it runs"
        assert router.flush()
        assert 0 == sum(count for name, count in router.stats().items() if "dropped" in name or "failed" in name)

        living.run("traces", "ingest")
        assert FIRST + SECOND == requests_in(living)
        (scored,) = living.json("monitor", "score", "--sample", str(SECOND), "--since", "24h")["configs"]
        assert 2 * SECOND == scored["scored"]
        checked = living.json("monitor", "check", "--no-notify", code=1)
        firing = {state["rule"]: state for state in checked["states"] if state["state"] == "firing"}
        assert FOUND == set(firing), [(state["rule"], state["state"], state.get("said")) for state in checked["states"]]
        for name, state in firing.items():
            assert new in json.dumps(state), name
            assert state["traces"], name
        living.run("traces", "show", firing["worse-answers"]["traces"][0])
        points = {point["name"]: point for point in living.json("doctor")["points"]}
        in_place = {"prompts", "logging", "releases", "tracing", "live-evals", "regressions"}
        assert in_place <= {name for name, point in points.items() if point["holds"]}, points

        mined = living.json("mine", "--from", "thumbs_down", "--limit", "1", "--repeats", "2")
        assert "reproduced" in json.dumps(mined)
        living.run("rollback", NAME, "--in", "production", "--reason", "answers became long")
        living.export()
        assert {old: 20} == serve(router, range(20)), "production went back while people work on the fix"

    row = label_the_mined_case(living)
    living.commit("Hold reviews to one word")
    assert f'"{row["id"]}"' in living.run("eval", "--format", "json", code=1)
    living.write("prompts/reviews.yaml", GOOD.replace(GATED, ""))
    living.commit("Ask for one word again")
    living.run("eval")
    living.git("switch", "-q", "main")
    living.git("merge", "-q", "one-word")
    living.git("push", "-q", "origin", "main")
    fixed = living.deploy()
    assert fixed not in {old, new}
    assert "failed" not in {level["state"] for level in living.json("verify")["levels"]}


def requests_in(living: Living) -> int:
    with open_store(living.folder / ".llmops" / "traces").connection() as connection:
        found = connection.execute("select count(*) from spans where root").fetchone()
    return int(found[0]) if found else 0


def label_the_mined_case(living: Living) -> dict[str, Any]:
    """What a person does on a branch: say that the case must pass, and that short answers count from now on."""
    living.git("switch", "-qc", "one-word")
    file = living.folder / "evals" / "reviews.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    (row,) = [row for row in rows if row.pop("needs_label", False)]
    row["must_pass"] = True
    file.write_text("".join(json.dumps(one) + "\n" for one in rows))
    living.write("prompts/reviews.yaml", WORSE.replace(GATED, ""))
    found: dict[str, Any] = row
    return found
