"""Small configs, evidence and git calls for the tests of releases."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llmops_git.configs.digest import digest_of
from llmops_git.configs.values import Case, Config, Evaluation, Repeats, ScorerGate, ScorerSettings
from llmops_git.releases.evidence import Evidence


def run_git(folder: Path, *arguments: str, check: bool = True, stdin: str = "") -> str:
    """Run git; its standard output without the last newline."""
    done = subprocess.run(["git", *arguments], cwd=folder, input=stdin, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise AssertionError(f"git {' '.join(arguments)}: {done.stderr}")
    return done.stdout.rstrip("\n")


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
