"""The English cues of a rejection, as patterns over the plain words of a text.

A text is matched in a plain form: words in lower case with one space around each, "don't" as "do not", a
known name as `NAME`, and a break between clauses as `BREAK`. Of German, French, Russian and Chinese, only
the commonest cues.
"""

import re

NAME = "\x01"
"""Stands for a name of the graph."""
BREAK = "|"
"""Stands for a break between clauses, such as a comma."""


_NOUN = (
    "(?:things?|one|authors?|writers?|books?|films?|movies?|actors?|directors?|genres?|titles?|story|stories"
    "|works?|series|shows?|novels?)"
)
_KNOWN = "(?:seen|watched|read|heard|tried|played|found|finished|met)"


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def _pattern(lines: str) -> re.Pattern[str]:
    """One alternative a line; a line that begins with | goes on with the one before it."""
    joined = re.sub(r"\n\s*\|", "|", lines.strip())
    found = [line.strip().replace("NOUN", _NOUN).replace("KNOWN", _KNOWN) for line in joined.splitlines()]
    return re.compile("(?:" + "|".join(found) + ")(?= )")


HARMLESS = _pattern(
    r"""
    (?:can|could) not (?:ever |really )?(?:live|do|go|survive|be) without
    never (?:ever )?(?:yet )?been (?:disappointed|bored|let down)
    not (?:only|just|merely|simply|solely|exclusively|necessarily|bad|sure|certain|yet|enough|least
    |to mention|opposed|averse|against|afraid|scared|shy
    |surprisingly|an? (?:problem|issue|deal ?breaker)
    |long ago|that i know|ashamed|more than|longer than|older than|later than)
    no (?:offen[cs]e|hard feelings|doubt|question|wonder|matter|problem|problems|idea|rush|worries
    |kidding|joke|clue|fear|limits?|lack|shortage|bad
    |frills|holds barred|strings attached|such thing as too (?:much|many)|less|better
    |greater|finer|end|preference|preferences|particular|specific|(?:more|longer|older|later|shorter
    |earlier) than|objections?|other (?:\w+ )?(?:is|comes|writes|makes|does|can))
    (?:no one|nobody|noone) (?:else )?(?:beats|does|writes|makes|can|comes|is|tells|compares)
    never (?:ever )?(?:disappoint\w*|fail\w*|bore[sd]?|get(?:s|ting)? (?:old|enough)|gotten old
    |grow\w* old|age[sd]?|let\w* \w+ down|miss\w*|forget\w*|forgot\w*|mind\w*|ceas\w+|put\w* \w+ down
    |too (?:much|many|late|old)|enough|go(?:es)? wrong|tir(?:e|es|ed|ing) of|wear\w* (?:off|thin|out)|lets up
    |stops? (?:being|making)|g[ia]v(?:e|es|ing) up|dies?|ends?|sleeps?)
    (?:have|has|had) (?:not|never) (?:yet )?(?:ever )?(?:even )?KNOWN(?! [^|]*again)
    (?:can|could|will|would|should) (?:not|never) (?:ever )?(?:get enough|wait|go wrong|resist
    |put (?:\w+ )?down|help|decide|remember|find|choose|imagine|complain|be beaten|be bad|beat|miss|get over
    |have (?:too|enough)|be (?:too )?(?:much|many|enough)|mind|recommend \w+ (?:\w+ )?enough|say no to|pick
    |ask for more|expect|guess|believe)
    do(?:es)? not (?:mind|know|care(?! for| about)|remember|forget|miss|worry|hesitate|disappoint
    |bother|get me wrong|need to be|have to be|matter|fail|get old|let \w+ down|have (?:a
    |any) (?:preference|favou?rite|idea)|have a problem with)
    did not (?:disappoint|bore|know|mind|fail|let \w+ down|miss|forget|regret)
    (?:do|can|could|will|would|is|are|have) not (?:you|there|we)(?! dare| ever)
    nothing (?:beats?|else (?:but|than|beats)|but|like an? |like the |wrong with|against|better
    |compares?|tops?|comes close|short of|less than|can (?:beat|top)|works (?:better|like)|makes me
    |would (?:beat|top|please|make)|i (?:like|love|enjoy) (?:more|better))
    like nothing else
    there (?:is )?nothing (?:quite |really )?like
    than not
    will not (?:forget|regret|disappoint|bore|miss|mind|let \w+ down|stop|be (?:disappointed|bored))
    not (?:let(?:s|ting)? go|(?:so |very |too |that )?(?:well )?known|want to (?:stop|put)
    |too much (?:trouble|to ask))
    (?:can|could) not recommend(?= (?:[^ |]+ ){1,4}(?:more|enough|highly) )
    (?:i|we) (?:am|are) not(?! (?:(?:really|very|so|that|such|exactly|an?|big|huge|great|much of|too|all|at
    |particularly) ){0,3}(?:fans?|into|interested|keen|fond|in the mood|looking|crazy|after|up for|ready
    |lovers?|friends?|here for|asking|reading|watching|going|wild|sold|convinced|enjoying|thrilled|big
    |[^ |]+ (?:person|fan|lover|buff|guy)) )
    never ending
    (?:as|so) (?:long|far) as
    avoid being
    who (?:do|does|would) not (?:love|like|enjoy|want|know)
    never a dull \w+
    no NOUN (?:that |who |whom )?(?:i|we) (?:love|like|enjoy|admire|prefer) (?:more|better)(?: than)?
    (?:why|if|or) not
    more or less
    less (?:known|than|well known|famous|popular|obvious|mainstream)
    without (?:an? |any |the |further )?(?:doubt|question|fail|exception|hesitation|ado|thinking|regret)
    love (?:and|or) hate
    hate (?:crimes?|speech|mail)
    to say the least
    nicht nur
    не только
    pas (?:seulement|mal)
    non seulement
    """
)
"""Words that look like a rejection and are none: "not only", "no doubt", "can't get enough of"."""

