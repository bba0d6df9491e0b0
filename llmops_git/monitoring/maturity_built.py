"""The points of baseline and repeatable: what is written down, measured before it runs, and seen when it does. Pure."""

from __future__ import annotations

from llmops_git.evals.gate import FEWEST_CASES_UNCHANGED
from llmops_git.monitoring import maturity_steps as steps
from llmops_git.monitoring.maturity_facts import DAYS, ConfigFacts, Facts
from llmops_git.monitoring.maturity_point import SHOWN, Point, count, doing, enough, few, share, some
from llmops_git.monitoring.maturity_steps import Step


def prompts(facts: Facts) -> Point:
    """Prompts in version control: configs that load, and are committed."""
    found = [config for config in facts.configs if config.committed]
    evidence = [f"{count(len(found), 'config')} in git: {some(config.name for config in found)}"] if found else []
    evidence += [f"{path} cannot be loaded: {why}" for path, why in facts.broken[:SHOWN]]
    step = None
    if facts.policy_trouble or facts.broken:
        evidence += [facts.policy_trouble] if facts.policy_trouble else []
        step = steps.MEND
    elif facts.starter_files:
        evidence.append(f"not committed: {some(facts.starter_files)}")
        step = steps.commit(facts.starter_files)
    elif not found:
        if facts.calls_models:
            evidence.append(f"models are called from {some(facts.calls_models)}: their prompts are in code")
        evidence.append("no file is a config")
        step = steps.INIT
    return Point(name="prompts", level="baseline", title="prompts in version control", evidence=tuple(evidence), step=step)


def eval_set(facts: Facts) -> Point:
    """A small eval set: at least one config has labelled cases."""
    found = [config for config in facts.configs if config.evaluated and config.cases]
    cases = sum(config.cases for config in found)
    evidence = [f"{count(cases, 'case')} of {count(len(found), 'config')}"] if found else ["no config has labelled cases"]
    step = None if found else steps.eval_set(facts.configs[0].path if facts.configs else "")
    return Point(name="eval-set", level="baseline", title="a small eval set", evidence=tuple(evidence), step=step)


def logging(facts: Facts) -> Point:
    """Request logging: applications write what they serve."""
    store, evidence = facts.store, []
    if store.traffic.requests:
        counted = count(store.traffic.requests, "request")
        evidence.append(f"{counted} in {DAYS} days, the newest on {store.traffic.newest}, in {store.place}")
    elif store.files:
        evidence.append(f"{count(store.files, 'file')} of live requests in {store.place}")
    if facts.records:
        evidence.append(f"the runtime is used in {some(facts.records)}")
    if store.trouble:
        evidence.append(store.trouble)
    if not store.traffic.requests and not store.files:
        evidence.append(f"no live request in {store.place}" if store.place else "no live request")
        step = _running(facts) or steps.record(*_served(facts))
        return Point(name="logging", level="baseline", title="request logging", evidence=tuple(evidence), step=step)
    return Point(name="logging", level="baseline", title="request logging", evidence=tuple(evidence))


def _served(facts: Facts) -> tuple[str, str]:
    """A config, and an environment that it runs in."""
    running = [config for config in facts.configs if config.environments] or list(facts.configs)
    return (running[0].name, [*running[0].environments, steps.PRODUCTION][0]) if running else ("NAME", steps.PRODUCTION)


def _running(facts: Facts) -> Step | None:
    """The step that makes something run that an application can load; None where something does."""
    if any(config.environments for config in facts.configs):
        return None
    released = [config for config in facts.configs if config.release]
    return _promotion(facts, released[0]) if released else steps.RELEASE


def _promotion(facts: Facts, config: ConfigFacts) -> Step | None:
    """The next environment on a release's way to production; None where it is there."""
    wanted = steps.PRODUCTION if steps.PRODUCTION in facts.environments or not facts.environments else facts.environments[-1]
    if wanted in config.environments:
        return None
    missing = [name for name in facts.environments if name not in config.environments]
    return steps.promote(config.name, missing[0] if missing else wanted)


# --- repeatable ---


def suite(facts: Facts) -> Point:
    """An eval suite: every config is scored, on enough cases to tell that a change is safe."""
    bare = [config for config in facts.configs if not config.evaluated]
    small = [config for config in facts.configs if config.evaluated and config.cases < FEWEST_CASES_UNCHANGED]
    waiting = sum(config.waiting for config in facts.configs)
    evidence = [f"{config.name}: {count(config.cases, 'case')}, {count(config.scorers, 'scorer')}" for config in facts.configs
                if config.evaluated][:SHOWN]  # fmt: skip
    if len(facts.configs) - len(bare) > SHOWN:
        evidence.append(f"and {len(facts.configs) - len(bare) - SHOWN} more configs")
    if waiting:
        evidence.append(f"{count(waiting, 'case')} wait{'s' if waiting == 1 else ''} for a label")
    step = None
    if bare:
        evidence.append(f"without an evaluation: {some(config.name for config in bare)}")
        step = steps.eval_set(bare[0].path)
    elif small:
        fewest = f"fewer than {FEWEST_CASES_UNCHANGED} cases cannot show that a change is safe"
        evidence.append(f"{fewest}: {some(config.name for config in small)}")
        step = steps.more_cases(small[0].name, small[0].cases, FEWEST_CASES_UNCHANGED, live=bool(facts.store.traffic.requests))
    elif not facts.configs:
        evidence.append("no config")
        step = steps.INIT
    title = "an eval suite for every config"
    return Point(name="suite", level="repeatable", title=title, evidence=tuple(evidence), step=step)


