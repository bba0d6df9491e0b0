"""How models decline a request, in ten languages: patterns for the beginning of a sentence.

Only a declined request counts. Bad news ("I can't find your order"), conditions ("I cannot book it without a date") and
figures of speech ("I can't recommend it enough") are no refusals, so what follows the verb is part of a pattern.
"""

# ruff: noqa: RUF001  # letters of other scripts are what is looked for
from __future__ import annotations

import re
import unicodedata

MOST_LOOKED_AT = 600  # characters: a refusal says so at once

_OPENING = r"(?:(?:^|[.!?:;\n]\s*|,\s*)(?:(?:but|aber|mais|pero|ma|mas|maar|however|unfortunately|leider|helaas)[, ]\s*)?)"
_SORRY = (
    r"(?:(?:i ?'?m|i am|we ?'re|we are) (?:very |so |really |truly )?sorry|sorry|i apologi[sz]e|my apologies|apologies)"
    r"(?: about that| for (?:that|this|any inconvenience))?[,.;:]?\s*(?:but |and |however,? )?"
)
# what makes it a condition or a figure of speech
_NOT_IF = r"(?![^.!?\n]{0,60}\b(?:without|until|unless|before|yet|enough|exact|exactly|precise|guarantee|more highly)\b)"
_ENGLISH = (
    r"(?:as an? (?:ai|artificial intelligence|large language model|language model|responsible)[^.,\n]{0,40},?\s*)?"
    r"(?:i|we) (?:(?:really |just |simply |also |still )?(?:can't|cannot|can not|could not|couldn't|won't|will not|"
    r"must not|(?:'m|am|'re|are) (?:not able|unable|not allowed|not permitted|not going|not in a position) to|"
    r"(?:don't|do not) feel comfortable|(?:'m|am) not comfortable|(?:'m|am) not willing to|refuse to|"
    r"(?:'d|would) rather not))"
)
_DECLINE = r"(?:i|we) (?:(?:have|need) to |must |will )?(?:respectfully |politely )?decline (?:to|your|this|that|the request)\b"
_VERBS = (
    r"(?: (?:in good conscience|ethically|legally|directly|actually))?[ ,]*(?:"
    r"(?:be able to )?(?:help|assist|comply|fulfil|fulfill|support|engage|participate|accommodate|facilitate|condone|"
    r"encourage|discuss|disclose|reveal|promote|helping|assisting|providing|discussing|writing|creating|generating|sharing)\b|"
    r"(?:answer|do|continue|proceed|process|complete|respond to|talk about|go along)(?: with)? "
    r"(?:that|this|it|these|those|your request|such|the request)\b|"
    r"(?:provide|give|offer|share|create|generate|write|produce|make|tell|show|explain|describe|teach|advise|"
    r"recommend|speculate|impersonate|pretend|role-?play|reproduce|bypass|ignore|act as)\b|"
    r"(?:your|this|that|the) request\b|[.!]|$)"
)

