"""Label files and the sample that people see: what is written is read back, and what is drawn depends on nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.errors import InvalidInput
from llmops_git.evals.people.labels import Drawn, Label, consensus, file_name, label_line, latest, parse_labels, text_digest
from llmops_git.evals.people.sampling import Standing, draw, stratum_of

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
strata = st.dictionaries(words, st.sampled_from(["flipped", "close", "disputed", "other"]), min_size=1, max_size=60)


def label(**changed):
    fields = {"config": "a", "case": "c", "scorer": "s", "output": text_digest("x"), "label": "pass", "who": "Ann",
              "when": "2026-01-01T00:00:00Z"}  # fmt: skip
    return Label(**{**fields, **changed})


@given(words, words, words, words, st.sampled_from([0, 1, 2]))
def test_what_is_written_is_read_back_whatever_the_texts(case, said, who, note, shown):
    made = label(case=case, label=said, who=who, note=note, shown=shown, drawn=Drawn(sample="x", stratum="close", of=3))
    line = label_line(made)
    assert 1 == len(line.splitlines())
    assert [made] == parse_labels(line.encode(), "a.jsonl")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[]", "is not an object"),
        ('{"format": "llmops-git/label/2"}', "is not in the format"),
        (label_line(label()).replace('"case"', '"kase"'), "unknown key `kase`"),
        (label_line(label()).replace("sha256:", "sha1:"), "`output` must be"),
        (label_line(label(when="yesterday")), "`when` must be"),
        (label_line(label(who="")), "`who` is missing"),
        (label_line(label(drawn=Drawn(sample="x", stratum="mine", of=1))), "`drawn.stratum` must be"),
        (label_line(label(drawn=Drawn(sample="x", stratum="close", of=0))), "`drawn.of` must be"),
    ],
)
def test_a_line_that_is_no_label_is_named(line, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        parse_labels(f"\n{line}".encode(), "a.jsonl")
    assert 2 == caught.value.problems[0].line


def test_the_last_word_of_each_person_counts():
    first, second = label(label="fail"), label(label="pass", when="2026-01-02T00:00:00Z")
    assert [second] == latest([second, first])
    assert ["fail", "pass"] == [one.label for one in latest([first, label(who="Bo")])]
    assert consensus([first, second]) is None
    assert consensus([first, second, second]) == second


@pytest.mark.parametrize(
    ("who", "name"), [("Ann B <a@b.c>", "x-ann-b.jsonl"), ("<a@b.c>", "x-someone.jsonl"), ("../../etc", "x-etc.jsonl")]
)
def test_no_name_of_a_person_leads_out_of_the_folder(who, name):
    assert name == file_name("x", who)


@given(strata, st.integers(1, 80))
def test_a_sample_has_the_size_that_was_asked_for_and_no_case_twice(strata, count):
    found = draw(strata, count, seed="s")
    assert min(count, len(strata)) == len({case for case, _ in found}) == len(found)
    members = list(strata.values())
    assert all((strata[case], members.count(drawn.stratum)) == (drawn.stratum, drawn.of) for case, drawn in found)
    turned = dict(reversed(strata.items()))
    assert found == draw(turned, count, seed="s")


def test_another_run_draws_another_sample():
    cases = {f"c{number}": "other" for number in range(100)}
    assert {case for case, _ in draw(cases, 20, seed="a")} != {case for case, _ in draw(cases, 20, seed="b")}


@pytest.mark.parametrize(
    ("base", "head", "others", "stratum"),
    [
        (0.0, 1.0, (), "flipped"),
        (0.6, 0.6, (), "close"),
        (1.0, 1.0, ((1.0, 0.0),), "disputed"),
        (1.0, 1.0, ((1.0, 1.0),), "other"),
        (None, 0.0, ((None, 1.0),), "disputed"),
    ],
)
def test_a_case_is_what_its_scores_say(base, head, others, stratum):
    assert stratum == stratum_of(Standing(case="c", base=base, head=head, others=others), 0.5)
