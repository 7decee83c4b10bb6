"""What is wanted and what is rejected in sentences, over the names of a small vocabulary."""

import random
from itertools import pairwise

import pytest

from embeddings.text.names import NameMatcher, fold_case, name_of, words
from service.rejections import Wishes, read_wishes

NAMES = [
    "Terry Pratchett", "Neil Gaiman", "Horror", "Comedy", "Comedies", "Drama", "Thriller", "Romance",
    "Alien", "Blade Runner", "No Country for Old Men",
]  # fmt: skip
MATCHER = NameMatcher({name_of(name, fold_case): n for n, name in enumerate(NAMES)})


def read(text: str) -> Wishes:
    found = words(text, fold_case)
    return read_wishes(text, found, list(MATCHER.find(found)))


RULES_WERE_MADE_FOR = [
    ("no Terry Pratchett", [], ["Terry Pratchett"]),
    ("books but not by Terry Pratchett", [], ["Terry Pratchett"]),
    ("anything without dragons and magic", [], ["dragons and magic"]),
    ("never again Terry Pratchett", [], ["Terry Pratchett"]),
    ("Terry Pratchett, never again", [], ["Terry Pratchett"]),
    ("Terry Pratchett? No thanks.", [], ["Terry Pratchett"]),
    ("I hate horror", [], ["horror"]),
    ("I'm not a fan of Terry Pratchett", [], ["Terry Pratchett"]),
    ("anything except horror", [], ["horror"]),
    ("horror is not what I want", [], ["horror"]),
    ("nothing by Terry Pratchett", [], ["Terry Pratchett"]),
    ("everything but horror", [], ["horror"]),
    ("less violence", [], ["violence"]),
    ("avoid romance", [], ["romance"]),
    ("I'm sick of superheroes", [], ["superheroes"]),
    ("no more superheroes please", [], ["superheroes"]),
    ("anything other than horror", [], ["horror"]),
    ("comedy rather than horror", ["comedy"], ["horror"]),
    ("instead of horror something funny", ["something funny"], ["horror"]),
    ("not only horror", ["horror"], []),
    ("I can't get enough of horror", ["of horror"], []),
    ("no doubt Terry Pratchett is best", ["Terry Pratchett is best"], []),
    ("Terry Pratchett never disappoints", ["Terry Pratchett"], []),
    ("nothing beats Terry Pratchett", ["Terry Pratchett"], []),
    ("not without humour", ["humour"], []),
    ("no horror, something like Alien but funny", ["something like Alien", "funny"], ["horror"]),
    ("I don't like horror but I love comedies", ["I love comedies"], ["horror"]),
    ("I love comedies and I hate horror", ["I love comedies"], ["horror"]),
    ("I hate horror and love comedies", ["love comedies"], ["horror"]),
    ("no gore, violence or swearing", [], ["gore", "violence or swearing"]),
    ("no horror, comedy please", ["comedy"], ["horror"]),
    ("no horror, light and funny", ["light and funny"], ["horror"]),
    ("I don't hate horror", ["horror"], []),
    ("I hate films without humour", ["humour"], []),
    ("nothing with dragons", [], ["dragons"]),
    ("no films without humour", ["humour"], []),
    ("I'd rather watch comedy than horror", ["I'd rather watch comedy"], ["horror"]),
    ("horror bores me", [], ["horror"]),
    ("a story that is not boring", [], ["boring"]),
    ("Terry Pratchett: no", [], ["Terry Pratchett"]),
    ("comedy -horror", ["comedy"], ["horror"]),
    ("a violence-free story", [], ["violence"]),
    ("No Country for Old Men", ["No Country for Old Men"], []),
    (
        "films like No Country for Old Men but less violent",
        ["films like No Country for Old Men"],
        ["violent"],
    ),
    ("I don't want anything with horror", [], ["horror"]),
    ("please don't recommend Terry Pratchett", [], ["Terry Pratchett"]),
    ("dont want horror", [], ["horror"]),
    ("Why don't you recommend horror?", ["recommend horror"], []),
    ("Have you got something scary, but not too scary?", ["Have you got something scary"], ["scary"]),
    ("robots without magic", ["robots"], ["magic"]),
    ("without magic set in Japan", ["set in Japan"], ["magic"]),
    ("kein Terry Pratchett", [], ["Terry Pratchett"]),
    ("Bücher ohne Drachen", [], ["Drachen"]),
    ("pas de Terry Pratchett", [], ["Terry Pratchett"]),
    ("Avoid: horror, gore. Likes: comedy", ["comedy"], ["horror", "gore"]),
    ("I've never seen Alien", ["Alien"], []),
    ("I will never read Terry Pratchett again", [], ["Terry Pratchett"]),
    ("can't stand romance", [], ["romance"]),
    ("stay away from romance", [], ["romance"]),
    ("a film about love and hate", [], []),
    ("no, I want horror", ["I want horror"], []),
    ("horror no, comedy yes", ["comedy"], ["horror"]),
    ("I read Terry Pratchett and hated it", [], ["Terry Pratchett"]),
    ("dragons and magic are not my thing", [], ["dragons and magic"]),
    ("not interested in war", [], ["war"]),
    ("no horror and more comedy", ["more comedy"], ["horror"]),
    ("too much violence", [], ["violence"]),
    ("nothing except comedies", ["comedies"], []),
    ("any author but Terry Pratchett", [], ["Terry Pratchett"]),
    ("funny movies (no horror)", ["funny movies"], ["horror"]),
    (
        "I do not want to see Terry Pratchett, Neil Gaiman or romance",
        [],
        ["Terry Pratchett", "Neil Gaiman or romance"],
    ),
    ("neither horror nor romance", [], ["horror", "romance"]),
    ("space opera with no aliens", ["space opera"], ["aliens"]),
    ("I'd love a comedy that doesn't involve weddings", ["I'd love a comedy"], ["involve weddings"]),
    ("who doesn't love Terry Pratchett", ["Terry Pratchett"], []),
    ("never a dull moment with Neil Gaiman", ["with Neil Gaiman"], []),
    ("there is no author I love more than Neil Gaiman", ["Neil Gaiman"], []),
    ("I couldn't care less about football", [], ["football"]),
    ("Please, not another zombie film", [], ["zombie"]),
    ("mysteries, but hold the gore", ["mysteries"], ["gore"]),
    ("keep Terry Pratchett out of my list", [], ["Terry Pratchett"]),
    ("I used to love horror but not anymore", [], ["horror"]),
    ("give me a break from romance", [], ["romance"]),
    ("don't you dare show me Alien", [], ["Alien"]),
    ("a thriller as long as there is no violence", ["a thriller"], ["violence"]),
    ("no one writes like Terry Pratchett", ["like Terry Pratchett"], []),
    ("a funny film where the dog does not die", ["a funny film where the dog does not die"], []),
    ("I have had it with zombies, bring on the robots", ["bring on the robots"], ["zombies"]),
    ("no offence, but no Terry Pratchett", [], ["Terry Pratchett"]),
    ("a lighthearted book, definitely not a tragedy", ["a lighthearted book"], ["tragedy"]),
    ("I would like robots and absolutely no dragons", ["I would like robots"], ["dragons"]),
    ("books that don't contain magic", [], ["magic"]),
    ("my son is tired of dinosaurs", [], ["dinosaurs"]),
    ("not a single dragon", [], ["dragon"]),
    ("enough with the superheroes already", [], ["superheroes"]),
    ("I'm not looking for romance", [], ["romance"]),
    ("we are not fans of horror", [], ["horror"]),
    ("I am not a horror person", [], ["horror"]),
    ("a film for my family without violence", ["a film for my family"], ["violence"]),
    ("something for people who hate horror", ["something for people"], ["horror"]),
    ("a film about space without aliens", ["a film about space"], ["aliens"]),
    ("authors who don't write horror", [], ["write horror"]),
    ("a story about robots that is not violent", ["a story about robots"], ["violent"]),
    ("no violence, no gore, nothing scary", [], ["violence", "gore", "scary"]),
    ("movies with no romance", [], ["romance"]),
    ("please exclude Terry Pratchett from the results", [], ["Terry Pratchett"]),
    ("I don't want Terry Pratchett. I want Neil Gaiman.", ["I want Neil Gaiman"], ["Terry Pratchett"]),
    ("anything by Neil Gaiman but without romance", ["anything by Neil Gaiman"], ["romance"]),
    ("Neil Gaiman (not Terry Pratchett)", ["Neil Gaiman"], ["Terry Pratchett"]),
    ("NO HORROR", [], ["HORROR"]),
    ("No horror!!! Comedy!!!", ["Comedy"], ["horror"]),
    ("never, ever Terry Pratchett", [], ["Terry Pratchett"]),
    ("not terry pratchett", [], ["terry pratchett"]),
    ("no terry pratchett, no neil gaiman", [], ["terry pratchett", "neil gaiman"]),
    ("don't give me Terry Pratchett again", [], ["Terry Pratchett"]),
    ("anything as long as it's not Terry Pratchett", [], ["Terry Pratchett"]),
    ("everything except dragons, magic and elves", [], ["dragons", "magic and elves"]),
    ("I have no interest in dragons", [], ["dragons"]),
    ("dragons are boring", [], ["dragons"]),
    ("less magic, more science", ["more science"], ["magic"]),
    ("less dragons and magic", [], ["dragons and magic"]),
    ("Terry Pratchett is not for me", [], ["Terry Pratchett"]),
    ("I'm over Terry Pratchett", [], ["Terry Pratchett"]),
    ("no more Terry Pratchett, I've read them all", [], ["Terry Pratchett"]),
    ("I dont like dragons or magic", [], ["dragons or magic"]),
    ("I do not like Terry Pratchett at all", [], ["Terry Pratchett"]),
    ("nothing with magic in it", [], ["magic"]),
    ("nothing magical", [], ["magical"]),
    ("without any magic whatsoever", [], ["magic"]),
    ("without Terry Pratchett", [], ["Terry Pratchett"]),
    ("w/o dragons", [], ["dragons"]),
    ("aside from Terry Pratchett, surprise me", [], ["Terry Pratchett"]),
    ("horror? no!", [], ["horror"]),
    ("not Terry Pratchett again", [], ["Terry Pratchett"]),
    ("rather Neil Gaiman than Terry Pratchett", ["rather Neil Gaiman"], ["Terry Pratchett"]),
    ("Neil Gaiman over Terry Pratchett", ["Neil Gaiman"], ["Terry Pratchett"]),
    ("I prefer Neil Gaiman to Terry Pratchett", ["I prefer Neil Gaiman"], ["Terry Pratchett"]),
    ("Neil Gaiman instead of Terry Pratchett", ["Neil Gaiman"], ["Terry Pratchett"]),
    ("Terry Pratchett excluded", [], ["Terry Pratchett"]),
    ("no Terry Pratchett but Neil Gaiman is fine", ["Neil Gaiman is fine"], ["Terry Pratchett"]),
    ("please, no dragons or magic in the story", [], ["dragons or magic"]),
    ("is there anything without dragons?", [], ["dragons"]),
]

