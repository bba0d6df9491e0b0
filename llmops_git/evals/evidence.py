"""A run as a JSON document and back: the evidence that run folders and releases carry (`schemas/run.schema.json`).

Written compactly: what has its default value is left out. Read strictly, because it comes from files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from llmops_git.errors import LlmopsError
from llmops_git.evals.values import PairScore, Run, SampleResult, ScorerDeclaration
from llmops_git.providers.base import Usage
from llmops_git.providers.reply_json import usage_document
from llmops_git.scorers.base import GuardHit, Judgement, Score

FORMAT = "llmops-git/run/1"
_OUTCOMES = {"block", "redact", "flag", "shadow", "error"}
_STATES = {"measured", "not_applicable", "not_measured"}


def run_document(run: Run) -> dict[str, Any]:
    """The run as a JSON object."""
    return {
        "format": FORMAT,
        "config": run.config,
        "config_digest": run.config_digest,
        "eval_digest": run.eval_digest,
        "provider": run.provider,
        "model": run.model,
        "engine": run.engine,
        "started_at": run.started_at,
        "repeats": run.repeats,
        "cases": list(run.cases),
        "must_pass": list(run.must_pass),
        "clusters": dict(run.clusters),
        "scorers": [asdict(scorer) for scorer in run.scorers],
        "samples": [sample_document(sample) for sample in run.samples],
    }


def run_from_document(document: Any) -> Run:
    """The run in a JSON object. Raises LlmopsError when it is not one, naming the field that is wrong."""
    reader = _Reader(document, "$")
    if reader.text("format") != FORMAT:
        raise LlmopsError(f"this is not a run that this version can read: format {reader.text('format')!r}")
    clusters = reader.reader("clusters").value
    return Run(
        config=reader.text("config"),
        config_digest=reader.text("config_digest"),
        eval_digest=reader.text("eval_digest"),
        provider=reader.text("provider"),
        model=reader.text("model"),
        engine=reader.text("engine"),
        started_at=reader.text("started_at"),
        repeats=reader.count("repeats") or 0,
        cases=reader.texts("cases"),
        must_pass=reader.texts("must_pass"),
        clusters={case: str(cluster) for case, cluster in clusters.items()},
        scorers=tuple(_declaration(item) for item in reader.readers("scorers")),
        samples=tuple(_sample(item) for item in reader.readers("samples")),
    )


def pool_runs(first: Run, second: Run) -> Run:
    """Both runs' samples as one run: re-runs are pooled, never picked from. Raises LlmopsError when they do not measure
    the same config under the same evaluation, or hold the same repeat of a case."""
    same = (first.config_digest, first.eval_digest, first.cases) == (second.config_digest, second.eval_digest, second.cases)
    if not same:
        raise LlmopsError(f"two runs of `{first.config}` do not measure the same thing and cannot be pooled")
    samples = {(sample.case, sample.repeat): sample for sample in first.samples}
    twice = [sample for sample in second.samples if (sample.case, sample.repeat) in samples]
    if twice:
        raise LlmopsError(f"two runs of `{first.config}` both hold case `{twice[0].case}`, repeat {twice[0].repeat}")
    order = {case: number for number, case in enumerate(first.cases)}
    pooled = sorted((*first.samples, *second.samples), key=lambda sample: (order[sample.case], sample.repeat))
    engines = dict.fromkeys([first.engine, second.engine])
    values = {name: getattr(first, name) for name in Run.__slots__}
    values.update(samples=tuple(pooled), repeats=first.repeats + second.repeats, engine=" | ".join(engines))
    return Run(**values)


def sample_document(sample: SampleResult) -> dict[str, Any]:
    """One sample of a run as a JSON object."""
    document: dict[str, Any] = {"case": sample.case, "repeat": sample.repeat}
    optional = {
        "output": sample.output,
        "finish_reason": sample.finish_reason,
        "usage": usage_document(sample.usage),
        "error": sample.error,
        "trace_id": sample.trace_id,
        "cached": sample.cached,
    }
    document |= {name: value for name, value in optional.items() if value}
    if sample.latency_seconds is not None:
        document["latency_seconds"] = sample.latency_seconds
    if sample.cost_usd is not None:
        document["cost_usd"] = sample.cost_usd
    document["scores"] = {name: _score_document(score) for name, score in sample.scores.items()}
    if sample.guards:
        document["guards"] = [asdict(hit) for hit in sample.guards]
    if sample.pairs:
        document["pairs"] = [_pair_document(pair) for pair in sample.pairs]
    return document


def _pair_document(pair: PairScore) -> dict[str, Any]:
    return {"base_digest": pair.base_digest, "scorer": pair.scorer, "score": _score_document(pair.score)}


def _score_document(score: Score) -> dict[str, Any]:
    document: dict[str, Any] = {"state": score.state}
    if score.value is not None:
        document["value"] = score.value
    if score.label:
        document["label"] = score.label
    if score.explanation:
        document["explanation"] = score.explanation
    if score.judgements:
        document["judgements"] = [asdict(judgement) for judgement in score.judgements]
    return document


def _sample(reader: _Reader) -> SampleResult:
    usage = reader.reader("usage")
    scores = reader.reader("scores")
    return SampleResult(
        case=reader.text("case"),
        repeat=reader.count("repeat") or 0,
        output=reader.text("output", ""),
        finish_reason=reader.text("finish_reason", ""),
        usage=Usage(**{name: usage.count(name) for name in Usage.__slots__}),
        latency_seconds=reader.number("latency_seconds"),
        cost_usd=reader.number("cost_usd"),
        cached=reader.flag("cached"),
        error=reader.text("error", ""),
        scores={name: _score(scores.reader(name)) for name in scores.value},
        trace_id=reader.text("trace_id", ""),
        pairs=tuple(_pair(item) for item in reader.readers("pairs", missing=True)),
        guards=tuple(_hit(item) for item in reader.readers("guards", missing=True)),
    )


def _hit(reader: _Reader) -> GuardHit:
    return GuardHit(
        pack=reader.text("pack"),
        rule=reader.text("rule"),
        side=reader.choice("side", {"input", "output"}),
        outcome=reader.choice("outcome", _OUTCOMES),
    )


def _pair(reader: _Reader) -> PairScore:
    return PairScore(base_digest=reader.text("base_digest"), scorer=reader.text("scorer"), score=_score(reader.reader("score")))


def _score(reader: _Reader) -> Score:
    state = reader.choice("state", _STATES)
    return Score(
        state=state,
        value=reader.number("value"),
        label=reader.text("label", ""),
        explanation=reader.text("explanation", ""),
        judgements=tuple(_judgement(item) for item in reader.readers("judgements", missing=True)),
    )


def _judgement(reader: _Reader) -> Judgement:
    return Judgement(judge=reader.text("judge"), key=reader.text("key"), reply=reader.text("reply"))


def _declaration(reader: _Reader) -> ScorerDeclaration:
    return ScorerDeclaration(
        name=reader.text("name"),
        use=reader.text("use"),
        direction=reader.choice("direction", {"higher", "lower"}),
        scale=reader.choice("scale", {"binary", "ordinal", "continuous"}),
        step=reader.number("step") or 0.0,
        ratio=reader.flag("ratio"),
    )


class _Reader:
    """A JSON object whose fields are asked for by type; errors name the field."""

    def __init__(self, value: Any, path: str) -> None:
        if not isinstance(value, Mapping):
            raise LlmopsError(f"run document: {path} is not an object")
        self.value = value
        self._path = path

    def text(self, name: str, default: str | None = None) -> str:
        value = self.value.get(name, default)
        if not isinstance(value, str):
            raise self._wrong(name, "a string")
        return value

    def choice(self, name: str, allowed: set[str]) -> Any:
        value = self.text(name)
        if value not in allowed:
            raise self._wrong(name, f"one of {', '.join(sorted(allowed))}")
        return value

    def count(self, name: str) -> int | None:
        value = self.value.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise self._wrong(name, "a whole number")
        return value

    def number(self, name: str) -> float | None:
        value = self.value.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise self._wrong(name, "a number")
        return None if value is None else float(value)

    def flag(self, name: str) -> bool:
        value = self.value.get(name, False)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._list(name)
        if not all(isinstance(value, str) for value in values):
            raise self._wrong(name, "a list of strings")
        return tuple(values)

    def reader(self, name: str) -> _Reader:
        return _Reader(self.value.get(name, {}), f"{self._path}.{name}")

    def readers(self, name: str, *, missing: bool = False) -> list[_Reader]:
        if missing and name not in self.value:
            return []
        return [_Reader(value, f"{self._path}.{name}[{number}]") for number, value in enumerate(self._list(name))]

    def _list(self, name: str) -> list[Any]:
        value = self.value.get(name)
        if not isinstance(value, list):
            raise self._wrong(name, "a list")
        return value

    def _wrong(self, name: str, expected: str) -> LlmopsError:
        return LlmopsError(f"run document: {self._path}.{name} is not {expected}")
