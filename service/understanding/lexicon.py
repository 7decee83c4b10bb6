"""English words that stand for names of the graph, and words of everyday English.

A word leads to names that a graph may or may not have; only those that it has count, whatever their label.
"""

from service.cues import GENERIC, word_set


def _table(lines: str) -> dict[str, list[str]]:
    """`names <- words`, separated by commas: each of the words stands for the first name that there is."""
    found: dict[str, list[str]] = {}
    for line in lines.strip().splitlines():
        names, words = (part.split(",") for part in line.split("<-"))
        for word in words:
            found[" ".join(word.split())] = [" ".join(name.split()) for name in names]
    return found


GENRE_WORDS = _table(
    """
    sci-fi, science fiction, scifi <- sci fi, scifi, science fiction, sf, sci fis
    animation, animated, cartoon <- animation, animated, cartoon, cartoons, animations, anime
    mystery <- whodunit, whodunits, whodunnit, whodunnits, mystery, mysteries
    mystery <- murder mystery, murder mysteries
    film-noir, film noir, noir <- noir, noirs, film noir, films noirs, film noirs, films noir, neo noir
    biography, biopic, biographical <- biopic, biopics, biography, biographies, biographical
    sport, sports <- sports, sport, sports film, sports films, sports movie, sports movies
    documentary, documentaries <- documentary, documentaries, docs, docu, docus, documentry
    romance, romantic <- romances, romance
    comedy <- comedies, comedy, comedic, sitcom
    musical <- musicals, musical
    history, historical <- historical, history, historicals
    western <- western, westerns
    thriller <- thriller, thrillers
    drama <- drama, dramas
    horror <- horror, horrors, slasher, slashers
    fantasy <- fantasy, fantasies
    crime <- crime
    war <- war
    adventure <- adventure, adventures
    """
)
"""Everyday words of genres and the names that they stand for."""

JOINT_GENRES = {
    "rom com": ("romance", "comedy"),
    "rom coms": ("romance", "comedy"),
    "romcom": ("romance", "comedy"),
    "romcoms": ("romance", "comedy"),
    "romantic comedy": ("romance", "comedy"),
    "romantic comedies": ("romance", "comedy"),
    "dramedy": ("drama", "comedy"),
    "dramedies": ("drama", "comedy"),
    "tragicomedy": ("drama", "comedy"),
    "docudrama": ("documentary", "drama"),
}
"""Words that stand for two genres at once."""

NATIONALITIES = _table(
    """
    france, french <- french
    germany, german <- german
    italy, italian <- italian
    spain, spanish <- spanish
    united states, united states of america, usa <- american, americans, us, usa, u s, hollywood
    united kingdom, great britain, uk <- british, uk, britain, england, great britain, scottish, welsh
    japan, japanese <- japanese
    south korea, korea, korean <- korean, korea
    people's republic of china, china, chinese <- chinese, china
    hong kong <- hongkong, cantonese cinema
    russia, russian <- russian
    soviet union, ussr <- soviet, ussr
    india, hindi <- indian, bollywood
    iran, persian <- iranian, persian
    denmark, danish <- danish
    sweden, swedish <- swedish
    norway, norwegian <- norwegian
    finland, finnish <- finnish
    iceland, icelandic <- icelandic
    netherlands, dutch <- dutch, holland
    belgium <- belgian
    poland, polish <- polish
    czech republic, czech <- czech
    czechoslovakia <- czechoslovak, czechoslovakian
    hungary, hungarian <- hungarian
    romania, romanian <- romanian
    greece, greek <- greek
    turkey, turkish <- turkish
    israel, hebrew <- israeli
    mexico <- mexican
    argentina <- argentinian, argentine, argentinean
    brazil <- brazilian
    chile <- chilean
    colombia <- colombian
    cuba <- cuban
    peru <- peruvian
    canada <- canadian
    australia <- australian, aussie
    new zealand <- kiwi
    ireland <- irish
    austria <- austrian
    switzerland <- swiss
    portugal, portuguese <- portuguese
    south africa <- south african
    egypt <- egyptian
    morocco <- moroccan
    algeria <- algerian
    lebanon <- lebanese
    taiwan <- taiwanese
    thailand, thai <- thai
    vietnam, vietnamese <- vietnamese
    indonesia <- indonesian
    philippines <- filipino, philippine
    ukraine, ukrainian <- ukrainian
    serbia, serbian <- serbian
    yugoslavia <- yugoslav, yugoslavian
    estonia <- estonian
    bulgaria <- bulgarian
    palestine <- palestinian
    """
)
"""Adjectives of nations: the country where the graph has it, or else the language."""