RULES_WERE_NOT_MADE_FOR = [
    (
        "Recommend me a thriller, just no Terry Pratchett please",
        ["Recommend me a thriller"],
        ["Terry Pratchett"],
    ),
    ("I loathe musicals", [], ["musicals"]),
    ("give me anything that isn't a western", [], ["western"]),
    ("no dwarves, no elves, no wizards", [], ["dwarves", "elves", "wizards"]),
    ("funny, but without zombies", ["funny"], ["zombies"]),
    ("something like Alien minus the gore", ["something like Alien"], ["gore"]),
    ("I've had enough of vampires", [], ["vampires"]),
    ("please leave out romance", [], ["romance"]),
    ("time travel yes, vampires no", ["time travel"], ["vampires"]),
    ("Terry Pratchett isn't really my cup of tea", [], ["Terry Pratchett"]),
    ("nothing too violent for my kids", [], ["violent for my kids"]),
    ("don't show me any horror or drama", [], ["horror or drama"]),
    ("a heist film where nobody dies", ["a heist film where nobody dies"], []),
    ("you can't go wrong with Neil Gaiman", ["with Neil Gaiman"], []),
    ("stop recommending Terry Pratchett", [], ["Terry Pratchett"]),
    ("keep away from ghosts and clowns", [], ["ghosts and clowns"]),
    ("I am tired of vampires; give me robots", ["give me robots"], ["vampires"]),
    ("a romance, not a drama", ["a romance"], ["drama"]),
    ("not a drama but a romance", ["a romance"], ["drama"]),
    ("books by Neil Gaiman, not Terry Pratchett", ["books by Neil Gaiman"], ["Terry Pratchett"]),
    ("Not Terry Pratchett. Neil Gaiman.", ["Neil Gaiman"], ["Terry Pratchett"]),
    ("I'm not in the mood for war films tonight", [], ["war"]),
    ("neither dragons nor magic, rather robots", ["rather robots"], ["dragons", "magic"]),
    ("I disliked Alien, I want a quiet story", ["I want a quiet story"], ["Alien"]),
    ("none of those superhero movies", [], ["superhero"]),
    ("everything apart from westerns", [], ["westerns"]),
    ("cooking without meat", ["cooking"], ["meat"]),
    ("it must not be scary", [], ["scary"]),
    ("a crime story free of violence", ["a crime story"], ["violence"]),
    ("no sad endings", [], ["sad endings"]),
    ("I don't need dragons in my stories", [], ["dragons"]),
    ("Blade Runner was boring", [], ["Blade Runner"]),
    ("I want something other than romance", [], ["romance"]),
    ("more robots, fewer vampires", ["more robots"], ["vampires"]),
    ("no spoilers but lots of twists", ["lots of twists"], ["spoilers"]),
    ("can you find me a film without subtitles about sailing", ["about sailing"], ["subtitles"]),
    ("hardly any dialogue", [], ["dialogue"]),
    ("war is not something I enjoy", [], ["war"]),
    ("anything, just not horror", [], ["horror"]),
    ("without violence but with robots", ["with robots"], ["violence"]),
    ("I can do without car chases", [], ["car chases"]),
    ("anything but Terry Pratchett or Neil Gaiman", [], ["Terry Pratchett or Neil Gaiman"]),
    ("I'm done with superheroes", [], ["superheroes"]),
    ("romance isn't for me, I prefer thrillers", ["I prefer thrillers"], ["romance"]),
    ("Terry Pratchett is overrated", [], ["Terry Pratchett"]),
    ("I would rather not read about war", [], ["war"]),
    (
        "something without Terry Pratchett or magic but with robots",
        ["with robots"],
        ["Terry Pratchett or magic"],
    ),
    ("it doesn't have to be new", ["new"], []),
    ("Not a big fan of musicals", [], ["musicals"]),
    ("I never want to see Alien again", [], ["Alien"]),
    ("not too long and not too sad", [], ["long", "sad"]),
    ("nothing against horror, but tonight something light", ["horror", "tonight something light"], []),
    ("Exclude horror", [], ["horror"]),
    ("robots (but not Alien)", ["robots"], ["Alien"]),
    ("No more Terry Pratchett! Show me Neil Gaiman instead.", ["Show me Neil Gaiman"], ["Terry Pratchett"]),
    ("nothing with vampires, please", [], ["vampires"]),
    ("I want adventure without bloodshed", ["I want adventure"], ["bloodshed"]),
    ("skip the romance", [], ["romance"]),
    ("a mystery novel, but spare me the gore", ["a mystery novel"], ["gore"]),
    ("detective stories not set in London", ["detective stories"], ["set in London"]),
    ("Terry Pratchett bores me", [], ["Terry Pratchett"]),
    ("anyone but Neil Gaiman", [], ["Neil Gaiman"]),
    ("please leave Neil Gaiman out", [], ["Neil Gaiman"]),
    ("hate sports movies", [], ["sports"]),
    ("thrillers without romance or comedy", ["thrillers"], ["romance or comedy"]),
    ("neither Terry Pratchett nor Neil Gaiman", [], ["Terry Pratchett", "Neil Gaiman"]),
    ("a western, not a comedy, with horses", ["a western", "with horses"], ["comedy"]),
    ("nothing sad, something uplifting", ["something uplifting"], ["sad"]),
    ("I like Alien, I don't like Blade Runner", ["I like Alien"], ["Blade Runner"]),
    ("please avoid stories about war", [], ["war"]),
    ("more comedy and less drama", ["more comedy"], ["drama"]),
    ("never show me horror again", [], ["horror"]),
    ("I adore Neil Gaiman but I can't stand Terry Pratchett", ["I adore Neil Gaiman"], ["Terry Pratchett"]),
    ("fantasy minus elves", ["fantasy"], ["elves"]),
    ("a love story that isn't a comedy", [], ["comedy"]),
    ("spare me Terry Pratchett", [], ["Terry Pratchett"]),
    ("Do you have anything except romance?", [], ["romance"]),
]

