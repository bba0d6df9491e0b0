"""action.yml, the options of `ci`, what the steps forward, and the tables of the documentation say the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from llmops_git.commands.ci import JOBS, TOKEN, command
from llmops_git.configs.yaml import parse

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = parse((ROOT / "action.yml").read_bytes(), "action.yml").value
STEPS = {step["id"]: step for step in ACTION["runs"]["steps"]}
FOR_THE_STEP = {"working-directory", "embedded"}  # used by the Action itself, not by `ci`
INTERNAL = {"LLMOPS_PYTHON", "LLMOPS_PACKAGES"}  # from the first step to the second


def options() -> dict[str, Any]:
    """Variable -> option or argument of `ci`."""
    return {str(parameter.envvar): parameter for parameter in command.params if parameter.envvar}


def variable(name: str) -> str:
    return f"LLMOPS_{name.upper().replace('-', '_')}"


def table(page: str, heading: str) -> dict[str, list[str]]:
    """First cell -> the other cells of the table whose first heading this is."""
    text = (ROOT / page).read_text().split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.split("\n")[2:]]
    return {row[0].strip("` "): [cell.strip("` ") for cell in row[1:]] for row in rows}


def test_every_option_of_ci_is_an_input_and_every_input_an_option() -> None:
    named = {variable(name) for name in ACTION["inputs"] if name not in FOR_THE_STEP}
    assert {*options(), TOKEN} == named


def test_every_input_is_forwarded_under_the_name_that_ci_reads() -> None:
    expected = {variable(name): f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"] if name not in FOR_THE_STEP}
    forwarded = {name: value for name, value in STEPS["run"]["env"].items() if name not in INTERNAL}
    assert expected == forwarded
    assert {"LLMOPS_EMBEDDED": "${{ inputs.embedded }}"} == STEPS["install"]["env"]
    assert "${{ inputs.working-directory }}" == STEPS["run"]["working-directory"]


def test_defaults_are_those_of_ci() -> None:
    defaults = {name: parameter.to_info_dict()["default"] for name, parameter in options().items()}
    expected = {name: "" if value in {None, ()} else as_input(value) for name, value in defaults.items()}
    given = {variable(name): settings["default"] for name, settings in ACTION["inputs"].items()}
    assert expected == {name: value for name, value in given.items() if name in expected}


def as_input(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_the_command_input_names_every_job() -> None:
    words = re.findall(r"\w+", ACTION["inputs"]["command"]["description"])
    assert {"auto", *JOBS} <= set(words)


def test_every_output_is_set_by_some_job_and_none_is_lost() -> None:
    expected = {name: f"${{{{ steps.run.outputs.{name} }}}}" for name in outputs_in_code()}
    assert expected == {name: settings["value"] for name, settings in ACTION["outputs"].items()}


def outputs_in_code() -> set[str]:
    """Keyword names of all calls of `session.output(...)`."""
    found = set()
    for path in (ROOT / "llmops_git" / "commands" / "jobs").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "output":
                assert all(keyword.arg for keyword in node.keywords), f"{path}: outputs must be named where they are set"
                found |= {str(keyword.arg).replace("_", "-") for keyword in node.keywords}
    return found


@pytest.mark.parametrize("page", ["docs/github-action.md", "README.md"])
def test_the_tables_of_the_documentation_are_those_of_the_action(page: str) -> None:
    inputs = {name: [value["default"], value["description"].strip()] for name, value in ACTION["inputs"].items()}
    outputs = {name: [value["description"].strip()] for name, value in ACTION["outputs"].items()}
    assert (inputs, outputs) == (table(page, "input"), table(page, "output"))


def test_no_script_holds_an_expression_and_nothing_of_others_is_used() -> None:
    for step in ACTION["runs"]["steps"]:
        assert ("bash", False, False) == (step["shell"], "${{" in step["run"], "uses" in step)


def test_the_programs_of_the_steps_run_isolated() -> None:
    programs = re.findall(r'"\$(?:python|LLMOPS_PYTHON)" (.*?) (\S+)', "\n".join(step["run"] for step in STEPS.values()))
    assert {("-I", "-c"), ("-I", '"$GITHUB_ACTION_PATH/action/install.py"')} <= {(a, b) for a, b in programs}
    assert '-I -S "$GITHUB_ACTION_PATH/action/main.py"' in STEPS["run"]["run"]


def pins(name: str) -> dict[str, frozenset[str]]:
    """Requirement -> hashes of a locked file."""
    text = (ROOT / "requirements" / name).read_text()
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    return {block.split()[0]: frozenset(re.findall(r"--hash=(\S+)", block)) for block in blocks}


def test_the_action_installs_what_the_tests_run_on_and_leaves_the_runtime_of_models_out() -> None:
    everything = pins("run.txt")
    small, embedded = pins("action.txt"), pins("action-embedded.txt")
    assert {**small, **embedded} == {name: everything.get(name) for name in (*small, *embedded)}
    assert [] == [name for name, hashes in {**small, **embedded}.items() if not hashes]
    assert not set(small) & set(embedded)
    assert not any(name.startswith("xllamacpp") for name in small)


def test_every_dependency_of_the_package_is_in_the_action() -> None:
    named = re.search(r"^dependencies = \[(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.DOTALL | re.MULTILINE)
    assert named
    wanted = {re.split("[><=]", name)[0].replace(".", "-") for name in re.findall(r'"(.*?)"', named[1])}
    assert set() == wanted - {name.split("==")[0] for name in pins("action.txt")}