def gate(facts: Facts) -> Point:
    """Every change goes through it: a workflow evaluates pull requests."""
    found = doing(facts, "evaluate")
    loose = [workflow for workflow in found if not workflow.pinned]
    evidence = [f"{workflow.path} evaluates pull requests" for workflow in found[:SHOWN]]
    step = None
    if not found:
        evidence.append("no workflow evaluates pull requests")
        step = steps.WORKFLOWS
    elif loose:
        evidence.append(
            f"{loose[0].path} does not name the Action by a commit: whoever can move its tag can run what they like"
        )
        step = steps.pin(loose[0].path)
    else:
        evidence.append("whether the status llmops-git/gate is required cannot be seen from here (docs/rulesets.md)")
    return Point(name="gate", level="repeatable", title="the suite gates every change", evidence=tuple(evidence), step=step)


def releases(facts: Facts) -> Point:
    """What runs is a release that carries its scores."""
    evidence = [_runs(config) for config in facts.configs if config.release]
    missing = [config for config in facts.configs if not config.release]
    idle = [config for config in facts.configs if config.release and _promotion(facts, config)]
    step = None
    if missing or not facts.configs:
        evidence.append(f"never released: {some(config.name for config in missing)}" if missing else "nothing is released")
        step = steps.RELEASE
    elif idle:
        evidence.append(f"released, and not in production: {some(config.name for config in idle)}")
        step = _promotion(facts, idle[0])
    title = "what runs is a release"
    return Point(name="releases", level="repeatable", title=title, evidence=few(evidence), step=step)


def _runs(config: ConfigFacts) -> str:
    """The newest release, where it runs, and where another one does."""
    older = dict(config.behind)
    here = some(name for name in config.environments if name not in older)
    scores = " with its scores" if config.proven else ", which carries no scores"
    others = "".join(f"; {name} runs {release.rpartition('/')[2]}" for name, release in config.behind[:SHOWN])
    return f"{config.release}{scores}{f', in {here}' if here else ''}{others}"


def tracing(facts: Facts) -> Point:
    """Full tracing: requests name their release, and hold what is needed to look into them."""
    traffic, store = facts.store.traffic, facts.store
    evidence = []
    step = None
    if store.trouble:
        evidence.append(store.trouble)
        step = steps.READABLE
    elif not traffic.requests:
        evidence.append(f"no request in the last {DAYS} days is in {store.place or 'a store'}")
        step = steps.INGEST if store.files else steps.record(*_served(facts))
    else:
        evidence.append(
            f"{share(traffic.released, traffic.requests)} of {count(traffic.requests, 'request')} name their release"
        )
        evidence.append(f"{share(traffic.captured, traffic.requests)} hold their inputs")
        evidence.append(f"{share(traffic.counted, traffic.calls)} of {count(traffic.calls, 'call')} know their tokens")
        if traffic.strange:
            evidence.append(f"{traffic.strange:,} of them name{'s' if traffic.strange == 1 else ''} one that git does not have")
        if not enough(traffic.released - traffic.strange, traffic.requests):
            step = steps.name_release(*_served(facts))
        elif not traffic.captured:
            step = steps.capture(*_served(facts))
        elif not enough(traffic.counted, traffic.calls):
            step = steps.USAGE
    return Point(name="tracing", level="repeatable", title="full tracing", evidence=tuple(evidence), step=step)


def dashboards(facts: Facts) -> Point:
    """Cost and latency dashboards: what calls cost is known, and somebody can look at it."""
    traffic = facts.store.traffic
    evidence = (
        [f"{share(traffic.priced, traffic.calls)} of {count(traffic.calls, 'call')} know their cost"] if traffic.calls else []
    )
    step = None
    if facts.dashboard:
        evidence.append(f"drawn: {facts.dashboard}")
    if not traffic.calls:
        evidence.append("no call of a model is in the store")
        step = steps.INGEST
    elif not enough(traffic.priced, traffic.calls):
        step = steps.PRICES
    elif not facts.dashboard:
        evidence.append("no dashboard was drawn")
        step = steps.DASHBOARD
    title = "cost and latency dashboards"
    return Point(name="dashboards", level="repeatable", title=title, evidence=tuple(evidence), step=step)