REJECT_NOTHING = [
    "I like to watch science fiction movies",
    "something scary for halloween",
    "a book about a boy who hates school",
    "films about people who can't sleep",
    "a story about a man with no name",
    "the man who knew too much",
    "movies where the bad guy never wins",
    "something I have not seen before",
    "a film I won't forget",
    "stories of a world without men",
    "a thriller that keeps me guessing and doesn't let go",
    "a comedy for someone who is tired of work",
    "unforgettable, no-nonsense action",
    "a feel-good movie I can't stop watching",
    "something short, I don't have much time",
    "I don't know what to watch",
    "not sure, maybe a thriller",
    "I could watch Alien again and again",
    "a movie that isn't well known",
    "less known thrillers",
    "no preference, surprise me",
    "any genre, no problem",
    "nothing in particular",
    "what's good?",
    "No idea",
    "films with a lot of dialogue",
    "a heist that goes wrong",
    "love stories with unhappy endings",
    "a film in which nothing happens",
    "a movie to avoid being bored",
    "a silent film",
    "free jazz documentaries",
    "a story of escape from prison",
    "the best of Terry Pratchett",
    "Terry Pratchett and nothing else",
    "only Terry Pratchett",
    "I only want comedies",
    "just comedies",
    "horror only",
    "more like Alien",
    "not just horror but also comedies",
    "I'd never say no to a good thriller",
    "you never go wrong with horror",
    "I can't live without comedies",
    "could not recommend Alien more",
    "if it's not too much trouble, a comedy",
    "whether or not it is a comedy, make it funny",
    "I am not a native speaker, please suggest comedies",
    "my wife and I disagree, so something for both",
    "Don't Look Now",
    "a film about the Great War, if possible",
    "a stopover comedy",
    "a vegetarian cookbook",
    "dark, gloomy and hopeless",
    "a book on how to stop smoking",
    "how to stop worrying",
    "a book about avoiding burnout",
    "films about hate and revenge",
    "anti-war films",
    "non-fiction",
    "non-stop action",
    "a romance between enemies",
    "nobody's fool",
    "no matter what genre, it should have robots",
    "something other people loved",
    "never ending stories",
    "a guide to skipping rope",
]


