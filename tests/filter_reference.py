"""Random filters over a made library, and what they keep by a slow reference: each item by itself, in plain
Python, over the values that the store returns.
"""

import unicodedata
from datetime import UTC, datetime, timedelta
from random import Random

from kg.schema import GraphSchema, InteractionSchema, LabelSchema, Phrase, RelationSchema

_PHRASE = Phrase(out="of", back="as is")
SCHEMA = GraphSchema(
    labels=(
        LabelSchema(label="Reader", role="user"),
        LabelSchema(label="Book", role="item", name_property="title"),
        LabelSchema(label="Author", role="entity"),
        LabelSchema(label="Genre", role="entity"),
        LabelSchema(label="Country", role="entity"),
    ),
    relations=(
        RelationSchema(type="BY", head="Book", tail="Author", phrase=_PHRASE),
        RelationSchema(type="HAS GENRE", head="Genre", tail="Book", phrase=_PHRASE),
        RelationSchema(type="SEQUEL_OF", head="Book", tail="Book", phrase=_PHRASE),
        RelationSchema(type="BORN_IN", head="Author", tail="Country", phrase=_PHRASE),
    ),
    interactions=(InteractionSchema(type="READ"),),
)
N_BOOKS = 60
TITLES = ("Emma", "emma", "1984", "Dune", "ÉTÉ", "Book: A Life")
AUTHORS = {"a1": "Ann Lee", "a2": "ann  lee", "a3": "Bo", "a4": "a5", "a5": "Cy"}
GENRES = {"Crime": "Crime", "g2": "Cafe\u0301", "g3": "Café", "g4": "Nobody's"}
"""The ids Crime and a5 are names as well; Café has two Unicode forms; no book has the last genre."""
PROPERTIES = {
    "pages": (None, 100, 250, 250.5, -3, 2**40),
    "in_print": (None, True, False),
    "language": (None, "English", "english ", "French", "", "20"),
    "tags": (None, [], ["new"], ["New", "used"], ["7", "07"], ["used"]),
    "published": (None, "1999", "1999-12", "1999-12-31", "1999-12-31T23:59:59Z", "2000-01-01T01:00+02:00"),
    "mixed": (None, 7, 7.5, "7", "seven", True, "true", ["7", "x"], "1999-05-01", "y" * 300),
    "counts": (None, [1, 2], [2, 3]),
}


def fill_library(store, seed=0):
    """The library in an empty store."""
    random = Random(seed)
    store.prepare(SCHEMA)
    books = [
        {
            "id": f"b{n}",
            "properties": {"title": random.choice(TITLES)}
            | {name: random.choice(values) for name, values in PROPERTIES.items()},
        }
        for n in range(N_BOOKS)
    ]
    store.upsert_nodes("Book", books)
    for label, names in (("Author", AUTHORS), ("Genre", GENRES)):
        rows = [{"id": x, "properties": {} if x == name else {"name": name}} for x, name in names.items()]
        store.upsert_nodes(label, rows)
    store.upsert_nodes("Country", [{"id": "uk", "properties": {}}])
    store.upsert_nodes("Reader", [{"id": "r1", "properties": {"name": "Ann Lee"}}])
    ids = [book["id"] for book in books]

    def relate(kind, pairs):
        store.upsert_relations(kind, [{"head": h, "tail": t, "properties": {}} for h, t in set(pairs)])

    relate("BY", [(random.choice(ids), random.choice([*AUTHORS])) for _ in range(70)])
    relate("HAS GENRE", [(random.choice([*GENRES][:3]), random.choice(ids)) for _ in range(70)])
    relate("SEQUEL_OF", [(random.choice(ids), random.choice(ids)) for _ in range(15)])
    relate("BORN_IN", [("a1", "uk")])
    relate("READ", [("r1", "b1")])


class Library:
    """What is in the store, read by other ways than the snapshot's."""

    def __init__(self, store):
        nodes = {
            x.label: dict(row for batch in store.scan_nodes(x.label) for row in batch) for x in SCHEMA.labels
        }
        self.books = nodes["Book"]
        self.names = {
            label: {x: p.get("title" if label == "Book" else "name") or x for x, p in found.items()}
            for label, found in nodes.items()
        }
        self.joined = {}
        for relation in SCHEMA.relations:
            pairs = [(h, t) for batch in store.scan_relations(relation.type) for h, t, _ in batch]
            both = [*pairs, *[(t, h) for h, t in pairs]]
            outward = relation.head == "Book"
            mine = both if relation.head == relation.tail else pairs if outward else both[len(pairs) :]
            self.joined[relation.type] = relation.tail if outward else relation.head, mine

    def kept(self, expression):
        """The ids of the books that an expression keeps."""
        return {book for book in self.books if self._keeps(expression, book)}

    def _keeps(self, expression, book):
        if "relation" in expression:
            return self._relation(expression, book)
        if "property" in expression:
            return self._property(expression, book)
        if "not" in expression:
            return not self._keeps(expression["not"], book)
        if "all" in expression:
            return all(self._keeps(part, book) for part in expression["all"])
        return any(self._keeps(part, book) for part in expression["any"])

    def _relation(self, condition, book):
        label, pairs = self.joined[condition["relation"]]
        others = {other for own, other in pairs if own == book}
        hits = [bool(others & self._nodes(label, name)) for name in _wanted(condition)]
        return _decided(condition, hits, bool(others))

    def _nodes(self, label, text):
        names = self.names[label]
        for form in ([text.removeprefix(f"{label}:")] if text.startswith(f"{label}:") else []) + [text]:
            by_name = {x for x, name in names.items() if _look(name) == _look(form)}
            if form in names and form not in by_name:
                return {form}
            if by_name:
                return by_name
        raise AssertionError(text)

    def _property(self, condition, book):
        value = self.books[book].get(condition["property"])
        own = value if isinstance(value, list) else [] if value is None else [value]
        if "from" in condition or "to" in condition:
            return any(_within(x, condition.get("from"), condition.get("to")) for x in own)
        hits = [any(_equal(x, y) for x in own) for y in _wanted(condition)]
        return _decided(condition, hits, bool(own))


