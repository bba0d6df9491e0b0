"""Evidence: the record of one evaluation of one config, as it is kept on the evidence branch. Pure.

The gate's answer and its reasons are in it beside the whole run, so that a release can be judged again, and so that the
next change of the config can be compared with this run without paying for it again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from llmops_git.evals.values import Comparison, ScorerComparison, Verdict
from llmops_git.releases.tags import rounded

SCHEMA = "llmops-git/evidence/1"
FOLDER = "evidence"
_PATH = re.compile(rf"{FOLDER}/[a-z0-9-]+(/[0-9a-f]{{64}}){{3}}\.json", re.ASCII)


class EvidenceKey(NamedTuple):
    """What a record is about: one config under one evaluation."""

    config: str
    config_digest: str
    eval_digest: str

    @property
    def folder(self) -> str:
        return f"{FOLDER}/{self.config}/{_hex(self.config_digest)}/{_hex(self.eval_digest)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One record. `scores` is what the tag's `Eval` trailer says; `run` is the run's document, `path` and `blob` where the
    record is on the evidence branch ("" before it is there), `statement` and `statement_blob` where its statement is."""

    config: str
    config_digest: str
    eval_digest: str
    verdict: Verdict
    gate_passes: bool
    reasons: tuple[str, ...] = ()
    against: str = "nothing"
    base_name: str = ""
    base_digest: str = ""
    scores: Mapping[str, Any] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""
    blob: str = ""
    statement: str = ""
    statement_blob: str = ""

    @property
    def key(self) -> EvidenceKey:
        return EvidenceKey(self.config, self.config_digest, self.eval_digest)

    @property
    def why(self) -> str:
        return "; ".join(self.reasons) or f"its verdict was `{self.verdict}`"


def evidence_from(
    comparisons: Sequence[Comparison],
    *,
    key: EvidenceKey,
    verdict: Verdict,
    gate_passes: bool,
    run: Mapping[str, Any],
) -> Evidence:
    """The record of an evaluation of `key`. Comparisons under another instrument than the config's own count in the
    verdict, but the scores shown are the config's own."""
    own = [
        comparison
        for comparison in comparisons
        if comparison.eval_digest == key.eval_digest and comparison.instrument == "head"
    ]
    shown = own[0] if own else None
    reasons = dict.fromkeys(reason for comparison in comparisons for reason in (*comparison.hard_failures, *comparison.reasons))
    return Evidence(
        config=key.config,
        config_digest=key.config_digest,
        eval_digest=key.eval_digest,
        verdict=verdict,
        gate_passes=gate_passes,
        reasons=tuple(reasons),
        against=shown.against if shown else "nothing",
        base_name=shown.base_name if shown else "",
        base_digest=shown.base_digest if shown else "",
        scores=scores_of(shown) if shown else {},
        run=run,
    )


def scores_of(comparison: Comparison) -> dict[str, Any]:
    """Scores, intervals and counts of a comparison as a small JSON object; a side that was not measured is left out."""
    scores = {scorer.scorer: _score(scorer) for scorer in comparison.scorers}
    return {
        "against": comparison.against,
        "n": max((scorer.cases for scorer in comparison.scorers), default=0),
        "scores": scores,
    }


def _score(scorer: ScorerComparison) -> dict[str, Any]:
    values = {
        "base": scorer.base,
        "delta": scorer.delta,
        "head": scorer.head,
        "high": scorer.high,
        "low": scorer.low,
        "n": scorer.cases,
        "verdict": scorer.verdict,
    }
    return {key: rounded(value) for key, value in values.items() if value is not None}


def format_evidence(evidence: Evidence) -> bytes:
    """The bytes of a record: JSON with sorted keys, one newline at the end. Equal records give equal bytes."""
    document = {
        "schema": SCHEMA,
        "config": evidence.config,
        "config_digest": evidence.config_digest,
        "eval_digest": evidence.eval_digest,
        "verdict": evidence.verdict,
        "gate_passes": evidence.gate_passes,
        "reasons": list(evidence.reasons),
        "against": evidence.against,
        "base_name": evidence.base_name,
        "base_digest": evidence.base_digest,
        "scores": evidence.scores,
        "run": evidence.run,
    }
    return json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def evidence_path(evidence: Evidence, data: bytes) -> str:
    """Where a record goes: under what it is about, named by its own content, so that no two records can collide."""
    return f"{evidence.key.folder}/{hashlib.sha256(data).hexdigest()}.json"


def is_evidence_path(path: str) -> bool:
    """Whether a path could be a record's; one that a tag claims may be anything."""
    return _PATH.fullmatch(path) is not None


def parse_evidence(data: bytes, *, path: str = "", blob: str = "") -> Evidence | None:
    """A record read back; None when it is not one."""
    try:
        document = json.loads(data)
        if document["schema"] != SCHEMA:
            return None
        return Evidence(
            config=str(document["config"]),
            config_digest=str(document["config_digest"]),
            eval_digest=str(document["eval_digest"]),
            verdict=document["verdict"],
            gate_passes=document["gate_passes"] is True,
            reasons=tuple(str(reason) for reason in document["reasons"]),
            against=str(document["against"]),
            base_name=str(document["base_name"]),
            base_digest=str(document["base_digest"]),
            scores=document["scores"],
            run=document["run"],
            path=path,
            blob=blob,
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