@pytest.mark.parametrize(("text", "wanted", "rejected"), RULES_WERE_MADE_FOR + RULES_WERE_NOT_MADE_FOR)
def test_clauses(text: str, wanted: list[str], rejected: list[str]) -> None:
    wishes = read(text)
    assert [text[start:end] for start, end in wishes.wanted] == wanted
    assert [text[start:end] for start, end in wishes.rejected] == rejected


@pytest.mark.parametrize("text", REJECT_NOTHING)
def test_a_healthy_text_rejects_nothing(text: str) -> None:
    assert read(text).rejected == []


def test_the_table_is_long_enough_to_tell() -> None:
    assert len(RULES_WERE_NOT_MADE_FOR) >= 50
    assert len(RULES_WERE_MADE_FOR) >= 30


@pytest.mark.parametrize(
    ("text", "rejected", "qualified"),
    [
        ("no horror or Terry Pratchett", ["Horror", "Terry Pratchett"], []),
        ("no horror films", ["Horror"], []),
        ("no slasher horror", [], ["Horror"]),
        ("no comedy duos", [], ["Comedy"]),
        ("no early Terry Pratchett", ["Terry Pratchett"], []),
        ("nothing but horror", [], []),
    ],
)
def test_a_single_word_within_a_longer_phrase_is_not_rejected_itself(
    text: str, rejected: list[str], qualified: list[str]
) -> None:
    wishes = read(text)
    assert [NAMES[name.meaning] for name in wishes.rejected_names] == rejected
    assert [NAMES[name.meaning] for name in wishes.qualified_names] == qualified


@pytest.mark.parametrize(
    "text", ["", "?!", "no", "no, no", "not", "no : no", "but", "- -", "a -", "no no no"]
)
def test_fragments_say_nothing(text: str) -> None:
    assert read(text) == Wishes([], [], [], [])


def test_any_order_of_words_is_read_and_no_span_is_both() -> None:
    rng = random.Random(1)
    pieces = (
        "no not never without hate but , . : ? ! - ( ) and or nothing I it horror dragons Terry Pratchett"
        " like want except less than rather is boring free -gore what with thanks again don't"
    )
    for _ in range(2_000):
        text = " ".join(rng.choices(pieces.split(), k=rng.randint(1, 14)))
        wishes = read(text)
        spans = sorted([*wishes.wanted, *wishes.rejected])
        assert all(0 <= start < end <= len(text) for start, end in spans), text
        assert all(a[1] <= b[0] for a, b in pairwise(spans)), text
