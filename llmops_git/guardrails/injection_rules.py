"""What tries to take over a model, by family. Rules of our own, written from how such texts work; what they catch and miss is
measured by suites, and not promised here. Harmful requests that are plainly asked are none of their business.

Rules that are not `raw` see the text folded: lower case, no invisible characters, single blanks. Every rule is bounded at every
place where it can begin.
"""

from __future__ import annotations

from dataclasses import dataclass

_GAP = r"[^.!?]{0,60}"
_NEAR = r"[^.!?]{0,30}"
_RULES = (
    r"(?:instructions?|prompts?|rules?|guidelines?|directives?|directions|restrictions?|constraints?|polic(?:y|ies)"
    r"|safeguards?|filters?|programming|training|limitations?|commands?|protocols?|safety (?:measures|settings))"
)
_EARLIER = (
    r"(?:all|any|every(?:thing)?|your|previous(?:ly)?|prior|above|earlier|preceding|initial|original|existing|current"
    r"|system|openai(?:'s)?|these|those|the)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectionRule:
    """One rule. `raw`: it looks at the text as it is."""

    family: str
    name: str
    pattern: str
    raw: bool = False


def _any(*patterns: str) -> str:
    return "(?:" + "|".join(patterns) + ")"


RULES: tuple[InjectionRule, ...] = (
    InjectionRule(family="override", name="disregard", pattern=_any(
        rf"\b(?:ignore|disregard|forget|override|bypass|neglect|dismiss|overrule|stop (?:following|obeying)"
        rf"|pay no attention to|(?:do not|don't|never) (?:follow|obey|comply with"
        rf"|adhere to))\b{_NEAR}\b{_EARLIER}\b{_NEAR}\b{_RULES}\b",
        r"\b(?:ignore|disregard|forget)\b[^.!?]{0,20}\b(?:everything|all|anything|whatever)\b[^.!?]{0,30}\b(?:above|before"
        r"|previous(?:ly)?|earlier|prior|said|told|learned|so far)\b",
    )),
    InjectionRule(family="override", name="replace", pattern=_any(
        rf"\b(?:your|here are (?:your|the)|the following are your) (?:new|real|actual|true|updated) {_RULES}\b",
        r"\bnew (?:system )?(?:instructions?|prompt|rules?|directives?)\s{0,2}[:=]",
        r"\b(?:from now on|henceforth|from this (?:point|moment) (?:on|forward))\b[^.!?]{0,40}\byou (?:will|are|must"
        r"|should|shall|have to|only|can)\b",
        r"\b(?:i am|i'm|this is|speaking as) (?:your|the|an?) (?:developer|creator|administrator|admin|operator"
        r"|openai (?:engineer|developer|employee)|system administrator)\b",
        rf"\b(?:these|this|my|the following) {_RULES} (?:override|overrides|supersede|supersedes|replace|replaces"
        rf"|take precedence|takes precedence)\b",
    )),
    InjectionRule(family="override", name="other languages", pattern=_any(
        r"\b(?:ignorier(?:e|en sie|t)?|vergiss|vergessen sie|missachte)\b[^.!?]{0,60}\b(?:anweisung(?:en)?|vorgaben|regeln"
        r"|instruktionen|befehle)\b",
        r"\b(?:ignorez?|oubliez?|ne (?:suis|suivez) pas)\b[^.!?]{0,60}\b(?:instructions|consignes|règles|directives)\b",
        r"\b(?:ignora(?:r|d)?|olvida(?:r|d)?|omite)\b[^.!?]{0,60}\b(?:instrucciones|reglas|indicaciones|órdenes)\b",
        r"\b(?:ignore|esqueça|desconsidere)\b[^.!?]{0,60}\b(?:instruções|regras|orientações)\b",
        r"\b(?:ignora(?:re)?|dimentica(?:re)?)\b[^.!?]{0,60}\b(?:istruzioni|regole|direttive)\b",
        r"\b(?:negeer|vergeet)\b[^.!?]{0,60}\b(?:instructies|regels|opdrachten)\b",
        r"\b(?:игнорируй(?:те)?|забудь(?:те)?)[^.!?]{0,60}(?:инструкции|правила|указания)",
        r"(?:忽略|无视|忘记)[^。\uff01\uff1f]{0,20}(?:指令|指示|提示|规则|说明)",
        r"(?:指示|命令|ルール|プロンプト)(?:を|は)(?:すべて|全て)?(?:無視|忘れ)",
    )),
    InjectionRule(family="role-play", name="persona", raw=True, pattern=_any(
        r"\bDAN\b(?! (?:Brown|Smith|Diego))",
        r"\b(?:STAN|DUDE|AntiDAN|ChadGPT|BetterDAN|EvilBOT|JailBreak|NRAF|Mongo Tom|AntiGPT"
        r"|BasedGPT)\b[^.!?\n]{0,80}\b(?:mode|stands for|you|will|acts?|as)\b",
    )),
    InjectionRule(family="role-play", name="mode", pattern=_any(
        r"\bdo anything now\b",
        r"\b(?:developer|dev|god|debug|sudo|jailbreak|opposite|unrestricted|unfiltered|evil|dan|admin"
        r"|maintenance) mode (?:enabled|activated|on|output|is now|engaged|unlocked)\b",
        r"\b(?:enable|enter|activate|switch (?:in)?to|simulate|turn on|unlock)\b[^.!?]{0,40}\b(?:developer|dev|god|debug"
        r"|sudo|jailbreak|opposite|unrestricted|unfiltered|dan|admin) mode\b",
        r"\b(?:jailbroken|stay in character|remain in character|stay a dan|break(?:ing)? character|broken character)\b",
        r"\[?🔓 ?jailbreak",
        r"\btokens? (?:will be|are) (?:deducted|subtracted|taken)\b",
        r"\byou (?:start with|have|will have|lose) \d+ (?:tokens|points|credits)\b",
    )),
    InjectionRule(family="role-play", name="unbound", pattern=_any(
        r"\b(?:without|no|free (?:of|from)|not (?:bound|limited|restricted|constrained) by|unbound by|lacks?|devoid of"
        r"|does not have|doesn't have|disregards?|regardless of|despite)\b[^.!?]{0,40}\b(?:ethic(?:s|al)?|moral(?:s|ity)?"
        r"|censorship|restrictions?|content polic(?:y|ies)|filters?|legal|openai)\b[^.!?]{0,30}\b(?:guidelines?"
        r"|constraints?|restrictions?|principles?|limitations?|boundar(?:y|ies)|polic(?:y|ies)|rules?|considerations?"
        r"|concerns?|whatsoever|filters?|implications?|consequences?)\b",
        r"\b(?:you are|you're|be|being|become|act(?:ing)? as|pretend(?:ing)? to be|named|called"
        r"|as)\b[^.!?]{0,40}\b(?:unfiltered|uncensored|unrestricted|amoral|immoral|unethical|unlimited|limitless"
        r"|jailbroken)\b",
        r"\b(?:amoral|unfiltered|uncensored|unrestricted|unethical)\b[^.!?]{0,30}\b(?:ai|chatbot|assistant|bot|character"
        r"|response|persona|gpt|model|language model|computer)\b",
        r"\b(?:never|cannot|can't|must not|will not|won't|unable to|not allowed to)\b[^.!?]{0,25}\b(?:refuse|decline"
        r"|reject|deny|say no)\b[^.!?]{0,40}\b(?:request|question|anything|order|answer|prompt|command|task|instruction"
        r"|what|any|to)",
        r"\b(?:broken? free|freed?|liberated|escaped?)\b[^.!?]{0,30}\b(?:confines|chains|limits|limitations|shackles"
        r"|restrictions|constraints)\b",
        r"\b(?:does not|doesn't|do not|don't|no longer|not)\b[^.!?]{0,15}\b(?:have to |need to )?(?:abide|adhere|comply"
        r"|conform|follow|obey|be bound)\b[^.!?]{0,30}\b(?:rules?|guidelines?|polic(?:y|ies)|restrictions?|laws?|openai"
        r"|ethic)",
        rf"\b(?:pretend|act|behave|role-?play|imagine|simulate|play)\b{_GAP}\b(?:no|without|free of|free from|not bound by"
        rf"|ignores?|breaks?|bypass(?:es)?)\b[^.!?]{{0,30}}\b(?:rules|restrictions|limits|limitations|filters|guidelines"
        rf"|ethics|morals|censorship|policies)\b",
        r"\b(?:bypass|circumvent|evade|violate|get around|against|ignore"
        r"|break)\b[^.!?]{0,40}\bopenai(?:'s)?\b[^.!?]{0,40}\b(?:polic(?:y|ies)|guidelines?|rules?|restrictions?|filters?"
        r"|terms)\b",
        r"\b(?:illegal|harmful|unethical|immoral|inappropriate|offensive|dangerous|explicit)\b[^.!?]{0,60}\b(?:is"
        r"|are) (?:allowed|permitted|fine|ok(?:ay)?|acceptable|encouraged|legal (?:here|in this))\b",
        r"\b(?:answer|respond|reply|responses?|give)\b[^.!?]{0,30}\b(?:two|2) (?:different |distinct |separate )?(?:ways"
        r"|responses|answers|replies|outputs|paragraphs)\b[^.!?]{0,120}\b(?:normal|standard|classic|chatgpt|gpt|dan"
        r"|first)\b",
        r"\b(?:no|without|don't (?:add|give|include)|do not (?:add|give|include)|never (?:add|give|include"
        r"|use))\b[^.!?]{0,25}\b(?:disclaimers?|warnings?|moral lectures?|moralizing|ethical (?:advice|warnings?"
        r"|disclaimers?))\b[^.!?]{0,60}\b(?:illegal|harmful|unethical|anything)\b",
    )),
    InjectionRule(family="prompt-extraction", name="ask", pattern=_any(
        rf"\b(?:reveal|show|print|repeat|output|display|tell|give|share|write|recite|return|leak|dump|list|disclose"
        rf"|summari[sz]e|translate|encode|provide|copy|paste|describe|expose|state|reproduce|replicate|spell out"
        rf"|what (?:is|are|was|were|does)|know|see|read|view|access)\b{_GAP}\b(?:system|initial|hidden|secret|internal"
        rf"|developer|confidential|pre-?|original|starting|base|foundational|your|chatgpt(?:'s)?|gpt(?:'s)?) ?(?:prompts?"
        rf"|instructions?|system message|system prompt|pre-?prompt|directives|configuration|(?:initiali[sz]ation"
        rf"|setup) (?:text|string|message))\b",
        r"\b(?:instructions?|prompt|rules|guidelines|directives|message)\b[^.!?]{0,20}\b(?:(?:that )?(?:were|was|have been"
        r"|has been) (?:given|provided|fed|shown|sent) to you|you (?:were|have been|got|had been|received|are) (?:given"
        r"|told|programmed with|provided with|fed)|(?:were|was|have|had) you (?:been )?(?:given|told|fed|programmed with)"
        r"|you (?:were|are) (?:following|initiali[sz]ed with))\b",
        r"\b(?:i was instructed to|(?:my|your) (?:initial |system |original |hidden )?instructions (?:are|were)|(?:the|my"
        r"|your) system ?prompt (?:is|was|says|reads|starts|begins)|system ?prompt\b[^.!?\w]{0,4}$)",
        r"\b(?:are|were) you not (?:supposed|allowed|permitted) to (?:tell|say|reveal|share|disclose|mention)\b",
        r"\b(?:text|message|prompt|instructions?|context) you (?:were|have been|got|received|are) (?:given|told|sent|shown"
        r"|initially|first)\b",
        r"\b(?:initiali[sz]ation (?:string|text|prompt|message)|(?:opposite|inverse|synonyms?|first (?:word|letter|line"
        r"|sentence)s?) of (?:your|the) (?:system |initial )?(?:instructions|prompt))\b",
        r"\bhow (?:were|are|have) you (?:been )?(?:prompted|instructed|configured|initiali[sz]ed|set up)\b",
        r"\bwhat (?:were|are) you (?:told|instructed|programmed) (?:to|not to|before|by|at the (?:start|beginning))\b",
    )),
    InjectionRule(family="prompt-extraction", name="above", pattern=_any(
        r"\b(?:repeat|print|output|copy|paste|show|write|return|recite|say|reproduce|echo|tell me|give me|put|type"
        r"|reply with|respond with|what (?:is|was|were|are|does)|summari[sz]e|translate|spell.?check"
        r"|convert)\b[^.!?]{0,60}\b(?:text|words?|everything|all|sentences?|lines?|contents?|conversation|paragraphs?"
        r"|messages?|above|instructions?|documents?|chat|context)\b[^.!?]{0,30}\b(?:above|before (?:this|my|the first)"
        r"|preceding|prior to|earlier in (?:this|our)|at the (?:top|beginning|start) of (?:this|our|the) (?:prompt"
        r"|conversation|chat|context|document))\b",
        r"\b(?:start(?:ing|s)?|begin(?:ning|s)?)\b[^.!?]{0,20}\b(?:with|from|at)\b[^.!?]{0,15}[\"'“\u2018`]?you are\b",
        r"\bverbatim\b[^.!?]{0,60}\b(?:prompt|instructions?|above|message|context|code ?block)\b",
        r"\b(?:instructions?|prompt|context|above|everything)\b[^.!?]{0,60}\b(?:verbatim|word for word|in (?:a"
        r"|one) (?:txt |text |markdown )?code ?block)\b",
        r"\b(?:repeat|print|output|copy|recite|encode|reverse|rewrite|reproduce|echo)\b[^.!?]{0,15}\bthe above (?:text"
        r"|words?|message|prompt|conversation|instructions?)\b",
    )),
    InjectionRule(family="encoded", name="decode and follow", pattern=_any(
        r"\b(?:decode|decrypt|decipher|un-?scramble|translate)\b[^.!?]{0,60}\b(?:base ?64|rot ?13|hex(?:adecimal)?|morse"
        r"|caesar|binary|ascii|leet(?:speak)?|cipher)\b[^.!?]{0,80}\b(?:follow|execute|do|obey|run|answer|comply|perform"
        r"|carry out|respond|act)\b",
        r"\b(?:vtaber|qvfertneq)\b|\b(?:vafgehpgvba|cerivbhf|flfgrz cebzcg)",  # `ignore`, `instruction` and so on in ROT13
        r"(?<![^\W_])(?:[^\W\d_][ .*_|~-]){11,80}[^\W\d_](?![^\W_])",  # l e t t e r by l e t t e r
        r"(?<![.-])(?:[.-]{1,6}[ /]{1,3}){14,400}[.-]{1,6}",  # Morse code
    )),
    InjectionRule(family="encoded", name="bytes", raw=True, pattern=_any(
        r"(?:\\x[0-9a-fA-F]{2}){10,2000}", r"(?:\\u00[0-9a-fA-F]{2}){10,2000}", r"(?:&#x?[0-9a-fA-F]{2,4};){8,2000}",
        r"(?:%[2-7][0-9a-fA-F]){12,2000}", r"(?:\b[01]{8}\b\s?){8,2000}", "[\U000e0020-\U000e007e]{4,4000}",
    )),
    InjectionRule(family="markup", name="chat template", raw=True, pattern=_any(
        r"(?i)<\|(?:im_start|im_end|im_sep|system|user|assistant|endoftext|endofprompt|begin_of_text|end_of_text"
        r"|start_header_id|end_header_id|eot_id|eom_id|start|end|message|channel|fim_\w{3,10})\|?>",
        r"(?i)\[/?(?:INST|SYS|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS)\]|<</?SYS>>|<(?:start|end)_of_turn>|<\uff5c(?:User"
        r"|Assistant|System)\uff5c>",
        r"(?i)[\"']role[\"']\s{0,5}:\s{0,5}[\"'](?:system|developer|assistant)[\"']",
        r"(?:^|\n)\s{0,4}(?:Human|Assistant|SYSTEM|System (?:prompt|message|note)|AI"
        r"|Developer)\s?:[^\n]{0,2000}\n\s{0,4}(?:Human|User|Assistant|SYSTEM|AI)\s?:",
        r"(?i)(?:^|\n)\s{0,4}#{2,6}\s?(?:system|instructions?|assistant|new instructions?|response|admin)(?: prompt"
        r"| message| override)?\s?:",
    )),
    InjectionRule(family="markup", name="delimiters", pattern=_any(
        r"</?\s?(?:system|assistant|developer|instructions?|system[_-](?:prompt|message|instructions?)|user[_-](?:input"
        r"|query|message)|admin|prompt|context|untrusted[_-]\w{1,20})\s?>",
        r"[-=*#\[<({]{2,20}\s?(?:end|stop|close) (?:of )?(?:the )?(?:user |untrusted )?(?:input|prompt|context|documents?"
        r"|data|query|message|instructions?|conversation)\s?[-=*#\]>)}]{2,20}",
        r"[*#\[<({]{1,20}\s?(?:begin |start )?(?:system|admin(?:istrator)?|developer|root|override)(?: (?:message|prompt"
        r"|note|override|instructions?|command|alert|update))?\s?(?:#\w{1,20})?\s?[\])}>=*#-]{1,20}(?=\s?[:(\w])",
    )),
    InjectionRule(family="exfiltration", name="links", raw=True, pattern=_any(
        r"(?i)!\[[^\]\n]{0,200}\]\(\s{0,3}<?https?://[^)\s]{1,500}[?&](?:q|query|data|d|s|secrets?|c|content|text|msg"
        r"|message|prompt|payload|info|leak|exfil|token|key|chat|history|conversation|p|x|b64|context|log)=",
        r"(?i)!?\[[^\]\n]{0,200}\]\(\s{0,3}<?https?://[^)\s]{0,500}[{\[<$%](?:[^)\s]{0,3})[a-z_ ]{3,60}[}\]>%]",
        r"(?i)<img[^>]{0,300}src\s?=\s?[\"']?https?://[^\"'\s>]{1,500}[?&]\w{1,30}=",
        r"(?i)\]\(\s{0,3}<?(?:javascript|data:text/html|vbscript):",
    )),
    InjectionRule(family="exfiltration", name="send", pattern=_any(
        r"\b(?:send|post|upload|e-?mail|forward|exfiltrate|transmit|leak|submit|append|embed|encode"
        r"|smuggle)\b[^.!?]{0,80}\b(?:conversation|chat (?:history|log)|history|system prompt|prompt|api keys?|passwords?"
        r"|credentials|secrets?|user(?:'s)? (?:data|messages?|information)|private (?:data|information)|contents?"
        r"|personal (?:data|information)|emails?)\b[^!?]{0,60}?\b(?:to|at|into|in|via|as)\b[^!?]{0,30}?(?:https?://"
        r"|\b(?:the |this |my |a )?(?:url|webhook|endpoint|server|link|query (?:string|parameter))\b"
        r"|[\w.+-]{1,64}@[\w-]{1,63}\.)",
        r"\b(?:fetch|visit|load|open|render|include|insert|request)\b[^.!?]{0,60}(?:https?://|\b(?:url|image|link"
        r"|markdown image)\b)[^!?]{0,120}\b(?:replac(?:e|ing)|append(?:ing)?|with|contain(?:s|ing)?|encod(?:e|ed|ing)"
        r"|including)\b[^!?]{0,60}\b(?:conversation|history|secrets?|system prompt|passwords?|api keys?"
        r"|user(?:'s)? (?:data|input|message|information)|summary of)\b",
    )),
)  # fmt: skip
FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(rule.family for rule in RULES))
