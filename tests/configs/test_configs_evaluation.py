"""The evaluation of a config: cases, scorers, gates, budgets, clusters."""

from __future__ import annotations

from sample_config import FILES, changed, load, problems

from llmops_git.configs.values import Evaluation, Repeats, ScorerGate

DATASET = "evals/support-router.jsonl"


def evaluation(files: dict[str, str | None] | None = None, *edits: tuple[str, str]) -> Evaluation:
    found = load(changed(files, *edits)).evaluation
    assert found is not None
    return found


def test_an_evaluation_holds_everything_that_scoring_needs() -> None:
    found = evaluation()
    assert [case.id for case in found.cases] == ["c0", "c1", "c2"]
    assert [(scorer.name, scorer.use, dict(scorer.options)) for scorer in found.scorers] == [
        ("queue", "exact", {"field": "queue"}),
        ("helpful", "judge", {}),
        ("shape", "json_schema", {"schema": {"type": "object", "properties": {"queue": {"type": "string"}}}}),
    ]
    assert found.repeats == Repeats(start=1, max=5)
    assert found.gates == {"queue": ScorerGate(margin=0.02)}
    assert found.budgets == {"cost": 1.1}


def test_a_number_of_repeats_is_the_start_and_the_end() -> None:
    assert evaluation(None, ("{start: 1, max: 5}", "3")).repeats == Repeats(start=3, max=3)
    assert evaluation(None, ("{start: 1, max: 5}", "{start: 2}")).repeats == Repeats(start=2, max=2)
    assert evaluation(None, ("  repeats: {start: 1, max: 5}\n", "")).repeats == Repeats(start=1, max=1)


def test_defaults_that_are_written_out_are_no_change() -> None:
    plain = evaluation()
    assert plain.digest == evaluation(None, ("field: queue}", "field: queue, strip: true, ignore_case: false}")).digest
    assert plain.digest == evaluation(None, ("{margin: 0.02}", "{margin: 0.02, mode: soft}")).digest
    one = evaluation(None, ("{use: exact, field: queue}", "{use: contains, any: yes}"))
    assert one.digest == evaluation(None, ("{use: exact, field: queue}", "{use: contains, any: [yes]}")).digest


def test_clusters_come_from_the_rows_or_from_an_input() -> None:
    rows = '{"inputs": {"message": "a"}, "cluster": "x"}\n{"inputs": {"message": "b"}}\n'
    assert [case.cluster for case in evaluation({DATASET: rows}).cases] == ["x", ""]
    by_input = evaluation({DATASET: rows}, ("  budgets", "  cluster_by: inputs.message\n  budgets"))
    assert [case.cluster for case in by_input.cases] == ["a", "b"]


def test_a_table_gives_inputs_the_types_of_the_contract() -> None:
    edits = [
        ("support-router.jsonl", "support-router.csv"),
        ("{message: {type: string}}", "{message: {type: string}, n: {type: integer}, flags: {type: array}}"),
        ('content: "{{ message }}"', 'content: "{{ message }} {{ n }} {{ flags }}"'),
    ]
    files: dict[str, str | None] = {DATASET: None, "evals/support-router.csv": 'message,n,flags\n5,5,"[1]"\n'}
    assert [case.inputs for case in evaluation(files, *edits).cases] == [{"message": "5", "n": 5, "flags": [1]}]
    files["evals/support-router.csv"] = "message,n,flags\n5,five,[]\n"
    assert [(problem.line, problem.message) for problem in problems(changed(files, *edits))] == [
        (2, "$.inputs.n must be a whole number, not `five`")
    ]


def test_an_eval_set_can_be_several_files_with_ids_of_their_own() -> None:
    edit = ("../evals/support-router.jsonl", "../evals/*.jsonl")
    more = '{"id": "d", "inputs": {"message": "x"}}\n'
    found = evaluation({"evals/more.jsonl": more}, edit)
    assert [case.id for case in found.cases] == ["d", "c0", "c1", "c2"]
    [problem] = problems(changed({"evals/more.jsonl": more.replace('"d"', '"c1"')}, edit))
    assert (problem.path, problem.line, problem.message) == (DATASET, 2, "the id `c1` is taken by evals/more.jsonl:1")


def test_an_empty_eval_set_is_a_problem() -> None:
    assert [problem.message for problem in problems(changed({DATASET: "\n"}))] == [f"{DATASET} has no cases"]


def test_recorded_retrieval_needs_documents_in_every_row() -> None:
    edits = [('retriever: bm25\n  corpus: ["../corpora/help/*.md"]\n  query: "{{ message }}"', "retriever: recorded")]
    rows = '{"inputs": {"message": "a"}, "documents": [{"text": "t"}]}\n{"inputs": {"message": "b"}}\n'
    [problem] = problems(changed({DATASET: rows}, *edits))
    assert (problem.line, "has no documents" in problem.message) == (2, True)


def test_a_judge_that_is_wrong_is_reported_once_for_the_config() -> None:
    files = changed({"judges/helpfulness.yaml": FILES["judges/helpfulness.yaml"].replace("scale", "skale")})
    found = {(problem.path, problem.pointer) for problem in problems(files)}
    assert found == {("judges/helpfulness.yaml", "$"), ("judges/helpfulness.yaml", "$.skale")}