EXCEPT = _pattern(
    r"""
    except(?:ing)?(?: for)?
    (?:apart|aside) from
    (?:other|rather) than
    instead of
    save for
    (?:any|every|all)(?:NOUN|body)?(?: NOUN)? (?:but|besides)(?! also)(?: not)?
    besides(?= \x01)
    without
    lacking
    ohne
    sans
    sauf
    ausser
    без
    кроме
    hors(?:mis)?
    """
)
"""Words that reject what follows and, after a negation, want it: "nothing except", "not without"."""

AVERSION = _pattern(
    r"""
    (?:hat(?:e|es|ed|ing)|dislik(?:e|es|ed|ing)|detest\w*|loath(?:e|es|ed|ing)|despis(?:e|es|ed|ing)
    |abhor\w*)
    (?:avoid(?:s|ed|ing)?|exclud(?:e|es|ed|ing)|omit(?:s|ting)?|skip(?:s|ping)?|minus)
    (?:ban|block)(?= \x01)
    (?:sick(?: and tired)?|tired|weary) of
    fed up (?:with|of)
    bored (?:of|with|by)
    (?:i have |we have |i )?(?:had|read|seen|watched|heard) (?:quite |more than )?enough(?: of)?
    enough (?:of|with)
    (?<=\| )enough
    (?:am|are|is|be) (?:so |totally )?(?:done|through) with
    allergic to
    refus(?:e|es|ed|ing) to (?:read|watch|see|touch|listen to|hear|buy|play)
    (?:unlike|dissimilar (?:to|from)|the opposite of)(?= (?:the )?\x01)
    (?:hide|remove|delete|drop|ditch|forget(?: about)?)(?= (?:(?:all|any|the|every|everything|anything|stuff
    |films?|movies?|ones?|of|with|by|from|starring|featuring|in) ){0,4}\x01)
    thumbs down (?:for|to|on)
    down with(?= \x01)
    (?:go )?easy on(?= (?:the )?\x01)
    lay off(?= (?:the )?\x01)
    (?:light|low) on(?= (?:\S+|the \S+) \|)
    as little
    (?:i|we) (?:am|are) (?:so |totally |really )?over(?! \d)
    (?:could|can) (?:not )?care less (?:about|for)
    (?:lost|losing) interest in
    (?:much |a bit |way |a lot )?less(?: of)?
    fewer
    too (?:much|many)
    (?:hardly|barely|scarcely) any
    (?:stop|quit) (?:recommending|showing|suggesting|giving|offering|sending|pushing|it with|with
    |the)(?: me| us)?
    stop
    (?:leav(?:e|ing)|filter|tak(?:e|ing)|cut|rul(?:e|ing)|keep|throw) (?:it )?out(?: of)?
    (?:keep|leave|take|throw|kick|filter)(?=(?: [^ |]+){1,4} out )
    hold the
    had it with
    (?:a )?break from
    get rid of
    (?:stay|keep|steer|stays|keeps) (?:away|clear) (?:from|of)
    spare me
    (?:hard )?pass on
    free (?:of|from)
    devoid of
    turned off by
    put off by
    no (?:thanks|thank you) to
    auf keinen fall
    """
)
"""Words that reject what follows; after a negation they are none: "I don't hate horror"."""

