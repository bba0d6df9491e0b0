"""Gathers what `doctor` judges: files, tags, workflows, the store. It writes nothing; what cannot be read is a fact, too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from llmops_git.commands.doctor_traffic import store_facts
from llmops_git.commands.doctor_workflows import workflow_facts
from llmops_git.commands.mining import TRACE
from llmops_git.configs.policy import POLICY_FILE
from llmops_git.errors import InvalidInput
from llmops_git.evals.worker import score_with
from llmops_git.monitoring.maturity_facts import ConfigFacts, Facts, GuardFacts, RuleFacts, WorkflowFacts

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.configs.policy import Policy
    from llmops_git.configs.tree import Tree
    from llmops_git.configs.values import Config, Evaluation
    from llmops_git.releases.values import Registry
    from llmops_git.repo.git import Git

DASHBOARDS = (".llmops/dashboard.html", "dashboard.html")
WORKFLOWS = ".github/workflows"
_CALLS = r"chat\.completions|messages\.create\(|generate_content\(|ChatOpenAI|litellm|responses\.create\("
_RECORDS = r"from llmops_git import .*runtime|llmops_git\.runtime"
_CODE = ("*.py", "*.js", "*.ts", "*.tsx", "*.mjs", "*.rb", "*.go", "*.java")
_FEW = 20


def gather(project: Project, *, store: str | None, today: date) -> Facts:
    """Everything that is known of a project. Raises LlmopsError only where there is no repository to look at."""
    tree = project.tree(None) if project.git.location.work_tree is not None or _has_commit(project.git) else None
    head = project.tree("HEAD") if _has_commit(project.git) else None
    if tree is None:
        return Facts(today=today)
    try:
        policy = project.policy(tree)
    except InvalidInput as error:
        return Facts(today=today, policy=True, policy_trouble=str(error.problems[0]), workflows=_workflows(tree))
    registry, remote = _registry(project.git, policy)
    configs, broken = _load(tree, policy)
    workflows = _workflows(tree)
    rules, rule_trouble = _rules(tree, policy)
    return Facts(
        today=today,
        policy=tree.entry(_policy_path(project)) is not None,
        configs=tuple(_config(config, head, policy, registry) for config in configs),
        broken=tuple(broken),
        calls_models=() if configs else _grep(project.git, _CALLS),
        records=_grep(project.git, _RECORDS),
        workflows=workflows,
        forge=remote,
        environments=tuple(policy.environments),
        store=store_facts(project, store, policy, registry),
        rules=rules,
        rule_trouble=rule_trouble,
        guards=_guards(project, tree),
        dashboard=_dashboard(project, workflows),
        starter_files=_uncommitted([_policy_path(project), *_paths(configs)], tree, head),
    )


def _has_commit(git: Git) -> bool:
    return git.try_run("rev-parse", "--verify", "--quiet", "HEAD^{commit}").code == 0


def _registry(git: Git, policy: Policy) -> tuple[Registry, bool]:
    """What this clone knows of releases, and whether there is a remote."""
    from llmops_git.releases.registry import read_registry

    remotes = git.run("remote").decode().split()
    return read_registry(git, remote=policy.remote if policy.remote in remotes else None), bool(remotes)


def _load(tree: Tree, policy: Policy) -> tuple[list[Config], list[tuple[str, str]]]:
    """The configs that can be loaded, and why the others cannot."""
    from llmops_git.configs.closure import Closures
    from llmops_git.configs.load import Loader
    from llmops_git.configs.paths import config_files

    files = config_files(tree.walk(), policy)
    closures = Closures(tree, policy.root)
    closures.prepare(files)
    loader = Loader(tree, policy, closures)
    configs, broken = [], []
    for path in files:
        try:
            configs.append(loader.load(path))
        except InvalidInput as error:
            broken.append((path, str(error.problems[0].message)))
    return [config for config in configs if config.kind == "config"], broken


def _config(config: Config, head: Tree | None, policy: Policy, registry: Registry) -> ConfigFacts:
    from llmops_git.guardrails.packs import SIDES

    evaluation, newest = config.evaluation, registry.newest(config.name)
    judges = [judge for scorer in evaluation.scorers for judge in scorer.asked] if evaluation else []
    sides = config.resolved.get("guardrails") or {}
    running = {
        name: state.running[config.name].release
        for name, state in registry.environments.items()
        if config.name in state.running
    }
    return ConfigFacts(
        name=config.name,
        path=config.path,
        committed=head is not None and head.entry(config.path) is not None,
        evaluated=evaluation is not None,
        cases=len(evaluation.cases) if evaluation else 0,
        waiting=len(evaluation.unlabelled) if evaluation else 0,
        live_cases=sum("trace_id" in (case.source or {}) for case in evaluation.cases) if evaluation else 0,
        scorers=len(evaluation.scorers) if evaluation else 0,
        live_scorers=_live_scorers(evaluation, policy) if evaluation else (),
        judges=tuple(dict.fromkeys(judge.name for judge in judges)),
        unheld=tuple(dict.fromkeys(judge.name for judge in judges if judge.digest not in policy.calibrations)),
        packs=tuple(dict.fromkeys(str(pack.get("name", "")) for side in SIDES for pack in sides.get(side, ()))),
        release=newest.name if newest else "",
        proven=newest is not None and "Eval" in newest.trailers,
        current=newest is not None and newest.digest == config.digest,
        environments=tuple(running),
        behind=tuple((name, release) for name, release in running.items() if newest is None or release != newest.name),
    )


def _live_scorers(evaluation: Evaluation, policy: Policy) -> tuple[str, ...]:
    """The scorers that can judge an answer without an expected one: judges, and those that measure something of any answer."""
    from llmops_git.scorers.base import Sample
    from llmops_git.scorers.table import try_scorers

    built = try_scorers(evaluation.scorers, policy.allowed_scorers)[0]
    sample = Sample(inputs={}, expected=None, output="An answer.")
    asking = {settings.name for settings in evaluation.scorers if settings.asked}
    return tuple(
        name
        for name, scorer in built.items()
        if not scorer.ratio and (name in asking or score_with(scorer, sample, None).state == "measured")
    )


def _policy_path(project: Project) -> str:
    return f"{project.root}/{POLICY_FILE}".lstrip("/")


def _paths(configs: Iterable[Config]) -> Iterable[str]:
    return (item.path for config in configs for item in config.closure)


def _uncommitted(paths: Iterable[str], tree: Tree, head: Tree | None) -> tuple[str, ...]:
    """Those of the files that are there and in no commit."""
    known = [path for path in dict.fromkeys(paths) if tree.entry(path) is not None]
    return tuple(path for path in known if head is None or head.entry(path) is None)


def _grep(git: Git, pattern: str) -> tuple[str, ...]:
    """Files of code in which a pattern is found: of the work tree, untracked ones included."""
    if git.location.work_tree is None:
        return ()
    found = git.try_run("grep", "--untracked", "-lIE", "-z", "-e", pattern, "--", *_CODE)
    return tuple(path for path in found.out.decode(errors="replace").split("\0")[:_FEW] if path)


def _workflows(tree: Tree) -> tuple[WorkflowFacts, ...]:
    paths = [path for path in tree.walk(WORKFLOWS) if path.startswith(f"{WORKFLOWS}/") and path.endswith((".yml", ".yaml"))]
    found = (workflow_facts(path, data) for path, data in sorted(tree.read(paths).items()))
    return tuple(workflow for workflow in found if workflow.does)


def _rules(tree: Tree, policy: Policy) -> tuple[tuple[RuleFacts, ...], str]:
    """The rules about live traffic, and what is wrong with the first that is."""
    from llmops_git.monitoring.rule_files import read_rules

    rules, problems = read_rules(tree, policy)
    errors = [str(problem) for problem in problems if problem.severity == "error"]
    return tuple(RuleFacts(id=rule.id, metric=rule.metric.name, against=rule.compare.to) for rule in rules), (errors or [""])[0]


def _guards(project: Project, tree: Tree) -> GuardFacts:
    from llmops_git.configs.paths import config_name
    from llmops_git.guardrails.suites import read_suite

    folder = f"{project.root}/guardrails".lstrip("/")
    files = sorted(path for path in tree.walk(folder) if path.startswith(f"{folder}/"))
    packs = [path for path in files if path.endswith(".yaml") and path.count("/") == folder.count("/") + 1]
    suites = [path for path in files if path.startswith(f"{folder}/suites/") and path.endswith(".jsonl")]
    texts = {path: read_suite(path, data).texts for path, data in tree.read(suites).items()}
    every = [text for found in texts.values() for text in found]
    seen = [text for text in every if TRACE in text.source]
    return GuardFacts(
        packs=tuple(map(config_name, packs)),
        attacks=sum(text.attack for text in every),
        benign=sum(not text.attack for text in every),
        reviewed=len(seen),
        reviewed_on=max((day for text in seen if (day := _day(text.source.get("when", "")))), default=None),
    )


def _day(text: str) -> date | None:
    """The day that an ISO 8601 time is on."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _dashboard(project: Project, workflows: Sequence[WorkflowFacts]) -> str:
    drawing = [workflow.path for workflow in workflows if "dashboard" in workflow.does]
    if drawing:
        return drawing[0]
    work_tree = project.git.location.work_tree
    if work_tree is None:
        return ""
    paths = [f"{project.root}/{name}".lstrip("/") for name in DASHBOARDS]
    return next((path for path in paths if (work_tree / path).is_file()), "")
