"""Small configs, evidence and git calls for the tests of releases."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llmops_git.configs.digest import digest_of
from llmops_git.configs.values import Case, Config, Evaluation, Repeats, ScorerGate, ScorerSettings
from llmops_git.releases.deploy import Deployed, Step, deploy
from llmops_git.releases.evidence import Evidence
from llmops_git.releases.evidence_branch import add_evidence
from llmops_git.releases.registry import read_registry
from llmops_git.releases.tags import ReleaseNote, TagName, TagRef, format_tag_message
from llmops_git.releases.values import Action, Release
from llmops_git.releases.versions import Version, parse_version
from llmops_git.repo.git import Git
from llmops_git.repo.publish import Published, Update, publish
from llmops_git.repo.sign import UNSIGNED, Signing
from llmops_git.repo.write import Writer


def run_git(folder: Path, *arguments: str, check: bool = True, stdin: str = "") -> str:
    """Run git; its standard output without the last newline."""
    done = subprocess.run(["git", *arguments], cwd=folder, input=stdin, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise AssertionError(f"git {' '.join(arguments)}: {done.stderr}")
    return done.stdout.rstrip("\n")


def shadowed(git: Git) -> Git:
    """The same repository with the PATH of now: a `Git` keeps the environment it was opened in."""
    environment = {**git.environment, "PATH": os.environ["PATH"]}
    return Git(git.location, environment)


def no_wait(attempt: int) -> None:
    """A pause that does not."""


def resolved(text: str = "Route it.", model: str = "small-2026-01-01") -> dict[str, Any]:
    """The resolved value of a small config."""
    return {
        "model": {"provider": "local", "id": model, "parameters": {"temperature": 0}},
        "messages": [{"role": "system", "template": text}],
        "inputs": {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]},
    }


def make_config(name: str = "router", text: str = "Route it.", *, evaluated: bool = True, description: str = "") -> Config:
    """A config with an eval set of one case."""
    value = resolved(text)
    evaluation = Evaluation(
        cases=(Case(id="one", inputs={"message": "hi"}, expected="greeting"),),
        scorers=(ScorerSettings(name="queue", use="exact"),),
        repeats=Repeats(),
        gates={"queue": ScorerGate()},
        budgets={},
        cluster_by="",
        resolved={"cases": ["one"]},
        digest=digest_of({"cases": ["one"]}),
    )
    return Config(
        name=name,
        path=f"prompts/{name}.yaml",
        kind="config",
        description=description,
        owner="",
        resolved=value,
        digest=digest_of(value),
        closure=(),
        closure_digest=digest_of([text]),
        evaluation=evaluation if evaluated else None,
    )


def make_evidence(config: Config, *, passes: bool = True, base: str = "", reasons: Sequence[str] = ()) -> Evidence:
    """A record about a config."""
    return Evidence(
        config=config.name,
        config_digest=config.digest,
        eval_digest=config.eval_digest,
        verdict="improved" if passes else "regressed",
        gate_passes=passes,
        reasons=tuple(reasons),
        base_name=base,
        scores={"n": 30, "scores": {"queue": {"base": 0.8, "head": 0.9, "low": 0.02, "high": 0.18, "n": 30}}},
        run={"samples": []},
    )


def make_release(
    git: Git,
    remote: str | None,
    config: Config,
    version: str,
    *,
    evidence: Evidence | None = None,
    signing: Signing = UNSIGNED,
) -> Release:
    """Release a config under a given number, with evidence, as `llmops-git release` would; the release."""
    registry = read_registry(git, remote=remote)
    writer = Writer(git, signing)
    number = parse_version(version)
    assert number is not None
    tag = TagName(config.name, number)
    (placed,), update = add_evidence(git, writer, registry.evidence, [evidence or make_evidence(config)])
    previous = registry.newest(config.name)
    note = ReleaseNote(
        tag=tag,
        summary="made for a test",
        config_digest=config.digest,
        closure_digest=config.closure_digest,
        model=f"{config.provider}/{config.model}",
        bump=bump_between(previous, number),
        verdict=placed.verdict,
        scores=placed.scores,
        eval_digest=config.eval_digest,
        evidence=TagRef(placed.path, placed.blob),
        statement=TagRef(placed.statement, placed.statement_blob),
        previous=previous.ref if previous else None,
    )
    oid = writer.tag(str(tag), git.resolve("HEAD"), format_tag_message(note))
    updates = [*([update] if update else []), Update(tag.ref, oid, None)]
    assert publish(git, remote, updates, wait=no_wait) == Published()
    found = read_registry(git, remote=remote).find(str(tag))
    assert found is not None
    return found


def bump_between(previous: Release | None, number: Version) -> str:
    if previous is None:
        return "first"
    before = previous.tag.version
    return "major" if number.major > before.major else "minor" if number.minor > before.minor else "patch"


def put(
    git: Git,
    remote: str | None,
    environment: str,
    config: Config,
    release: Release,
    *,
    action: Action = "promote",
    signing: Signing = UNSIGNED,
) -> Deployed:
    """Deploy a release."""
    step = Step(release=release, action=action)
    done = deploy(git, remote, environment, lambda _: step, load=lambda _: config, actor="Test", signing=signing)
    assert isinstance(done, Deployed)
    return done