NEGATION = _pattern(
    r"""
    never \| ever
    (?:no|not|never|nothing|none|neither|nor|nope|nix)
    no more
    kein(?:e|en|er|em|es)?
    zero(?= \x01)
    (?<=with )zero
    nichts? (?:von|mit)
    nicht
    nie(?: wieder)?
    (?:не|нет|никаких)
    (?:不要|不想|别|没有)
    rien (?:de|du|des|d|avec)
    pas (?:de|du|des|d|par)
    n (?:aim\w+|ador\w+) (?:vraiment |trop )?pas
    jamais
    aucune?
    """
)

VERDICT = _pattern(
    r"""
    (?:is|are|was|were|be|get|gets|seems?|feels?) (?:(?!not |never )\w+ ){0,2}?(?:boring|overrated
    |awful|terrible|horrible|dull|tedious|crap|rubbish|trash|garbage|disgusting|annoying|unbearable)
    (?:bore[sd]?|annoy(?:s|ed)?|disgust(?:s|ed)?|irritate[sd]?) (?:me|us)
    (?:sucks?|sucked|stinks?|stank)
    lea(?:ve|ves|ft) me cold
    (?:puts?|turns?|turned) me off
    (?:is|are) (?:right )?(?:out|a no|a no go|a turn ?off|off limits|a no- go-
    |off the table|off the menu)(?= \|)
    (?:is |are )?(?:excluded|forbidden|banned|aside)(?= \|)
    """
)
"""What is said of something that is not wanted: "horror bores me"."""

REFUSAL = _pattern(
    r"""
    (?:no|not|hell no|god no|no no|nope|nah)(?= \|)
    (?:no thanks|no thank you|no way|not any ?more|no longer
    |never again|not again|no more|please no|please not
    |no please|(?:i )?do not think so|not really|rather not|better not
    |hard pass|nie wieder|plus jamais|nein danke|non merci)(?: please| for me| ever)?(?= \|)
    (?:i )?(?:am )?not (?:really |at all )?(?:for me|for us|interested|a fan|my thing|my taste|my style
    |my cup of tea|what i (?:want|need|like))(?= \|)
    (?:i )?(?:really |just |absolutely )?(?:can not stand|could not stand|hate|hated|dislike|disliked
    |do not like|did not like|do not want|do not need|despise|loathe|detest|avoid|skip)(?: (?:it|him
    |her|them|that|those|this|these|his \w+|her \w+|their \w+))?(?: please| at all| so much)?(?= \|)
    """
)
"""A clause that rejects the clause before it: "Terry Pratchett? No thanks"."""

TURNS = word_set(
    """
    but however although though instead only otherwise because since whereas while then yes aber sondern
    mais plutôt
    """
)
"""Words that end a rejection."""

STARTERS = word_set(
    """
    something someone somebody give show recommend suggest i more maybe perhaps ideally preferably
    lieber
    """
)
"""Words that begin something wanted, once what is rejected was named."""

WISHES = word_set(
    """
    like love want enjoy prefer need with find looking watch read a lots plenty
    """
)
"""Words that begin something wanted after an "and", once what is rejected was named."""

PREPOSITIONS = word_set("with about set by from in for starring directed where on at")

