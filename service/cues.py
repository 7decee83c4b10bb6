"""The English cues of a rejection, as patterns over the plain words of a text.

A text is matched in a plain form: words in lower case with one space around each, "don't" as "do not", a known
name as `NAME`, and a break between clauses as `BREAK`. German and French have only their commonest cues.
"""

import re

NAME = "\x01"
"""Stands for a name of the graph."""
BREAK = "|"
"""Stands for a break between clauses, such as a comma."""


def _pattern(*lines: str) -> re.Pattern[str]:
    return re.compile("(?:" + "|".join(line.strip() for line in lines) + ")(?= )")


_KNOW = "(?:seen|watched|read|heard|tried|played|found|finished|met)"
_GENERIC_NOUN = (
    "(?:thing|things|one|author|authors|writer|writers|book|books|film|films|movie|movies|actor|actors|director"
    "|directors|genre|genres|title|titles|story|stories|work|works|series|show|shows|novel|novels)"
)

HARMLESS = _pattern(
    r"not (?:only|just|merely|simply|solely|exclusively|necessarily|bad|sure|certain|yet|enough|least|to mention"
    r"|surprisingly|long ago|that i know|ashamed|more than|longer than|older than|later than)",
    r"no (?:doubt|question|wonder|matter|problem|problems|idea|rush|worries|kidding|joke|less|better|greater|finer"
    r"|end|preference|preferences|particular|specific|(?:more|longer|older|later|shorter|earlier) than|objections?"
    r"|other (?:\w+ )?(?:is|comes|writes|makes|does|can))",
    r"(?:no one|nobody|noone) (?:else )?(?:beats|does|writes|makes|can|comes|is|tells|compares)",
    r"never (?:ever )?(?:disappoint\w*|fail\w*|bore[sd]?|get(?:s|ting)? (?:old|enough)|gotten old|grow\w* old|age[sd]?"
    r"|let\w* \w+ down|miss\w*|forget\w*|forgot\w*|mind\w*|ceas\w+|put\w* \w+ down|too (?:much|many|late|old)"
    r"|go(?:es)? wrong|tir(?:e|es|ed|ing) of|wear\w* (?:off|thin|out)|lets up|stops? (?:being|making))",
    rf"(?:have|has|had) (?:not|never) (?:yet )?(?:ever )?(?:even )?{_KNOW}(?! [^|]*again)",
    r"(?:can|could|will|would|should) (?:not|never) (?:ever )?(?:get enough|wait|go wrong|resist|put \w+ down|help"
    r"|decide|remember|find|choose|imagine|complain|be beaten|be bad|beat|miss|get over|have (?:too|enough)|be (?:too )?(?:much"
    r"|many)|mind|recommend \w+ (?:\w+ )?enough|say no to|pick|ask for more)",
    r"do(?:es)? not (?:mind|know|care(?! for| about)|remember|forget|miss|worry|hesitate|disappoint|bother|get me wrong|need to be"
    r"|have to be|matter|fail|get old|let \w+ down|have (?:a|any) (?:preference|favou?rite|idea)|have a problem with)",
    r"did not (?:disappoint|bore|know|mind|fail|let \w+ down|miss|forget|regret)",
    r"(?:do|can|could|will|would|is|are|have) not (?:you|there|we)(?! dare| ever)",
    r"nothing (?:beats?|else (?:but|than|beats)|but|like an? |like the |wrong with|against|better|compares?|tops?|comes close"
    r"|short of|less than|can (?:beat|top)|works (?:better|like)|makes me|would (?:beat|top|please|make)|i (?:like|love|enjoy)"
    r" (?:more|better))",
    r"like nothing else",
    r"who (?:do|does|would) not (?:love|like|enjoy|want|know)",
    r"never a dull \w+",
    rf"no {_GENERIC_NOUN} (?:that |who |whom )?(?:i|we) (?:love|like|enjoy|admire|prefer) (?:more|better)(?: than)?",
    r"(?:why|if|or) not",
    r"more or less",
    r"less (?:known|than|well known|famous|popular|obvious|mainstream)",
    r"without (?:an? |any |the |further )?(?:doubt|question|fail|exception|hesitation|ado|thinking|regret)",
    r"love (?:and|or) hate",
    r"hate (?:crimes?|speech|mail)",
    r"to say the least",
    r"nicht nur",
    r"pas (?:seulement|mal)",
    r"non seulement",
)
"""Words that look like a rejection and are none: "not only", "no doubt", "can't get enough of"."""

