"""Everything about a config that its schema cannot say: pins, names, templates, contracts, rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from llmops_git.configs.cases import CaseFile
from llmops_git.configs.paths import bad_name, config_name, is_name, suggestion
from llmops_git.configs.pins import floating_reason, pin_hint
from llmops_git.configs.pointers import pointer_text
from llmops_git.configs.policy import Policy
from llmops_git.configs.resolve_templates import Original, Templates
from llmops_git.configs.source import Pointer, Source
from llmops_git.configs.template import TemplateError, render_messages, render_query
from llmops_git.configs.template_checks import check_template, undeclared
from llmops_git.configs.user_schema import TOO_LONG, UNBOUNDED, schema_problems, uses, value_problems
from llmops_git.configs.values import Case, Evaluation, Json, JsonObject

ALWAYS_KNOWN = frozenset({"input", "documents"})
JUDGE_KNOWN = ALWAYS_KNOWN | {"inputs", "output", "expected", "query"}
EMBED_APIS = ("embedded", "openai")  # of providers that make vectors
PAIR_KNOWN = (JUDGE_KNOWN - {"output"}) | {"first", "second"}
GRADED = frozenset({"output", "documents", "first", "second"})  # what a rubric may not repeat: it can hold orders to the judge
MAX_RENDERED = 500  # rows whose messages are rendered by a check
MAX_UNRENDERED = 20  # more rows that are rendered once one did not
MAX_BAD_ROWS = 100  # of one file, after which the rest is not looked at


def check_name(source: Source) -> None:
    """The name is that of the file."""
    stem = config_name(source.path)
    name = source.value.get("name", stem)
    if isinstance(name, str) and name != stem:
        source.add(("name",), f"the name `{name}` is not that of the file", f"name: {stem}, or git mv {source.path}")
    if not is_name(stem):
        source.problems.append(bad_name(source.path))


def check_measured(source: Source) -> None:
    """Something shows whether a change is safe."""
    if "evaluation" not in source.value and source.value.get("kind") != "judge":
        source.add((), "has no `evaluation:` section: nothing shows whether a change is safe", severity="warning")


def check_model(source: Source, policy: Policy) -> None:
    """The provider is known, the application too where there is one, and the model is pinned."""
    target = source.value.get("target")
    if target is not None and target not in policy.targets:
        hint = suggestion(target, policy.targets) or f"declare it in llmops.yaml: targets: {{{target}: {{url: https://…}}}}"
        source.add(("target",), f"there is no target `{target}`", hint)
    model = source.value["model"]
    provider = policy.providers.get(model["provider"])
    if provider is None:
        known = sorted(policy.providers)
        hint = suggestion(model["provider"], known) or f"declare it in llmops.yaml; built in are {', '.join(known)}"
        source.add(("model", "provider"), f"there is no provider `{model['provider']}`", hint)
        return
    reason = floating_reason(provider.name, provider.api, model["id"])
    if reason and not model.get("allow_floating", False):
        source.add(("model", "id"), reason, pin_hint(model["id"]))
    elif reason:
        source.add(("model", "id"), f"{reason}: scores can drift without a change here", severity="warning")


def check_retrieval(source: Source, policy: Policy) -> None:
    """Whoever finds the documents, or makes their vectors, is a provider of the policy that can."""
    section = source.value["retrieval"]
    for pointer, can in ((("retrieval", "provider"), ("search",)), (("retrieval", "embedder", "provider"), EMBED_APIS)):
        name = source.get(*pointer)
        if name is None:
            continue
        provider = policy.providers.get(name)
        if provider is None:
            hint = suggestion(name, policy.providers) or f"declare it in llmops.yaml, with api: {can[-1]}"
            source.add(pointer, f"there is no provider `{name}`", hint)
        elif provider.api not in can:
            source.add(
                pointer, f"the provider `{name}` has api: {provider.api}, and {section['retriever']} needs {' or '.join(can)}"
            )


def check_schemas(source: Source, resolved: JsonObject, broken: Collection[str]) -> None:
    """The schemas that the user wrote are schemas, and closed."""
    inputs = source.value.get("inputs", {})
    if "inputs" not in broken:
        _check_schema(source, ("inputs",), inputs, inputs)
        for keyword in UNBOUNDED:
            if uses(inputs, keyword):
                source.add(("inputs",), f"`{keyword}` cannot describe inputs", "list them in `properties`")
    if "output" in resolved:
        _check_schema(source, ("output", "schema"), source.value["output"]["schema"], resolved["output"]["schema"])
    for index, tool in enumerate(resolved.get("tools", ())):
        for inner, message in schema_problems(tool["function"]["parameters"]):
            source.add(("tools", index), f"{tool['function']['name']}: parameters{pointer_text(inner)[1:]} {message}")


def check_scorer_schemas(source: Source, evaluation: Evaluation) -> None:
    """The schemas of json_schema scorers are schemas, and closed."""
    for scorer in evaluation.scorers:
        if scorer.use == "json_schema":
            pointer = ("evaluation", "scorers", scorer.name, "schema")
            _check_schema(source, pointer, source.get(*pointer), scorer.options["schema"])


def check_guardrail_scorers(source: Source, resolved: JsonObject, evaluation: Evaluation) -> None:
    """Scorers of guardrails look at packs and rules that the config has."""
    packs = [pack for side in resolved.get("guardrails", {}).values() for pack in side]
    rules = {pack["name"]: [rule["name"] for rule in pack["rules"]] for pack in packs}
    for scorer in evaluation.scorers:
        pointer, options = ("evaluation", "scorers", scorer.name), scorer.options
        if scorer.use != "guardrail" or len(packs) < sum(len(names) for names in source.value.get("guardrails", {}).values()):
            continue  # a pack that is missing or wrong is told of itself
        if not rules:
            source.add(pointer, "looks at guardrails, and this config has none", "guardrails: {input: [injection]}")
            continue
        pack = options.get("pack")
        known, key, written = (rules, "pack", pack) if pack not in rules else (rules[pack], "rule", options.get("rule"))
        if written is not None and written not in known:
            hint = suggestion(written, known) or f"there are: {', '.join(known)}"
            source.add((*pointer, key), f"the guardrails have no {key} `{written}`", hint)


def _check_schema(source: Source, pointer: Pointer, written: Json, schema: Json) -> None:
    path = source.target(written) if isinstance(written, str) else ""
    for inner, message in schema_problems(schema):
        source.blame(pointer, path, inner, message)


def _known_to(source: Source) -> frozenset[str]:
    """The names that templates see besides the inputs."""
    if source.value.get("kind") != "judge":
        return ALWAYS_KNOWN
    return PAIR_KNOWN if source.value.get("scale") == "pairwise" else JUDGE_KNOWN


def check_templates(source: Source, templates: Templates, resolved: JsonObject) -> None:
    """Templates compile, and read only names that the caller gives."""
    properties = resolved.get("inputs", {}).get("properties", {})
    checked = [(original, check_template(original.text)) for original in templates.originals]
    known = set(properties) | _known_to(source)
    known = known.union(*(item.sets for _, item in checked))
    for original, item in checked:
        for line, message, hint in (*item.findings, *undeclared(item, sorted(known))):
            _blame(source, original, line, message, hint)
        if original.pointer == ("rubric",):
            for name in sorted(GRADED.intersection(item.reads)):
                hint = "the judge is shown the output as data anyway; for anything else write `messages:`"
                source.add(("rubric",), f"`{name}` is what is graded, and may not stand among the instructions", hint)
    read = {name for _, item in checked for name in item.reads}
    if any(problem.severity == "error" for problem in source.problems):
        return
    if "input" not in read:
        for name in properties:
            if name not in read:
                source.add(("inputs", "properties", name), f"no template uses the input `{name}`", key=True, severity="warning")
    if "retrieval" in resolved and "documents" not in read:
        source.add(("retrieval",), "no template uses `documents`", key=True, severity="warning")


def _blame(source: Source, original: Original, line: int, message: str, hint: str) -> None:
    if original.path:
        source.add_to(original.path, line, message, hint)
    else:
        source.add(original.pointer, message, hint, line_in_value=line)


def check_rows(source: Source, resolved: JsonObject, files: Sequence[CaseFile], *, render: bool) -> None:
    """Rows keep the contract, bring what the config needs, and with `render` its templates render on them."""
    left = MAX_RENDERED if render else 0
    for file in files:
        bad = 0
        for case, line in zip(file.cases, file.lines, strict=True):
            if bad >= MAX_BAD_ROWS:
                source.add_to(file.path, line, "the rows from here on are not looked at: there are too many problems before")
                break
            found = row_problems(resolved, case)
            # a schema that is slow for one row is slow for the next ones
            bad += MAX_BAD_ROWS if any(TOO_LONG in message for _, message, _ in found) else bool(found)
            for where, message, hint in found:
                source.add_to(file.path, line, f"{where} {message}", hint)
            if not found and left > 0 and (case.documents is not None or "retrieval" not in resolved):
                left = left - 1 if _render(source, resolved, case, file.path, line) else min(left - 1, MAX_UNRENDERED)


def row_problems(resolved: JsonObject, case: Case) -> list[tuple[str, str, str]]:
    """What is wrong with a case for a resolved config: (where, message, hint)."""
    properties: Mapping[str, Any] = resolved["inputs"]["properties"]
    problems = [
        (
            f"$.inputs.{name}",
            f"is not an input of the config{'' if properties else ', which has none'}",
            suggestion(name, properties),
        )
        for name in case.inputs
        if name not in properties
    ]
    problems += [
        (pointer_text(("inputs", *inner)), message, "") for inner, message in value_problems(resolved["inputs"], case.inputs)
    ]
    if resolved.get("retrieval", {}).get("retriever") == "recorded" and case.documents is None:
        hint = 'add "documents": [{"id": "…", "text": "…"}]'
        problems.append(("$", "has no documents, and the config retrieves recorded ones", hint))
    return problems


def _render(source: Source, resolved: JsonObject, case: Case, path: str, line: int) -> bool:
    """Whether the messages for a row render."""
    try:
        render_messages(resolved, case.inputs, case.documents or ())
        if "query" in resolved.get("retrieval", {}):
            render_query(resolved, case.inputs)
    except TemplateError as error:
        source.add_to(path, line, f"case `{case.id}` does not render: {error.message}", error.hint)
        return False
    return True