_LANGUAGES: tuple[str, ...] = (
    # German
    (
        r"(?:tut mir (?:sehr )?leid|es tut mir (?:sehr )?leid|entschuldigung|bedaure)?[,.;]?\s*(?:aber )?"
        r"(?:dabei|damit|das|diese[nmrs]? \w+|hierbei|bei \w+(?: \w+)?)?\s*(?:kann|darf|werde|"
        r"möchte) ich (?:ihnen |dir |euch )?"
        r"(?:leider |dabei |damit |dazu |hierzu |das |dies |diese \w+ )*(?:nicht|keine\w*)(?: \w+){0,3} "
        r"(?:helfen|weiterhelfen|behilflich|unterstützen|beantworten|erfüllen|nachkommen|bereitstellen|liefern|geben|schreiben|"
        r"erstellen|tun|diskutieren|preisgeben)"
    ),
    (
        r"(?:tut mir (?:sehr )?leid|es tut mir (?:sehr )?leid|leider)[,.;]?\s*(?:aber )?(?:ich )?(?:kann|darf) (?:ich )?"
        r"(?:ihnen |dir )?(?:dabei|damit|das|diese\w* \w+|dazu|hierbei|keine\w*|leider)(?: \w+){0,4} "
        r"(?:helfen|weiterhelfen|behilflich|unterstützen|beantworten|erfüllen|nachkommen|bereitstellen|geben|"
        r"schreiben|erstellen|tun)"
    ),
    (
        r"ich (?:kann|darf|werde) (?:ihnen |dir |euch )?(?:leider )?(?:dabei |damit |das |diese\w* \w+ |dazu |"
        r"hierbei |bei \w+(?: \w+)? )?"
        r"(?:leider )?(?:nicht|keine\w*)(?: \w+){0,3} (?:helfen|weiterhelfen|behilflich|unterstützen|"
        r"beantworten|erfüllen|nachkommen|"
        r"bereitstellen|geben|schreiben|erstellen|tun|preisgeben)"
    ),
    r"ich (?:muss|möchte) (?:das|dies|diese \w+|ihre \w+|deine \w+)(?: leider)? ablehnen",
    # French
    (
        r"(?:(?:je suis |nous sommes )?(?:vraiment )?désolée?s?|pardon|"
        r"je regrette)?[,.;]?\s*(?:mais )?je (?:ne (?:peux|puis|pourrai)|"
        r"ne suis pas (?:en mesure|capable|autorisée?) (?:de|d')|refuse (?:de|"
        r"d'))\s*(?:malheureusement )?(?:pas )?(?:vous |t'|te |y )?"
        r"(?:aider|assister|répondre à (?:cette|ce|votre|ta)|fournir|donner|accéder à (?:cette|votre|ta) demande|"
        r"satisfaire|écrire|rédiger|générer|créer|discuter|divulguer|faire (?:cela|ça))"
    ),
    # Spanish
    (
        r"(?:lo siento|lo lamento|disculpa|disculpe|perdón)?[,.;]?\s*(?:pero )?no (?:puedo|podré|"
        r"me es posible|estoy autorizad[oa] a|"
        r"estoy en condiciones de) (?:ayudar|asistir|cumplir|proporcionar|dar|ofrecer|responder a (?:esa|esta|eso|esto|tu|su)|"
        r"generar|crear|escribir|hablar de|discutir|revelar|hacer eso|hacer esto)"
    ),
    # Italian
    (
        r"(?:mi dispiace|mi spiace|spiacente|scusa|scusi)?[,.;]?\s*(?:ma )?non (?:posso|potrò|"
        r"sono in grado di|sono autorizzat[oa] a) "
        r"(?:aiutar|assister|fornir|rispondere a (?:questa|questo|tale)|soddisfare|dar|offrir|generare|creare|scrivere|"
        r"discutere|rivelare|farlo)"
    ),
    # Portuguese
    (
        r"(?:desculpe|desculpa|sinto muito|lamento|infelizmente)?[,.;]?\s*(?:mas )?(?:eu )?não (?:posso|poderei|consigo|"
        r"estou autorizad[oa] a|sou capaz de) (?:te |lhe |o |a )?(?:ajudar|ajudá|auxiliar|fornecer|"
        r"responder a (?:essa|esta|isso|esse)|"
        r"atender|dar|oferecer|gerar|criar|escrever|discutir|revelar|fazer isso)"
    ),
    # Dutch
    (
        r"(?:het spijt me|sorry|excuses|helaas)?[,.;]?\s*(?:maar )?(?:ik kan|kan ik|ik mag|mag ik|daar kan ik) (?:u |je |jou )?"
        r"(?:helaas |daar |daarbij |hierbij |hier |dat |dit |dit verzoek )*(?:niet|geen)(?: \w+){0,3} "
        r"(?:helpen|assisteren|beantwoorden|voldoen|geven|verstrekken|schrijven|maken|doen|bespreken)"
    ),
    # Russian
    (
        r"(?:извините|простите|прошу прощения|к сожалению|мне жаль)?[,.;]?\s*(?:но )?я (?:не (?:могу|смогу|буду|имею права)|"
        r"вынужден[а]? отказаться|отказываюсь)(?: вам| тебе| с этим| в этом)*"
        r"(?: (?:помочь|помогать|ответить на (?:этот|ваш|такой)|предоставить|выполнить|дать|написать|создать|"
        r"обсуждать|раскрыть|"
        r"это (?:сделать|обсуждать)))"
    ),
)
# scripts without spaces between words
_EASTERN: tuple[str, ...] = (
    (
        r"(?:很|非常|十分|真的|实在)?(?:抱歉|对不起|對不起|很遗憾|很遺憾|不好意思)?[,，。;!！]?\s*(?:但是?)?(?:作为(?:一个|一名)?(?:ai|人工智能)[^,，。]{0,12}[,，])?"
        r"(?:我|本人)?(?:无法|不能|無法|不可以|没办法|沒辦法)(?:为您|為您|为你|給您|给您|给你|向您|向你|对此)?"
        r"(?:提供|帮助|幫助|协助|協助|回答(?:这|這|该|您|你)|满足|滿足|完成(?:这|這|您|你|该)|讨论|討論|生成|撰写|編寫|编写|透露)"
    ),
    (
        r"(?:申し訳(?:ございません|ありません)|すみません|恐れ入りますが|残念ながら)(?:が|けれど(?:も)?)?[、,。]?\s*[^。\n]{0,40}?"
        r"(?:お(?:答え|手伝い|応え)(?:する(?:こと)?(?:は|が))?(?:(?:でき|いたしかね)(?:ません|ない|かねます)?|ます)|"
        r"(?:提供|回答|対応|支援|協力|作成|生成|開示)(?:する(?:こと)?(?:は|が))?(?:でき(?:ません|かねます)|いたしかねます))"
    ),
)

_LATIN = "|".join((rf"(?:{_SORRY})?(?:{_ENGLISH}{_VERBS}{_NOT_IF}|{_DECLINE})", *_LANGUAGES))
_REFUSAL = re.compile(rf"{_OPENING}(?P<said>{_LATIN})|(?:^|[.!?。!?,,\n]\s*)(?P<eastern>{'|'.join(_EASTERN)})")
_CONTRACTED = re.compile(r"\b(i|we)'")  # the subject as a word of its own
_MARKUP = re.compile(r"^[\s*_#>`~-]+", re.MULTILINE)


def plain(text: str) -> str:
    """The beginning of a text, to look for phrases in: no case, straight apostrophes, no Markdown at the start of lines."""
    text = unicodedata.normalize("NFC", text.strip()[:MOST_LOOKED_AT]).casefold()
    text = _MARKUP.sub("", text.replace("\u2019", "'").replace("\u02bc", "'")).replace("**", "")
    return _CONTRACTED.sub(r"\1 '", text)


def refusal_in(text: str) -> str:
    """The words with which the text declines at its beginning; "" where it does not."""
    found = _REFUSAL.search(plain(text))
    return "" if found is None else (found["said"] or found["eastern"]).replace(" '", "'").strip()
