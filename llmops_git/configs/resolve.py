"""A config file to its resolved value: what can reach the model or the caller, and nothing of how it was written.

The shape of the value is the input of the config digest and the body of a bundle. Optional parts that are absent are left
out, defaults are filled in, files are replaced by their contents, and names of files never enter.
"""

from __future__ import annotations

from typing import Any

from llmops_git.configs.digest import bytes_digest
from llmops_git.configs.embedders import embedder_of
from llmops_git.configs.judges import rubric_messages, settings_of
from llmops_git.configs.resolve_packs import LoadJudge, resolve_guardrails
from llmops_git.configs.resolve_templates import Templates
from llmops_git.configs.resolve_tools import resolve_tool
from llmops_git.configs.source import Source, read_data
from llmops_git.configs.user_schema import without_annotations
from llmops_git.configs.values import Json

DEFAULT_CHUNK = {"size": 800, "overlap": 80}
DEFAULT_TOP_K = 4
DEFAULT_MAX_STEPS = 6


def resolve_config(
    source: Source, broken: frozenset[str], templates: Templates, load_judge: LoadJudge, *, check: bool = True
) -> dict[str, Json]:
    """The resolved value; sections in `broken` (names of top-level keys that the schema refused) are left out. `load_judge`
    loads the judge at a path, as rules of guardrail packs name them; with `check` packs are held to their schema."""
    parts = {
        "model": _model,
        "inputs": _inputs,
        "output": _output,
        "retrieval": _retrieval,
        "tools": _tools,
        "guardrails": lambda guarded: resolve_guardrails(guarded, load_judge, check=check),
    }
    resolved: dict[str, Json] = {}
    for name, resolve in parts.items():
        if name not in broken and (name in source.value or name == "inputs"):
            value = resolve(source, templates) if name == "retrieval" else resolve(source)  # type: ignore[operator]
            if value is not None:
                resolved[name] = value
    resolved["messages"] = [] if broken & {"messages", "rubric", "scale", "examples"} else _messages(source, templates)
    if source.value.get("kind") == "judge" and (settings := settings_of(source)):
        resolved["judge"] = settings
    resolved["templates"] = templates.partials
    if "target" in source.value and "target" not in broken and source.value.get("kind") != "judge":
        resolved["target"] = source.value["target"]
    if "tools" in resolved and "max_steps" not in broken:
        resolved["max_steps"] = source.value.get("max_steps", DEFAULT_MAX_STEPS)
    return resolved


def _model(source: Source) -> Json:
    model = source.value["model"]
    parameters = dict(model.get("parameters", {}))
    parameters.update(parameters.pop("extra", {}))
    return {"provider": model["provider"], "id": model["id"], "parameters": parameters}


def _inputs(source: Source) -> Json:
    return {"type": "object", "properties": {}, **without_annotations(source.value.get("inputs", {}))}


def _messages(source: Source, templates: Templates) -> list[dict[str, str]]:
    if source.value.get("kind") == "judge" and "messages" not in source.value:
        return rubric_messages(source, templates) if "rubric" in source.value else []
    messages = []
    for index, message in enumerate(source.value["messages"]):
        if "file" in message:
            path = source.target(message["file"])
            template = templates.resolve_file(source, path) if path else ""
        else:
            template = templates.resolve(source, ("messages", index, "content"), message["content"])
        messages.append({"role": message["role"], "template": template})
    return messages


def _output(source: Source) -> Json:
    pointer = ("output", "schema")
    found = source.parsed(source.value["output"]["schema"], read_data)
    if found is None:
        return None
    schema, path = found
    if not isinstance(schema, dict):
        source.blame(pointer, path, (), "a JSON Schema is an object")
        return None
    return {"schema": schema}


def _retrieval(source: Source, templates: Templates) -> Json:
    section = source.value["retrieval"]
    resolved = {"retriever": section["retriever"], "top_k": section.get("top_k", DEFAULT_TOP_K)}
    if section["retriever"] == "recorded":
        return resolved
    if section["retriever"] == "http":
        query = templates.resolve(source, ("retrieval", "query"), section["query"])
        return {**resolved, "provider": section["provider"], "query": query}
    if section["retriever"] == "embedding":
        resolved["embedder"] = embedder_of(section.get("embedder"))
    chunk = {**DEFAULT_CHUNK, **section.get("chunk", {})}
    if chunk["overlap"] >= chunk["size"]:
        source.add(("retrieval", "chunk"), f"the overlap ({chunk['overlap']}) must be smaller than the size ({chunk['size']})")
    resolved["chunk"] = chunk
    resolved["query"] = templates.resolve(source, ("retrieval", "query"), section["query"])
    resolved["corpus"] = sorted({bytes_digest(source.contents[item.path]) for item in source.files("corpus")})
    return resolved


def _tools(source: Source) -> Json:
    tools: list[dict[str, Any]] = []
    for index, written in enumerate(source.value["tools"]):
        found = source.parsed(written, read_data)
        if found is None:
            continue
        value, path = found
        tool, problems = resolve_tool(value)
        for inner, message in problems:
            source.blame(("tools", index), path, inner, message)
        if tool is not None:
            name = tool["function"]["name"]
            if any(other["function"]["name"] == name for other in tools):
                source.add(("tools", index), f"two tools are called `{name}`")
            tools.append(tool)
    return tools
