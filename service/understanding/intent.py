"""What a text asks for: recommend, similar, search, explain, filter, greet, or nothing of this kind."""

import re
from dataclasses import dataclass

from service.cues import word_set
from service.understanding.contract import Intent

_GREETING = word_set(
    """
    hi hello hey heya hiya yo howdy hullo greetings good morning evening afternoon night day thanks thank
    you thx cheers ty
    bye goodbye see later ok okay cool great nice awesome perfect brilliant lovely how are doing going is
    it was
    that this what's whats up sup today there so very much a lot lots many what can do for me help i'm fine im
    well and your name who the best welcome again everybody all folks friend mate buddy job work loved
    appreciated
    appreciate nothing else no bot i you're your
    """
)
_GREETS = re.compile(
    r"^(?:hi|hello|hey|heya|hiya|yo|howdy|good (?:morning|evening|afternoon|night)|greetings|thanks|thank you"
    r"|thx|cheers|ty|bye|goodbye|see you|what's up|whats up|sup|how are you|what can you do|who are you"
    r"|ok|okay|cool|great|nice|awesome|perfect|brilliant|good bot|you're (?:great|the best))\b"
)
_EXPLAIN = re.compile(
    r"\b(?:why|how come|reason (?:for|why)|what makes you|what made you|explain|justify)\b(?! not\b)"
    r"|\bwhat (?:is|has|does) .{1,60}(?:to do with|doing (?:in|on) (?:my|the|this))"
)
_NOT_EXPLAIN = re.compile(r"\b(?:that's|thats|which is|this is|tell me|know|that is) why\b|\bfind out why\b")
_SIMILAR = re.compile(
    r"\bsimilar\b|\b(?:in the )?(?:vein|style|spirit|manner|mould|mold) of\b|\balong the lines of\b"
    r"|\bremind(?:s|ed)? (?:me|us) of\b|\bclose to\b|\bmore like\b|\bmore (?:of|from) the same\b"
    r"|\bcomparable\b|\bresembl\w+\b|\bà la\b|\ba la\b|\bthe next\b|\bsame (?:vibe|feel|mood|kind"
    r"|sort|style)\b"
    r"|\bthat sort of\b|\banother\b|\bvibes?\b"
)
_LIKE = re.compile(r"(?:^|([^\s,.:;!?\-\u2013]*)[\s,.:;!?\-\u2013]+)like(?: in)?(?: the)?\s*$")
_LIKERS = word_set(
    "i i'd we we'd you you'd they they'd she she'd he he'd who to would d really do don't also not didn't"
    " only"
)
"""Words before a "like" that is a verb."""
_SEARCH = re.compile(
    r"^(?:please |hey |hi |so |ok )*(?:find|look up|search|look for|lookup)\b|\bwhere (?:can|could"
    r"|do) i (?:find"
    r"|watch|see|get)\b|\b(?:do|have) you (?:have|got)\b|^(?:have you )?got\b"
    r"|(?:^|[,.?!] |\band )who (?:directed|wrote|made|is in|was in|starred|stars|played|plays|is|was)\b"
    r"|\bwhat(?:'s| is|s| was)? (?:the name of |called |that |the )+(?:(?:\w+ ){0,3})(?:movie|film|one|flick"
    r"|picture)\b|\b(?:which|what) (?:film|movie|one|flick|picture) (?:was|is|has|had|did|where|with|had)\b"
    r"|\bwhat(?:'s| is|s)? (?:that|the) .{0,20}(?:movie|film|one)\b"
    r"|\bwhat (?:else )?(?:has|have|did) .{1,60} (?:made|directed|make|direct|done|do|written|write|play"
    r"|star(?:red)?)\b|\b(?:what|which) (?:\w+ )?(?:films?|movies?) (?:has|have|did)\b"
    r"|^that (?:\w+ )?(?:.{1,40} )?(?:where|with the|about the)\b|\bi (?:believe|think|guess)(?: it was)?$"
    r"|\b(?:forgot|forget|remember|recall) (?:the|its|what|which)\b|\bthe name\b|\bis there a (?:film"
    r"|movie) called\b"
    r"|\bnot the remake\b|\bwhen (?:was|did)\b|\btrying to (?:remember|find|recall)\b"
    r"|\bthe one (?:where|with the)\b"
)
_ABOUT_FILMS = re.compile(
    r"\b(?:films?|movies?|flicks?|pictures?|watch\w*|see|cinema|series|shows?|directors?|act(?:or|ress)\w*"
    r"|comed\w+|recommend\w*|suggest\w*|something|anything|nothing|genres?|stories|story|books?"
    r"|read\w*|novels?"
    r"|albums?|music|songs?|listen\w*|titles?|ones?|things|scor\w+|stars?|out of (?:ten|5|five|10)|mood)\b"
)
_OFF_TOPIC = re.compile(
    r"^(?:what(?:'s| is|s)(?! up)|how (?:do|can|much|many|far|old|long|is)|when|where|will|is|are"
    r"|can you (?:book|tell|help"
    r"|call|set|order|turn)|book|set|call|order|turn|tell me|remind me|translate|calculate|write|play"
    r"|who|send)\b"
)
_FILTER = re.compile(
    r"^(?:(?:now|please|ok|okay|and|can you|could you|no|but|just|then"
    r"|whatever you do) ?,? )*(?:show |give |keep |list |me )*"
    r"(?:only|just|without|exclude|excluding|remove|drop|hide|leave out|skip|filter|narrow|limit"
    r"|restrict|no|nothing|none"
    r"|not|never|anything but|everything but|don't show|do not show|must|strictly|nothing but|except|get rid"
    r"|take out|cut out|lose|ditch|minus|at least|at most)\b|\bonly[.!]*$|\bor (?:better|higher|more"
    r"|newer|later)[.!]*$"
)