EXCEPT = _pattern(
    r"except(?:ing)?(?: for)?",
    r"(?:apart|aside) from",
    r"(?:other|rather) than",
    r"instead of",
    r"save for",
    rf"(?:any|every|all)(?:{_GENERIC_NOUN}|body)?(?: {_GENERIC_NOUN})? (?:but|besides)(?! also)(?: not)?",
    r"besides(?= \x01)",
    r"without",
    r"lacking",
    r"ohne",
    r"sans",
    r"sauf",
    r"außer",
    r"hors(?:mis)?",
)
"""Words that reject what follows and, after a negation, want it: "nothing except", "not without"."""

AVERSION = _pattern(
    r"(?:hat(?:e|es|ed|ing)|dislik(?:e|es|ed|ing)|detest\w*|loath(?:e|es|ed|ing)|despis(?:e|es|ed|ing)|abhor\w*)",
    r"(?:avoid(?:s|ed|ing)?|exclud(?:e|es|ed|ing)|omit(?:s|ting)?|skip(?:s|ping)?|minus|ban|block)",
    r"(?:sick(?: and tired)?|tired|weary) of",
    r"fed up (?:with|of)",
    r"bored (?:of|with|by)",
    r"(?:i have |we have |i )?had (?:quite |more than )?enough(?: of)?",
    r"enough (?:of|with)",
    r"(?<=\| )enough",
    r"(?:am|are|is|be) (?:so |totally )?done with",
    r"allergic to",
    r"(?:could|can) (?:not )?care less (?:about|for)",
    r"(?:lost|losing) interest in",
    r"(?:much |a bit |way |a lot )?less(?: of)?",
    r"fewer",
    r"too (?:much|many)",
    r"(?:hardly|barely|scarcely) any",
    r"(?:stop|quit) (?:recommending|showing|suggesting|giving|offering|sending|pushing|it with|with|the)(?: me| us)?",
    r"stop",
    r"(?:leav(?:e|ing)|filter|tak(?:e|ing)|cut|rul(?:e|ing)|keep|throw) (?:it )?out(?: of)?",
    r"get rid of",
    r"(?:stay|keep|steer|stays|keeps) (?:away|clear) (?:from|of)",
    r"spare me",
    r"(?:hard )?pass on",
    r"free (?:of|from)",
    r"devoid of",
    r"turned off by",
    r"put off by",
    r"no (?:thanks|thank you) to",
    r"auf keinen fall",
)
"""Words that reject what follows; after a negation they are none: "I don't hate horror"."""

NEGATION = _pattern(
    r"(?:no|not|never|nothing|none|neither|nor|nope|nix)",
    r"no more",
    r"kein(?:e|en|er|em|es)?",
    r"nicht",
    r"nie(?: wieder)?",
    r"pas (?:de|du|des|d)",
    r"jamais",
    r"aucune?",
)

VERDICT = _pattern(
    r"(?:is|are|was|were|be|get|gets|seems?|feels?) (?:(?!not |never )\w+ ){0,2}?(?:boring|overrated|awful|terrible|horrible|dull|tedious|crap"
    r"|rubbish|trash|garbage|disgusting|annoying|unbearable)",
    r"(?:bore[sd]?|annoy(?:s|ed)?|disgust(?:s|ed)?|irritate[sd]?) (?:me|us)",
    r"(?:sucks?|sucked|stinks?|stank)",
    r"lea(?:ve|ves|ft) me cold",
    r"(?:puts?|turns?|turned) me off",
    r"(?:is|are) (?:right )?(?:out|a no|a no go|a turn ?off|off limits)(?= \|)",
)
"""What is said of something that is not wanted: "horror bores me"."""

REFUSAL = _pattern(
    r"(?:no|hell no|no no|nope)(?= \|)",
    r"(?:no thanks|no thank you|no way|never again|not again|no more|please no|please not|no please|hard pass|nie wieder"
    r"|plus jamais|nein danke|non merci)(?: please| for me| ever)?(?= \|)",
    r"(?:i )?(?:am )?not (?:really |at all )?(?:for me|for us|interested|a fan|my thing|my taste|my style|my cup of tea"
    r"|what i (?:want|need|like))(?= \|)",
    r"(?:i )?(?:really |just |absolutely )?(?:can not stand|could not stand|hate|hated|dislike|disliked|do not like|did not like"
    r"|do not want|do not need|despise|loathe|detest|avoid|skip)(?: (?:it|him|her|them|that|those|this|these|his \w+"
    r"|her \w+|their \w+))?(?: please| at all| so much)?(?= \|)",
)
"""A clause that rejects the clause before it: "Terry Pratchett? No thanks"."""