def _wanted(condition):
    return next((condition[word] for word in ("any", "all", "none") if word in condition), [])


def _decided(condition, hits, there):
    if "any" in condition:
        return any(hits)
    if "all" in condition:
        return all(hits)
    return not any(hits) if "none" in condition else there


def _look(text):
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _number(value):
    try:
        return None if isinstance(value, bool) else float(value)
    except ValueError:
        return None


def _equal(own, wanted):
    if isinstance(own, str) and len(own) > 200:
        return False
    if _number(own) is not None and _number(wanted) is not None:
        return _number(own) == _number(wanted)
    if isinstance(wanted, float | int) and not isinstance(wanted, bool):
        return False
    texts = [str(x).lower() if isinstance(x, bool) else str(x) for x in (own, wanted)]
    return _look(texts[0]) == _look(texts[1])


def _span(text):
    """The first and the last moment that a date means."""
    for form, after in (
        ("%Y", lambda x: x.replace(year=x.year + 1)),
        ("%Y-%m", lambda x: (x + timedelta(31)).replace(day=1)),
        ("%Y-%m-%d", lambda x: x + timedelta(1)),
    ):
        try:
            first = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return first, after(first) - timedelta(microseconds=1)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment, moment


def _within(own, first, last):
    if isinstance(own, str) and len(own) > 200:
        return False
    own_span = None if isinstance(own, bool) else _span(str(own))
    for limit, sign in ((first, 1), (last, -1)):
        if limit is None:
            continue
        size = _number(own)
        if (number := _number(limit)) is not None:
            if size is None and own_span is not None:
                size = own_span[0].astimezone(UTC).year
            if size is None or sign * (size - number) < 0:
                return False
        else:
            edge = _span(limit)[0 if sign == 1 else 1]
            if own_span is None or sign * (own_span[0] - edge).total_seconds() < 0:
                return False
    return True


_NAMES = {
    "BY": ["a1", "Author:a2", "ANN LEE", "Author:bo", "Bo", "a4", "a5", "Cy"],
    "HAS GENRE": ["crime", "Genre:Crime", "g2", "CAFÉ", "cafe\u0301", "nobody's"],
    "SEQUEL_OF": ["emma", "b3", "Book:b4", "Book: A Life", "1984", "été", "dune"],
}
_VALUES = {
    "pages": [100, 250, "250", 250.5, "-3", 2**40, 5, "1e2"],
    "in_print": [True, False, "true", "FALSE"],
    "language": ["English", "ENGLISH", "french", "", 20, "20", 20.0, "Klingon", True],
    "tags": ["new", "USED", 7, "7", "07", "nothing"],
    "published": ["1999", 1999, "1999-12", "1999-12-31", "2001"],
    "mixed": [7, "7", 7.5, "Seven", True, "TRUE", False, "x", "1999-05-01"],
    "counts": [1, 2, "3", 4],
}
_LIMITS = {
    "pages": [-10, 0, 100, "250", 250.25, 1e9],
    "language": [0, 20, 30],
    "tags": [0, 7, "8"],
    "published": [1998, 1999, "2000", "1999-12", "1999-12-31", "1999-12-31T23:00:00Z", "1999-06-15"],
    "mixed": [0, 7, 7.2, 1999, "1999-01", "1999-05-02"],
    "counts": [0, 2, 2.5],
}


def random_filter(random, depth=3):
    """An expression with names and values of the library, valid for it."""
    kind = random.choice(["all", "any", "not", "relation", "property"] if depth else ["relation", "property"])
    if kind == "not":
        return {"not": random_filter(random, depth - 1)}
    if kind in ("all", "any"):
        return {kind: [random_filter(random, depth - 1) for _ in range(random.randint(1, 3))]}
    if kind == "property" and random.random() < 0.4:
        return _random_range(random)
    known = _NAMES if kind == "relation" else _VALUES
    name = random.choice([*known])
    word = random.choice(["any", "any", "all", "none", ""])
    several = random.sample(known[name], random.randint(1, 3))
    return {kind: name} | ({word: several} if word else {})


def _random_range(random):
    name = random.choice([*_LIMITS])
    first, last = random.choice(_LIMITS[name]), random.choice(_LIMITS[name])
    dates = [_number(x) is None for x in (first, last)]
    keys = (
        [_span(str(x))[0] if any(dates) else _number(x) for x in (first, last)]
        if len({*dates}) == 1
        else [0, 0]
    )
    if keys[0] > keys[1]:
        first, last = last, first
    limits = {"from": first, "to": last}
    if random.random() < 0.5:
        limits.pop(random.choice(["from", "to"]))
    return {"property": name} | limits


def random_filters(count, seed):
    """So many expressions."""
    random = Random(seed)
    return [random_filter(random) for _ in range(count)]
