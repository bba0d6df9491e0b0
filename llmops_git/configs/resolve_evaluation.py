"""The `evaluation:` section of a config: cases, scorers, gates and budgets, and their digest."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from llmops_git.configs.cases import CaseFile, duplicates, read_cases
from llmops_git.configs.digest import digest_of
from llmops_git.configs.embedders import EMBEDS, embedder_of
from llmops_git.configs.judge_prompts import ASKED, OF_DOCUMENTS
from llmops_git.configs.paths import suggestion
from llmops_git.configs.source import Source, read_data
from llmops_git.configs.values import Case, Config, Evaluation, Json, Repeats, ScorerGate, ScorerSettings

LoadJudge = Callable[[str], Config | None]

_DEFAULT_OPTIONS = {"ignore_case": False, "strip": True, "tolerance": 0, "relative": 0, "negate": False}
_RATIO_USES = frozenset({"ttft", "tokens"})  # scorers that a budget of their name holds
_PARSED_TYPES = frozenset({"integer", "number", "boolean", "array", "object", "null"})


def resolve_evaluation(
    source: Source, inputs: Mapping[str, Any], load_judge: LoadJudge
) -> tuple[Evaluation, tuple[CaseFile, ...]]:
    """The evaluation of a config and the files of its eval set. `load_judge` loads the judge at a path."""
    section = source.value["evaluation"]
    files = _case_files(source, inputs)
    cluster_by = section.get("cluster_by", "")
    rows = tuple(_clustered(case, cluster_by) for file in files for case in file.cases)
    cases = tuple(case for case in rows if not case.needs_label)
    if rows and not cases:
        source.add(("evaluation", "dataset"), "every case needs a label: nothing is scored", key=True, severity="warning")
    if cluster_by and cases and not any(case.cluster for case in cases):
        source.add(("evaluation", "cluster_by"), f"no case has `{cluster_by}`", "name an input, or give the rows a `cluster`")
    scorers = tuple(_scorer(source, name, written, load_judge) for name, written in section["scorers"].items())
    _check_parts(source, section["scorers"])
    gates = _gates(source, section)
    repeats = _repeats(source, section.get("repeats", 1))
    _check_budgets(source, section)
    budgets = {name: item["max_ratio"] for name, item in section.get("budgets", {}).items()}
    resolved = {
        "cases": [_case_value(case) for case in sorted(cases, key=lambda case: case.id)],
        "scorers": {scorer.name: _scorer_value(scorer) for scorer in scorers},
        "gate": {name: value for name, gate in gates.items() if (value := _gate_value(gate))},
        "budgets": budgets,
        "repeats": {"start": repeats.start, "max": repeats.max},
        "cluster_by": cluster_by,
    }
    evaluation = Evaluation(
        cases=cases,
        scorers=scorers,
        repeats=repeats,
        gates=gates,
        budgets=budgets,
        cluster_by=cluster_by,
        resolved=resolved,
        digest=digest_of(resolved),
        slices=_slices(source, section, cases),
        unlabelled=tuple(case for case in rows if case.needs_label),
    )
    return evaluation, files


def _case_files(source: Source, inputs: Mapping[str, Any]) -> tuple[CaseFile, ...]:
    files = []
    for item in source.files("dataset"):
        file = read_cases(item.path, source.contents[item.path])
        source.problems.extend(file.problems)
        if item.path.lower().endswith(".csv"):
            file = replace(file, cases=tuple(_typed(case, inputs) for case in file.cases))
        if not file.cases and not file.problems:
            source.add(("evaluation", "dataset"), f"{item.path} has no cases")
        files.append(file)
    if len(files) > 1:
        rows = [(case, file.path, line) for file in files for case, line in zip(file.cases, file.lines, strict=True)]
        source.problems.extend(problem for problem in duplicates(rows) if problem not in source.problems)
    return tuple(files)


def _typed(case: Case, inputs: Mapping[str, Any]) -> Case:
    """A case of a .csv file with those inputs read as JSON that the contract wants as numbers, lists and so on."""
    values = dict(case.inputs)
    for name, text in case.inputs.items():
        schema = inputs.get("properties", {}).get(name)
        wanted = schema.get("type") if isinstance(schema, dict) else None
        if isinstance(wanted, str) and wanted in _PARSED_TYPES:
            try:
                values[name] = json.loads(text)
            except ValueError:
                continue  # the check against the contract says so
    return replace(case, inputs=values)


def _clustered(case: Case, cluster_by: str) -> Case:
    if not cluster_by or cluster_by == "cluster":
        return case
    value = case.inputs.get(cluster_by.removeprefix("inputs."))
    return (
        case if value is None else replace(case, cluster=value if isinstance(value, str) else json.dumps(value, sort_keys=True))
    )


def _case_value(case: Case) -> dict[str, Json]:
    value: dict[str, Json] = {"id": case.id, "inputs": case.inputs}
    if case.expected is not None:
        value["expected"] = case.expected
    if case.tags:
        value["tags"] = sorted(case.tags)
    if case.must_pass:
        value["must_pass"] = True
    if case.documents is not None:
        value["documents"] = list(case.documents)
    if case.cluster:
        value["cluster"] = case.cluster
    if case.tools is not None:
        value["tools"] = list(case.tools)
    return value


def _scorer(source: Source, name: str, written: Mapping[str, Any], load_judge: LoadJudge) -> ScorerSettings:
    options = {key: value for key, value in written.items() if key not in ("use", "judge", "judges")}
    for key in ("any", "all", "text", "phrases", "allowed"):
        if isinstance(options.get(key), str):
            options[key] = [options[key]]
    if written["use"] in EMBEDS:
        options["embedder"] = embedder_of(options.get("embedder"))
    if written["use"] in OF_DOCUMENTS and "retrieval" not in source.value:
        message = f"`{written['use']}` looks at retrieved documents, and this config retrieves none"
        source.add(("evaluation", "scorers", name), message, "add a `retrieval:` section", severity="warning")
    judge = None
    if "schema" in options:
        found = source.parsed(options["schema"], read_data)
        options["schema"] = found[0] if found else {}
    if "judge" in written:
        path = source.target(written["judge"])
        judge = load_judge(path) if path else None
    loaded = [load_judge(path) for item in written.get("judges", ()) if (path := source.target(item))]
    judges = tuple(item for item in loaded if item is not None)
    return ScorerSettings(name=name, use=written["use"], options=options, judge=judge, judges=judges)


def _scorer_value(scorer: ScorerSettings) -> dict[str, Json]:
    value = {key: item for key, item in scorer.options.items() if key not in _DEFAULT_OPTIONS or item != _DEFAULT_OPTIONS[key]}
    if scorer.judge is not None:
        value["judge"] = _judge_value(scorer.judge)
    if scorer.judges:
        value["judges"] = [_judge_value(judge) for judge in scorer.judges]
    if scorer.use in ASKED:
        value["asked"] = digest_of(list(ASKED[scorer.use]))  # other words are another instrument
    return {"use": scorer.use, **value}


def _judge_value(judge: Config) -> dict[str, Json]:
    return {"digest": judge.digest, "scale": judge.scale}


def _check_parts(source: Source, scorers: Mapping[str, Any]) -> None:
    for name, written in scorers.items():
        for part in written.get("of", ()):
            if part not in scorers:
                hint = suggestion(part, scorers) or f"the scorers are: {', '.join(scorers)}"
                source.add(("evaluation", "scorers", name, "of", part), f"there is no scorer `{part}`", hint, key=True)


def _check_budgets(source: Source, section: Mapping[str, Any]) -> None:
    """A budget is one of what every sample carries, or of a scorer that is compared by ratio."""
    held = [name for name, item in section["scorers"].items() if item["use"] in _RATIO_USES or "." in item["use"]]
    known = ("cost", "latency_p50", *held)
    for name in section.get("budgets", {}):
        if name not in known:
            hint = suggestion(name, known) or f"there can be budgets for: {', '.join(known)}"
            source.add(("evaluation", "budgets", name), f"nothing is compared by ratio under `{name}`", hint, key=True)


def _slices(source: Source, section: Mapping[str, Any], cases: Sequence[Case]) -> tuple[str, ...]:
    tags = dict.fromkeys(tag for case in cases for tag in case.tags)
    slices = tuple(section.get("slices", ()))
    for index, tag in enumerate(slices):
        if cases and tag not in tags:
            hint = suggestion(tag, tags) or (f"the tags are: {', '.join(list(tags)[:12])}" if tags else "no case has tags")
            source.add(("evaluation", "slices", index), f"no case has the tag `{tag}`", hint)
    return slices


def _gates(source: Source, section: Mapping[str, Any]) -> dict[str, ScorerGate]:
    gates = {}
    for name, item in section.get("gate", {}).items():
        if name not in section["scorers"]:
            hint = suggestion(name, section["scorers"]) or f"the scorers are: {', '.join(section['scorers'])}"
            source.add(("evaluation", "gate", name), f"there is no scorer `{name}`", hint, key=True)
        elif "floor" in item and section["scorers"][name]["use"] == "pairwise":
            message = "has no meaning for `pairwise`: its score depends on the base"
            source.add(("evaluation", "gate", name, "floor"), message, key=True)
        gates[name] = ScorerGate(**item)
    return gates


def _gate_value(gate: ScorerGate) -> dict[str, Json]:
    value: dict[str, Json] = {} if gate.mode == "soft" else {"mode": gate.mode}
    return value | {key: item for key, item in (("margin", gate.margin), ("floor", gate.floor)) if item is not None}


def _repeats(source: Source, written: Any) -> Repeats:
    if isinstance(written, int | float):
        return Repeats(start=int(written), max=int(written))
    start = int(written.get("start", 1))
    most = int(written.get("max", start))
    if most < start:
        source.add(("evaluation", "repeats"), f"max ({most}) is less than start ({start})")
    return Repeats(start=start, max=most)
