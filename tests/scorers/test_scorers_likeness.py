"""Likeness: references, thresholds, limits, other languages, agreement with the libraries by themselves."""

from __future__ import annotations

import subprocess
import sys

import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
from sacrebleu.tokenizers.tokenizer_re import TokenizerRegexp

from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.scorers.base import Sample
from llmops_git.scorers.extras import extra_module
from llmops_git.scorers.table import build_scorer, declaration

PAIRS = [
    ("The quick brown fox jumps over the dog.", "The quick fox jumped over the lazy dog."),
    ("It is a guide to action which ensures that the military obeys", "It is a guide to action that the military heeds"),
    ("Nothing in common", "Wholly other words here"),
]


def score(use, output, expected, **options):
    scorer = build_scorer(ScorerSettings(name="s", use=use, options=options))
    return scorer.score(Sample(inputs={}, expected=expected, output=output), None)


@pytest.mark.parametrize(("output", "expected"), PAIRS)
@pytest.mark.parametrize("variant", ["rouge1", "rouge2", "rougeL", "rougeLsum"])
def test_english_rouge_is_that_of_the_library(output, expected, variant):
    for stem in (False, True):
        theirs = RougeScorer([variant], use_stemmer=stem).score(expected, output)[variant]
        assert score("rouge", output, expected, variant=variant, stem=stem).value == pytest.approx(theirs.fmeasure)
        assert score("rouge", output, expected, variant=variant, stem=stem, measure="recall").value == pytest.approx(
            theirs.recall
        )


@pytest.mark.parametrize(("output", "expected"), PAIRS)
def test_bleu_and_chrf_are_those_of_the_library(output, expected):
    assert score("bleu", output, expected).value == pytest.approx(sacrebleu.sentence_bleu(output, [expected]).score / 100)
    assert score("chrf", output, expected).value == pytest.approx(sacrebleu.sentence_chrf(output, [expected]).score / 100)
    two = sacrebleu.sentence_chrf(output, [expected], word_order=2).score / 100
    assert score("chrf", output, expected, word_order=2).value == pytest.approx(two)


@pytest.mark.parametrize(
    ("output", "expected", "value"),
    [
        ("Größe passt", "größe PASST", 1), ("посылка придёт завтра", "посылка придёт сегодня", 2 / 3), ("明天到货", "明天发货", 3 / 4),
        ("สินค้า", "สินค้า", 1), ("한국어 단어", "한국어 문장", 1 / 2), ("cafe\u0301", "caf\u00e9", 1),
    ],
)  # fmt: skip
def test_rouge_knows_words_of_every_language(output, expected, value):
    assert score("rouge", output, expected, variant="rouge1").value == pytest.approx(value)


def test_of_several_references_the_best_counts():
    assert score("edit_similarity", "grey", ["blue", "gray", "grey"]).value == 1
    assert score("rouge", "two words", ["other text", "two words"]).value == 1


def test_a_threshold_makes_it_pass_or_fail():
    assert score("edit_similarity", "abcd", "abce", threshold=0.75).label == "pass"
    assert score("edit_similarity", "abcd", "abxy", threshold=0.75).label == "fail"
    declared = declaration(ScorerSettings(name="s", use="chrf", options={"threshold": 0.5}))
    assert (declared["scale"], declared["step"]) == ("binary", 1)


@pytest.mark.parametrize("use", ["edit_similarity", "rouge", "bleu", "chrf"])
@pytest.mark.parametrize("expected", ["", "  ", [], ["fine", ""], {"a": "b"}, "x" * 100_001])
def test_an_expected_value_that_cannot_be_compared_with_is_the_cases_fault(use, expected):
    found = score(use, "an output", expected)
    assert (found.state, found.label) == ("not_measured", "expected")


@pytest.mark.parametrize("use", ["edit_similarity", "rouge", "bleu", "chrf"])
def test_a_case_that_expects_nothing_does_not_apply(use):
    assert score(use, "an output", None).state == "not_applicable"


def test_a_field_of_the_output_is_compared_with_the_field_of_the_expected_value():
    assert score("edit_similarity", '{"title": "Hello"}', {"title": "Hello"}, field="title").value == 1
    assert score("edit_similarity", "Hello", {"title": "Hello"}, field="title").explanation == "the output is not JSON"


def test_a_long_output_against_a_long_text_is_not_compared_word_by_word():
    found = score("rouge", "word " * 19_000, "word " * 1_000)
    assert (found.value, found.label) == (0, "too long")
    found = score("rouge", "word", "word " * 3_000)
    assert (found.state, found.label) == ("not_measured", "expected")


def test_a_library_that_is_missing_is_named_with_the_way_to_get_it():
    with pytest.raises(LlmopsError) as caught:
        extra_module("llmops_git_has_no_such_module", "rapidfuzz")
    assert "needs the package rapidfuzz" in caught.value.message
    assert caught.value.hint == 'pip install "llmops-git[scorers]"'


def test_no_library_of_the_extra_is_imported_before_a_scorer_needs_it():
    code = (
        "import sys\n"
        "from llmops_git.configs.values import ScorerSettings\n"
        "from llmops_git.scorers.table import build_scorer\n"
        "for use, options in [('length', {'max': 1}), ('refusal', {}), ('xml', {}), ('tool_calls', {}), ('json_valid', {})]:\n"
        "    build_scorer(ScorerSettings(name='s', use=use, options=options))\n"
        "print(sorted({'rapidfuzz', 'rouge_score', 'nltk', 'sacrebleu', 'sqlglot', 'numpy', 'jsonschema'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_the_texts_of_a_long_run_are_not_all_kept_in_memory():
    scorer = build_scorer(ScorerSettings(name="s", use="bleu"))
    for number in range(400):
        scorer.score(Sample(inputs={}, expected=f"expected {number}", output=f"output {number}"), None)
    for tokenizer in (Tokenizer13a, TokenizerRegexp):
        assert tokenizer.__call__.cache_info().currsize < 300


@pytest.mark.parametrize(
    ("use", "module", "package"),
    [
        ("edit_similarity", "rapidfuzz.distance", "rapidfuzz"), ("rouge", "rouge_score.rouge_scorer", "rouge-score"),
        ("bleu", "sacrebleu.metrics", "sacrebleu"), ("chrf", "sacrebleu.metrics", "sacrebleu"), ("sql", "sqlglot", "sqlglot"),
    ],
)  # fmt: skip
def test_without_the_extra_a_scorer_says_what_to_install(use, module, package, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(LlmopsError) as caught:
        build_scorer(ScorerSettings(name="s", use=use))
    assert caught.value.message.startswith(f"scorer `s`: this scorer needs the package {package}, which is not installed")
    assert caught.value.hint == 'pip install "llmops-git[scorers]"'
