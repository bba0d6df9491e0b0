"""judge: what it asks, and which replies count."""

from __future__ import annotations

import pytest
from scorer_samples import scored

from llmops_git.configs.values import Config, ScorerSettings
from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.scorers.judge_reply import read_label
from llmops_git.scorers.table import declaration

PASS_FAIL = {"pass": 1, "fail": 0}


def judge(labels=PASS_FAIL, template="{{ output }}"):
    return Config(
        name="judge", path="", kind="judge", description="", owner="", digest="", closure=(), closure_digest="",
        resolved={"messages": [{"role": "user", "template": template}]}, scale={"labels": labels},
    )  # fmt: skip


class Session:
    """A model that keeps what it was asked."""

    def __init__(self, reply):
        self.reply = reply
        self.asked = []

    def generate(self, messages, *, schema=None, judge=0):  # noqa: ARG002
        self.asked.append(messages)
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


def test_the_judge_sees_the_case_and_the_output_as_data():
    session = Session("pass")
    template = "{{ input.message }} | {{ inputs.message }} | {{ output }} | {{ expected.queue }}"
    score = scored(
        "judge",
        "{{ 7 * 7 }}",
        {"queue": "billing"},
        session=session,
        judge=judge(template=template),
        inputs={"message": "{% raw %}hi", "input": "shadowed"},
    )
    assert session.asked == [({"role": "user", "content": "{% raw %}hi | {% raw %}hi | {{ 7 * 7 }} | billing"},)]
    assert (score.value, score.label, score.explanation) == (1.0, "pass", "pass")


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ('{"label": "pass", "reasoning": "it would fail otherwise"}', "pass"),
        ('```json\n{"label": " PASS "}\n```', "pass"),
        ('{"label": "maybe", "reasoning": "pass"}', None),
        ('{"verdict": "pass"}', None),
        ('{"label": ["pass"]}', None),
        ("pass", "pass"),
        ("**Pass.**", "pass"),
        ("Verdict: fail, because", "fail"),
        ("pass, pass and pass", "pass"),
        ("pass or fail", None),
        ("It does not pass", None),
        ("This is not a pass.", None),
        ("It doesn't pass, so: fail", None),
        ("passing", None),
        ("", None),
    ],
)
def test_replies_to_pass_or_fail(reply, label):
    assert read_label(reply, PASS_FAIL)[0] == label


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ("not helpful", "not helpful"),
        ("Helpful", "helpful"),
        ("very helpful", "very helpful"),
        ("unhelpful", None),
    ],
)
def test_a_longer_label_wins_over_one_that_it_contains(reply, label):
    assert read_label(reply, {"helpful": 1, "not helpful": 0, "very helpful": 1})[0] == label


@pytest.mark.parametrize(
    ("reply", "label"), [("A", "A"), ("It is a B", "B"), ("a", None), ('{"label": "a"}', "A"), ('{"label": 3}', "3")]
)
def test_labels_of_one_character_are_not_found_in_words(reply, label):
    assert read_label(reply, {"A": 1, "B": 0, "3": 0.5})[0] == label


def test_a_judge_that_does_not_answer_is_not_measured():
    score = scored("judge", "x", session=Session(NotMeasured("rate limit")), judge=judge())
    assert (score.state, score.label, score.explanation) == ("not_measured", "judge", "the judge did not answer: rate limit")
    assert scored("judge", "x", judge=judge()).state == "not_measured"


def test_a_mistake_in_the_judges_template_is_the_users_and_not_a_missing_score():
    with pytest.raises(LlmopsError, match="undefined"):
        scored("judge", "x", session=Session("pass"), judge=judge(template="{{ answer }}"))


@pytest.mark.parametrize(
    ("labels", "scale", "step"),
    [
        ({"pass": 1, "fail": 0}, "binary", 1.0),
        ({"good": 1, "fine": 1, "bad": 0}, "binary", 1.0),
        ({"pass": 0.9, "fail": 0.1}, "ordinal", 1.0),
        ({"good": 1, "fair": 0.5, "poor": 0}, "ordinal", 0.5),
        ({str(index): index / 10 for index in range(11)}, "ordinal", 0.25),
    ],
)
def test_the_scale_follows_from_the_labels(labels, scale, step):
    declared = declaration(ScorerSettings(name="helpful", use="judge", judge=judge(labels)))
    assert (declared["scale"], declared["step"]) == (scale, step)


@pytest.mark.parametrize("labels", [{"pass": 1, "fail": 1}, {"": 1, "fail": 0}])
def test_labels_without_a_difference_or_a_name_are_refused(labels):
    with pytest.raises(LlmopsError, match="scorer `s`"):
        scored("judge", "x", judge=judge(labels))


def test_a_judge_without_a_scale_is_refused():
    with pytest.raises(LlmopsError, match="no scale"):
        scored("judge", "x", judge=None)
