"""Reads `llmops.yaml`, `prices.yaml` and `retirements.yaml` from a tree and fills in every default."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from llmops_git.configs.calibrations import load_calibrations
from llmops_git.configs.paths import join, suggestion
from llmops_git.configs.pointers import pointer_text
from llmops_git.configs.policy import (
    DEFAULT_PATTERNS,
    HOSTED,
    POLICY_FILE,
    Api,
    Budget,
    Endpoint,
    Environment,
    GateSettings,
    JudgeRules,
    Policy,
    Price,
    ProviderSettings,
    Retirement,
    SigningPolicy,
)
from llmops_git.configs.tree import EXECUTABLE_MODE, FILE_MODE, Tree
from llmops_git.configs.yaml import YamlFile
from llmops_git.errors import InvalidInput, Problem

PRICES_FILE = "prices.yaml"
RETIREMENTS_FILE = "retirements.yaml"


def _hosted(name: str, base_url: str, key_env: str, *, api: Api = "openai") -> ProviderSettings:
    return ProviderSettings(name=name, api=api, base_url=base_url, key_env=key_env)


# Azure is not here: its address holds the customer's own resource. Neither is a provider of recorded replies: they lie in the
# checkout, so with one in reach a change could bring its own answers.
BUILT_IN: Mapping[str, ProviderSettings] = {
    settings.name: settings
    for settings in (
        ProviderSettings(name="local", api="embedded"),
        _hosted("openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
        _hosted("anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", api="anthropic"),
        _hosted("gemini", "https://generativelanguage.googleapis.com/v1beta", "GEMINI_API_KEY", api="google"),
        _hosted("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
        _hosted("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
        _hosted("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
        _hosted("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
        _hosted("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
        _hosted("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
        _hosted("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
        _hosted("ollama", "http://localhost:11434/v1", ""),
        _hosted("lmstudio", "http://localhost:1234/v1", ""),
        _hosted("vllm", "http://localhost:8000/v1", ""),
        _hosted("llamacpp", "http://localhost:8080/v1", ""),
    )
}

_LOOPBACK = re.compile(r"http://(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?(?:/[^\s?#@]*)?\Z")
_HTTPS = re.compile(r"https://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?(?:/[^\s?#@]*)?\Z")


def load_policy(tree: Tree, root: str) -> Policy:
    """The policy of the folder `root` in a tree; without a file, the defaults. Raises InvalidInput with all problems."""
    path, prices_path = _in(root, POLICY_FILE), _in(root, PRICES_FILE)
    file, problems = _read(tree, path, "policy")
    prices_file, prices_problems = _read(tree, prices_path, "prices")
    retirements_file, retirements_problems = _read(tree, _in(root, RETIREMENTS_FILE), "retirements")
    problems += prices_problems + retirements_problems
    if retirements_file is not None and not problems:
        problems += _wrong_dates(retirements_file)
    if problems:
        raise InvalidInput(problems)
    value = (file.value if file else None) or {}
    policy = Policy(
        root=root,
        configs=tuple(value.get("configs", DEFAULT_PATTERNS)),
        providers=_providers(value.get("providers", {})),
        environments={name: Environment(name=name, **(item or {})) for name, item in value.get("environments", {}).items()},
        gate=GateSettings(**value.get("gate", {})),
        budget=Budget(**value.get("budget", {})),
        signing=SigningPolicy(**value.get("signing", {})),
        judges=JudgeRules(**(value["judges"] or {})) if "judges" in value else None,
        calibrations=load_calibrations(tree, root) if "judges" in value else {},
        allowed_scorers=tuple(value.get("scorers", {}).get("allow", ())),
        allowed_checks=tuple(value.get("checks", {}).get("allow", ())),
        prices={name: Price(**item) for name, item in ((prices_file.value if prices_file else None) or {}).items()},
        retirements={
            name: Retirement(**{**item, "date": item["date"] or ""})
            for name, item in ((retirements_file.value if retirements_file else None) or {}).items()
        },
        default_branch=value.get("default_branch", ""),
        remote=value.get("remote", "origin"),
        tools={name: Endpoint(name=name, **item) for name, item in value.get("tools", {}).items()},
        targets={name: Endpoint(name=name, **item) for name, item in value.get("targets", {}).items()},
        webhooks={name: Endpoint(name=name, **{"timeout": 10.0, **item}) for name, item in value.get("webhooks", {}).items()},
        trace_store=value.get("traces", {}).get("store", ""),
    )
    if file is not None and (problems := _check(policy, value, file, path)):
        raise InvalidInput(problems)
    return policy


def _in(root: str, name: str) -> str:
    return f"{root}/{name}" if root else name


def _read(tree: Tree, path: str, kind: Any) -> tuple[YamlFile | None, list[Problem]]:
    entry = tree.entry(path)
    if entry is None:
        return None, []
    if entry.mode not in (FILE_MODE, EXECUTABLE_MODE):
        return None, [Problem(path=path, message="is a symbolic link or a submodule, and must be a file")]
    from llmops_git.configs.schema import problems_of
    from llmops_git.configs.yaml import parse

    try:
        file = parse(tree.read([path])[path], path)
    except InvalidInput as error:
        return None, list(error.problems)
    return file, problems_of(kind, file, path) if file.value is not None else []


def _wrong_dates(file: YamlFile) -> list[Problem]:
    """Dates that look like one and are none, as the 31st of November."""
    from datetime import date

    problems = []
    for name, item in (file.value or {}).items():
        try:
            date.fromisoformat(item["date"] or date.min.isoformat())
        except ValueError:
            line, column = file.place((name, "date"))
            pointer = pointer_text((name, "date"))
            message = f"there is no day {item['date']}"
            problems.append(Problem(path=file.path, message=message, line=line, column=column, pointer=pointer))
    return problems


def _providers(declared: Mapping[str, Any]) -> dict[str, ProviderSettings]:
    known = dict(BUILT_IN)
    for name, item in declared.items():
        settings = known.get(name)
        if settings is None or item.get("api", settings.api) != settings.api:
            settings = ProviderSettings(name=name, api=item.get("api", "openai"))
        known[name] = ProviderSettings(**{**_fields(settings), **item})
    return known


def _fields(settings: ProviderSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in ProviderSettings.__dataclass_fields__}


def _check(policy: Policy, value: Mapping[str, Any], file: YamlFile, path: str) -> list[Problem]:
    problems: list[Problem] = []

    def add(pointer: tuple[str | int, ...], message: str, hint: str = "") -> None:
        line, column = file.place(pointer)
        problems.append(Problem(path=path, message=message, line=line, column=column, pointer=pointer_text(pointer), hint=hint))

    for name, item in value.get("providers", {}).items():
        settings = policy.providers[name]
        if name not in BUILT_IN and "api" not in item:
            hint = "" if "base_url" in item else suggestion(name, BUILT_IN)
            add(("providers", name), "`api` is missing", hint or "api: openai, for any OpenAI-compatible endpoint")
        elif settings.api == "plugin" and not settings.plugin:
            add(("providers", name), "`plugin` is missing", "plugin: the name that an installed package gives its provider")
        elif settings.api in HOSTED and not settings.base_url:
            add(("providers", name), "`base_url` is missing", "base_url: https://…/v1")
        elif settings.base_url and not (_HTTPS.match(settings.base_url) or _LOOPBACK.match(settings.base_url)):
            add(("providers", name, "base_url"), "must be an https address, or http on this machine", "base_url: https://…/v1")
    for section, endpoints in (("tools", policy.tools), ("targets", policy.targets), ("webhooks", policy.webhooks)):
        for name, endpoint in endpoints.items():
            if not (_HTTPS.match(endpoint.url) or _LOOPBACK.match(endpoint.url)):
                add((section, name, "url"), "must be an https address, or http on this machine", "url: https://…")
    _check_environments(policy, add)
    _check_signing(policy, add)
    return problems


def _check_environments(policy: Policy, add: Callable[..., None]) -> None:
    for name, environment in policy.environments.items():
        seen = [name]
        following: Environment | None = environment
        while following is not None and following.after:
            if following.after not in policy.environments:
                if following is environment:
                    hint = suggestion(following.after, policy.environments)
                    add(("environments", name, "after"), f"there is no environment `{following.after}`", hint)
                break
            if following.after in seen:
                add(
                    ("environments", name, "after"),
                    f"the environments wait for each other: {' -> '.join([*seen, following.after])}",
                )
                break
            seen.append(following.after)
            following = policy.environments.get(following.after)


def _check_signing(policy: Policy, add: Callable[..., None]) -> None:
    signing = policy.signing
    if signing.require and not (signing.allowed_signers or signing.gpg_keys):
        hint = "allowed_signers: .github/allowed_signers"
        add(("signing", "require"), "nobody may sign: name the keys with `allowed_signers` or `gpg_keys`", hint)
    for key in ("allowed_signers", "gpg_keys"):
        if getattr(signing, key):
            try:
                join(policy_path(policy), getattr(signing, key))
            except ValueError as error:
                add(("signing", key), str(error))


def policy_path(policy: Policy) -> str:
    """The path of the policy file, which the paths in it start from."""
    return _in(policy.root, POLICY_FILE)