TURNS = frozenset(
    "but however although though instead only otherwise because since whereas while then yes aber sondern mais plutôt".split()
)
"""Words that end a rejection."""

STARTERS = frozenset(
    "something someone somebody give show recommend suggest i more maybe perhaps ideally preferably lieber".split()
)
"""Words that begin something wanted, once what is rejected was named."""

WISHES = frozenset("like love want enjoy prefer need with find looking watch read a lots plenty".split()) - {"a"}
"""Words that begin something wanted after an "and", once what is rejected was named."""

PREPOSITIONS = frozenset("with about set by from in for starring directed where on at".split())

GENERIC = frozenset(
    """
    a about absolutely actually again all almost also always am an and any anybody anymore anyone anything appear are as at
    author authors available awfully back be been being big bit book books both by can care could crazy cup day did director do
    does doing done down drop each either else enjoy enjoyed ever every everybody everyone everything exactly fan far fan feel
    film films find fond for from fun further genre genres get getting give given go going good got great had has have having he
    hell her here hers herself hey hi him himself his how i ideally idea if in include included includes including interested interesting into
    involving involved is it item items its itself just keen kind kinda kinds know lady later let like liked likes list literally
    little live look looking lot lots love made make many may maybe me mean might mine mood more most movie movies much must my myself
    near need needed nor novel novels now of off oh ok okay on once one ones only or order other others otherwise our out over own
    part particular particularly perhaps piece place please possible prefer preferably put quite rather read reading reads really
    recommend recommendation recommendations recommended remotely right same say see seeing seem seems seen series she should show
    showing shows so some somebody someone something somewhere sort sorts soon spare stand stay still story stories stuff style such
    suggest suggestion suggestions super sure taste tea tell than thank thanks that the their them then there these they thing
    things think this those time title titles to today tolerate tonight too total totally try type types unless us usually very
    wanna want wanted wants was watch watching way we welcome well were what whatever when where which who whom whose why will wish
    with within work works would writer writers written yes yet you your yours scene scenes element elements bear usual handle
    der die das den dem des ein eine einen einem einer und oder mit von vom über für bitte ich will möchte etwas bücher buch filme
    film le la les l de du des d un une et ou avec par je veux voudrais livre livres s d m re ve ll us fans elses appeal appeals
    """.split()
)
"""Words that name nothing: a rejection or a wish of these alone says nothing."""

TAIL = GENERIC - frozenset({"other", "others", "same", "new"})
"""Words that may follow a negation which rejects what stands before it: "horror is not what I want"."""

ADJECTIVES = frozenset(
    """funny light short new happy romantic exciting clever witty smart modern classic recent simple easy relaxing uplifting
    cheerful warm cosy cozy long quick gentle sweet entertaining hopeful fun lighthearted humorous""".split()
)
"""Words that describe what is wanted, so that a list of them does not go on with a rejection."""

_CONTRACTIONS = {"cannot": "can not", "can't": "can not", "won't": "will not", "shan't": "shall not", "ain't": "is not"}
_BARE = frozenset("do does did is are was were would could should have has had must need can".split())
_ENDINGS = {"n't": " not", "'m": " am", "'re": " are", "'ve": " have", "'ll": " will", "'d": " would"}


def plain_words(word: str) -> list[str]:
    """The words that a folded word stands for: "don't" and "dont" are "do", "not"."""
    if word in _CONTRACTIONS:
        return _CONTRACTIONS[word].split()
    for ending, full in _ENDINGS.items():
        if word.endswith(ending) and len(word) > len(ending):
            return (word.removesuffix(ending) + full).split()
    if word.endswith("nt") and word[:-2] in _BARE:
        return [word[:-2].replace("ca", "can") if word == "cant" else word[:-2], "not"]
    if word == "cant":
        return ["can", "not"]
    return word.split("'")[:1] if word.split("'")[0] in ("it", "that", "there", "what") else [word]