@dataclass(frozen=True)
class Told:
    """What the steps before found in a text."""

    text: str
    named_places: tuple[int, ...]
    """Where items and people that are liked begin."""
    has_likes: bool
    has_wants: bool
    has_rejections: bool
    has_filter: bool
    has_names: bool


def intent_of(told: Told) -> tuple[Intent | None, float]:
    """The intent and how sure it is."""
    plain = " ".join(told.text.casefold().replace("\u2019", "'").split())
    if _ORDERS.search(plain) and not told.has_names:
        return None, 0.7
    spoken = re.findall(r"[a-z']+", plain)
    if not told.has_names and _GREETS.match(plain) and all(word in _GREETING for word in spoken):
        return "greet", 0.9
    if _EXPLAIN.search(plain) and not _NOT_EXPLAIN.search(plain):
        return "explain", 0.8
    if told.has_filter | told.has_rejections and not told.has_likes and _FILTER.search(plain):
        return "filter", 0.8
    is_search = bool(_SEARCH.search(plain)) and not _NOT_SEARCH.search(plain)
    if is_search and (told.has_names or (told.has_wants and _ABOUT_FILMS.search(plain))):
        return "search", 0.8
    if told.named_places and (
        _SIMILAR.search(plain) or any(_is_compared(told.text, x) for x in told.named_places)
    ):
        return "similar", 0.8
    if (
        not told.has_names
        and not told.has_filter
        and not _ABOUT_FILMS.search(plain)
        and _OFF_TOPIC.search(plain)
    ):
        return None, 0.6
    return (
        ("filter", 0.6)
        if _FILTER.search(plain) and not told.has_likes and not told.has_wants
        else ("recommend", 0.6)
    )


_ORDERS = re.compile(r"^(?:please )?(?:book|order|call|reserve) (?:me |us )?(?:an?|the|my|some)\b")
_NOT_SEARCH = re.compile(r"\bfind (?:me )?(?:something|anything|a|some|us)\b|\bwhere would\b|\bwhat do you\b")


def _is_compared(text: str, start: int) -> bool:
    before = text[:start].lower().rstrip("\"'\u2018\u201c(")
    match = _LIKE.search(before)
    return match is not None and match[1] not in _LIKERS


def is_compared(text: str, start: int) -> bool:
    """Whether what begins at `start` is what the wanted is compared with."""
    before = text[:start].casefold().rstrip("\"'\u2018\u201c(")
    return _is_compared(text, start) or bool(
        re.search(rf"(?:{_SIMILAR.pattern})(?: to| of| as| in)?(?: the)?\s*$", before)
    )


def is_off_topic(clause: str) -> bool:
    """Whether a clause asks for something else than what could be recommended."""
    plain = clause.casefold().replace("\u2019", "'").strip()
    return (
        bool(_OFF_TOPIC.search(plain))
        and not _ABOUT_FILMS.search(plain)
        and len(plain.split()) > 3
        and bool(
            re.match(
                r"(?:will|book|call|order|set|translate|what(?:'s|s| is) the (?:capital|weather|time))\b",
                plain,
            )
        )
    )