GENERIC = word_set(
    """
    a about absolutely actually again all alles almost already also always am an and another any
    anybody anymore anyone anything appeal appeals appear are as at author authors available avec
    awfully back be bear been being big bit bitte bloss book books both boyfriend buch by bücher can
    care certainly contain containing contains could crazy cup d dad dare das daughter day de
    definitely dem den der des did director do does doing done down drop du each ein eine einem
    einen einer either element elements else elses enjoy enjoyed et etwas ever every everybody
    everyone everything exactly fan fans far feel film filme films find fond for from fun further
    für genre genres get getting girlfriend give given go going good got great had handle has have
    having he hell her here hers herself hey hi him himself his hopefully how husband i ich idea
    ideally if in include included includes including interest interested interesting into involved
    involving is it item items its itself je just keen kind kinda kinds know l la lady later le les
    let like liked likes list literally little live livre livres ll look looking lot lots love m
    made mag make many may maybe me mean might mine mit mom mood more most movie movies much mum
    must my myself möchte mögen near need needed nichts nor novel novels now nur oder of off oh ok
    okay on once one ones only or order other others otherwise ou our out over own par part
    particular particularly partner perhaps person piece place please possible prefer preferably put
    quite rather re read reading reads really recommend recommendation recommendations recommended
    remotely result results rien right s same say scene scenes see seeing seem seems seen series she
    should show showing shows single so some somebody someone something somewhere son soon sort
    sorts spare stand stay still stories story stuff style such suggest suggestion suggestions super
    sure surely surprise taste tea tell than thank thanks that the their them then there these they
    thing things think this those time title titles to today tolerate tonight too total totally tous
    tout toute try type types ugh un und une unless us used usual usually ve very veux vom von
    voudrais wanna want wanted wants was watch watching way we welcome well were what whatever
    whatsoever when where which who whom whose why wife will wish with within work works would
    writer writers written yes yet you your yours über люблю надо нужно смотреть хочу читать
    """
)
"""Words that name nothing: a rejection or a wish of these alone says nothing."""

LOOSE_ENDS = word_set(
    "a an and or nor i we that which who with by of to the from in for so just please is are there as"
    " definitely absolutely certainly also"
)
"""Words that end no phrase."""

TAIL = GENERIC - frozenset({"other", "others", "same", "new"})
"""Words that may follow a negation which rejects what stands before it: "horror is not what I want"."""

ADJECTIVES = word_set(
    """
    funny light short new happy romantic exciting clever witty smart modern classic recent simple easy
    relaxing uplifting cheerful warm cosy cozy long quick gentle sweet entertaining hopeful fun
    lighthearted humorous
    """
)
"""Words that describe what is wanted, so that a list of them does not go on with a rejection."""

_CONTRACTIONS = {
    "cannot": "can not",
    "can't": "can not",
    "won't": "will not",
    "shan't": "shall not",
    "ain't": "is not",
}
_BARE = word_set(
    """
    do does did is are was were would could should have has had must need can
    """
)
_ENDINGS = {"n't": " not", "'m": " am", "'re": " are", "'ve": " have", "'ll": " will", "'d": " would"}
_ELIDED = re.compile(r"([cdjlmnst]|qu)'(?=\w\w)")
"""What French joins to a word: "d'horreur", "n'aime"."""


DESCRIPTION = re.compile(
    r" about (?:.* )?(?:who|whose|whom) (?:\S+ )?$"
    r"| (?:where|in which) (?!(?:.* )?there (?:is|are) $)(?:.* )?$"
    r"| (?:about|of|as) (?:an? |the )?(?:\S+ )?(?:man|men|woman|women|boy|girl|child|children|people|person"
    r"|hero|cop|detective|world|town|city|planet|country|life|family|mother|father|king|queen) (?:with )?$"
)
"""What stands before a cue that tells of a story: "about a boy who hates", "a man with no name"."""

TOPIC = re.compile(r" (?:about|on|of|by|how to|guide to|the|with|from) $")
"""What stands before a cue that is the topic itself: "how to stop smoking", "about hate"."""


def plain_words(word: str) -> list[str]:
    """The words that a folded word stands for: "don't" and "dont" are "do", "not"."""
    if word in _CONTRACTIONS:
        return _CONTRACTIONS[word].split()
    for ending, full in _ENDINGS.items():
        if word.endswith(ending) and len(word) > len(ending):
            return (word.removesuffix(ending) + full).split()
    if word.endswith("nt") and word[:-2] in _BARE:
        return [word[:-2].replace("ca", "can") if word == "cant" else word[:-2], "not"]
    if (elided := _ELIDED.match(word)) is not None:
        return [elided[1], word[elided.end() :]]
    if word == "cant":
        return ["can", "not"]
    return word.split("'")[:1] if word.split("'")[0] in ("it", "that", "there", "what") else [word]
