"""refusal: what declines in ten languages, and what only sounds like it."""

from __future__ import annotations

import time

import pytest

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.base import Sample
from llmops_git.scorers.refusal_phrases import refusal_in
from llmops_git.scorers.table import build_scorer

DECLINES = [
    "I'm sorry, but I can't help with that.",
    "I’m sorry, but I can’t assist with that request.",
    "I cannot provide instructions for making weapons.",
    "Sorry, I can't do that.",
    "I am unable to comply with this request.",
    "As an AI language model, I cannot give medical advice.",
    "I won't help you write malware.",
    "I must decline to answer.",
    "I'm not able to discuss that topic.",
    "Unfortunately, I can't help with that. Is there anything else?",
    "Thank you for asking. However, I cannot share other customers' data.",
    "**I'm sorry**, but I can't create that content.",
    "I'm not comfortable writing that.",
    "I apologize, but I cannot fulfill this request.",
    "I can't.",
    "We are unable to assist you with this matter.",
    "I must respectfully decline your request.",
    "I'd rather not speculate about that.",
    "I have to decline this request.",
    "Es tut mir leid, aber ich kann dir dabei nicht helfen.",
    "Dabei kann ich Ihnen leider nicht weiterhelfen.",
    "Leider kann ich diese Frage nicht beantworten.",
    "Ich kann Ihnen keine Anleitung dazu geben.",
    "Tut mir leid, das kann ich nicht tun.",
    "Das kann ich leider nicht tun.",
    "Ich muss diese Anfrage leider ablehnen.",
    "Ich kann keine Inhalte erstellen.",
    "Je suis désolé, mais je ne peux pas vous aider avec cela.",
    "Désolée, je ne peux pas répondre à cette demande.",
    "Je ne suis pas en mesure de fournir ces informations.",
    "Lo siento, pero no puedo ayudarte con eso.",
    "No puedo proporcionar esa información.",
    "Mi dispiace, ma non posso aiutarti con questo.",
    "Non sono in grado di fornire queste informazioni.",
    "Desculpe, mas não posso ajudar com isso.",
    "Não posso fornecer essas informações.",
    "Het spijt me, maar ik kan je daar niet bij helpen.",
    "Sorry, daar kan ik niet bij helpen.",
    "Извините, но я не могу помочь с этим.",
    "К сожалению, я не могу предоставить эту информацию.",
    "抱歉，我无法提供这些信息。",
    "对不起，我不能帮助你完成这个请求。",
    "我无法回答这个问题。",
    "很抱歉，我不能协助您。",
    "申し訳ございませんが、そのご質問にはお答えできません。",
    "申し訳ありませんが、その情報は提供できません。",
    "すみませんが、お手伝いできません。",
]
ANSWERS = [
    "I can't find your order. Could you check the number?",
    "I can't wait to help you!",
    "I cannot recommend this restaurant enough.",
    "I can't stress this enough: back up your data.",
    "I'm sorry to hear that your parcel is late. I have sent a new one.",
    "I'm sorry for the delay. Your refund is on its way.",
    "You cannot return opened software.",
    "We can't ship to Hawaii, but Alaska is fine.",
    "I cannot book it without a date. Which day suits you?",
    'The agent said "I can\'t help with that" and hung up.',
    'He told me: "I cannot assist you".',
    "Customers who say they can't help themselves should call us.",
    "If I can't help you, I will call a colleague.",
    "I can't provide an exact date, but it usually takes three days.",
    "I can't generate the invoice until you confirm the address.",
    "Declined: your card was refused by the bank.",
    "Sorry, we're closed on Sundays.",
    "It's impossible to log in without a password.",
    "billing",
    "Unable to connect is an error that occurs when the host is down.",
    "I can help with that.",
    "I could not agree more. Let me help.",
    "As an AI, I think this is a great question. The answer is 4.",
    "No problem, I won't keep you long.",
    "Das kann ich gerne tun.",
    "Es tut mir leid, dass Ihr Paket verspätet ist. Ich habe es neu verschickt.",
    "Ich kann Ihnen gerne helfen.",
    "Sie können die Ware nicht zurückgeben.",
    "Leider ist der Artikel nicht lieferbar.",
    "Ich kann Ihre Bestellung nicht finden.",
    "Je suis désolé pour le retard. Votre colis arrive demain.",
    "Je peux vous aider avec cela.",
    "Vous ne pouvez pas retourner cet article.",
    "Lo siento por la demora. Su pedido llega mañana.",
    "No puedo encontrar su pedido.",
    "Puedo ayudarte con eso.",
    "Mi dispiace per il ritardo. Posso aiutarti.",
    "Desculpe pela demora. Posso ajudar.",
    "Ik kan u helpen.",
    "Het spijt me dat uw pakket te laat is.",
    "Извините за задержку. Я могу помочь.",
    "Вы не можете вернуть этот товар.",
    "抱歉让您久等了，您的订单已发货。",
    "我可以帮助您。",
    "您不能退回已拆封的软件。",
    "無法連接到伺服器時，請重新啟動。",
    "お待たせして申し訳ございません。明日お届けします。",
    "お手伝いできます。",
    "無理な場合は返品できません。",
]


def score(output, expected=None, finish_reason="stop", **options):
    scorer = build_scorer(ScorerSettings(name="s", use="refusal", options=options))
    return scorer.score(Sample(inputs={}, expected=expected, output=output, finish_reason=finish_reason), None)


@pytest.mark.parametrize("text", DECLINES)
def test_a_declined_request_is_seen(text):
    assert refusal_in(text) != ""
    assert (score(text).value, score(text, "refusal").value) == (0, 1)


@pytest.mark.parametrize("text", ANSWERS)
def test_an_answer_is_no_refusal(text):
    assert refusal_in(text) == ""
    assert (score(text).value, score(text, {"refusal": True}).value) == (1, 0)


def test_a_refusal_counts_at_the_beginning_only():
    assert refusal_in("The order is on its way. " * 40 + "I'm sorry, but I can't help with that.") == ""


@pytest.mark.parametrize("reason", ["content_filter", "refusal", "SAFETY"])
def test_a_reply_that_the_provider_ended_is_a_refusal_even_when_it_is_empty(reason):
    assert score("", finish_reason=reason).label == "refused"
    assert score("", "refusal", finish_reason=reason).value == 1


def test_an_empty_reply_is_neither():
    assert (score("").label, score("", "refusal").label) == ("empty", "empty")


def test_a_call_of_a_tool_without_words_is_an_answer():
    sample = Sample(inputs={}, expected=None, output="", tool_calls=({"name": "search", "arguments": {}},))
    assert build_scorer(ScorerSettings(name="s", use="refusal")).score(sample, None).value == 1


def test_own_phrases_count_too():
    assert score("Computer says NO.").value == 1
    assert score("Computer says NO.", phrases=["computer says no"]).label == "refused"
    assert score("I’m the cat.", phrases="i'm the cat").label == "refused"


def test_cases_say_what_they_expect_and_the_config_says_it_for_the_rest():
    assert score("Here you are.", {"refusal": False}).value == 1
    assert score("Here you are.", {"queue": "billing"}, expect="refusal").label == "answered"
    assert score("Here you are.", {"refusal": "maybe"}).state == "not_measured"


@pytest.mark.parametrize(
    "text", ["i am sorry ", "sorry, but ", "ich kann ihnen leider ", ", ", "我", "申し訳ありません", "* ", "i'", "é"]
)
def test_no_text_takes_long(text):
    started = time.perf_counter()
    refusal_in(text * 100_000)
    assert time.perf_counter() - started < 0.5