LANGUAGE_BEFORE = word_set("in speaking spoken language dubbed")
"""Words before a nationality that make it a language: "in Spanish"."""

COMPANY_WORDS = word_set(
    """
    studio studios pictures picture entertainment films film productions production company corporation
    international inc ltd group classics features media bros brothers the
    """
)
"""What a company's name has besides what it is called by."""

_COMMON = """
    able act action affair age air alone amazing american an angel animal another answer apple arrival
    art away
    baby bad ball band bank bar battle beach beast beautiful beauty bed before being bell best better
    beyond big
    bird birds birth bit black blade blood blow blue board boat body bond born boss box boy boys bright
    brother brothers brown building burn bus business call calm camera camp candy cars case cash cast cat cell
    chair chance change charge charming chase chef child children choice cinema circle city class clean clear
    clever close closer club coast coffee cold color comfort coming common contact cook cool corner country
    couple couples cover cream creature crew cross cube cure cut dance dancing dark date dawn dead deal
    dear death
    deep detective devil diner dinner director dirty dog dogs dollar door double down dragon dream dreams
    dress
    drink drive drop dry earth east easy edge eight elegy end enemy english enough epic escape eve even
    evening everything evil exact express extra eye eyes face fall family fantastic far fast father fear field
    fight film final find fire first fish five flat flight fly focus food for force forest forever four
    fox free french friend friends frozen full fun future game games garden get ghost giant gift girl
    girls glass
    go god gold golden good grand great green ground group grown guard guest guy guys half hall hand
    hands happy
    hard harry hate heart hearts heat heaven heavy hell help hero high hill history hit hold hole holiday
    hollow
    holy home honest honey hood hope horse hot hotel hour hours house human hunger hunt hunter hurt
    husband ice
    idea if in inside into iron island jack jane job joe john journey joy juice jump just keep kid kids kill
    king kiss knight knock lady lake land language last late laugh law lead league least lee left legend
    less letter letters lie life light like line lion list little live lives local long look lord lost
    lot love low
    lucky mad magic man mask master match may me meet memory men mess message mind minute mirror miss
    moment money
    monster moon more morning mother mountain mouth movie murder music myself name near network never new
    news next nice night nine no nobody noise north nothing now number nuts office old once one only open
    order
    other out outside over page pain paper parent paris park part party past path peace people perfect
    person picture piece place plan play player point police poor power present price prince princess private
    prize problem project proof public queen question quick quiet quiz race rain raw ray read ready real red
    remember rent rest return rich ride right ring rise river road rock room rose round royal rule run
    running sad safe
    saint same save saw say scene school scream screen sea search season second secret see self sense
    set seven sex shadow shadows shame she ship shock shoes shoot shop short shot show side sight sign
    silence silent
    silver simple single sister six skin sky sleep slow small smart smile smoke snow so soldier solo some
    song soul sound south space speak special speed spirit spring spy stage stand star stars start state
    station stay
    steel step still stone stop storm story strange stranger street strong student style such suit summer
    sun super
    sure surprise sweet sword table take talk tall taste taxi teacher team tell ten test that them then they
    thing things think thirteen this three time times title today together tomorrow tonight too top touch
    town toys traffic train travel treasure tree trip true trust truth turn twelve twin twins twist two
    under unknown
    up us very view village violence virus visit voice wait walk wall wanted war water watch wave way we
    weapon
    weather wedding week weekend well west what when where which white who whole why wife wild will wind
    window
    winter wise wish with without witness wolf woman women wonder wonderful wood word words work world
    wrong year years yes yesterday you young zero jaws notebook shining birds mission mean stuff boring
    funny scary romantic violent twisty moody mature drunk dumb gritty cheesy gross weird nightmares relax
    modern classic recent ending endings plot twist heist sequels remake franchise spoilers subtitles
    streaming
    director actor actress anybody anyone everybody grandma grandpa mum mom dad daughter son boyfriend
    girlfriend
    flatmate partner boss colleague thanks thank please hello cheers great nice plenty instead otherwise
    original universal lively ups bunch racy rainy sunday saturday friday monday christmas halloween
    summer autumn
    """
EVERYDAY = word_set(_COMMON) | GENERIC
"""Words that are names only where they are written and placed like names."""
FUNCTION_WORDS = word_set(
    """
    a about after again all also am an and any are as at be because been but by can could did do does done for
    from get give had has have he her hers him his how i if in into is it its just let me more most my
    near new no nor
    not of off on one only or our out over own she should so some such than that the their them then
    there these they
    this those to too under until up us very was we were what when where which while who whom whose why will
    with without would you your
    """
)
