"""A library of 30 books by six authors, each with a theme of their own, and as few loans as a test wants."""

import numpy as np

from kg.graph import NO_TIME, GraphSnapshot, Interactions, Triples, Vocabulary
from kg.schema import GraphSchema, InteractionSchema, LabelSchema, Phrase, RelationSchema

THEMES = ("dragons", "gods", "planets", "robots", "butlers", "murders")
AUTHORS = ("Pratchett", "Gaiman", "Le Guin", "Lem", "Wodehouse", "Christie")
N_BOOKS, N_AUTHORS = 30, len(AUTHORS)

SCHEMA = GraphSchema(
    labels=(
        LabelSchema(label="Book", role="item"),
        LabelSchema(label="Author", role="entity"),
        LabelSchema(label="Reader", role="user"),
    ),
    relations=(
        RelationSchema(
            type="WRITTEN_BY", head="Book", tail="Author", phrase=Phrase(out="by", back="who wrote")
        ),
    ),
    interactions=(InteractionSchema(type="BORROWED", liked_at_least=3),),
)


def library(loans=(), *, readers=3, books=N_BOOKS, text=True, facts=True, named=True, times=True):
    """A snapshot; `loans` are (reader, book) or (reader, book, stars), and 3 stars are a like.

    Book n is by author n % 6, whose theme its text has: books 0, 6, 12, 18 and 24 are about dragons.
    """
    items = np.arange(books if facts else 0, dtype=np.int32)
    authors = list(AUTHORS) if facts else []
    vocabularies = (
        Vocabulary("Book", [f"b{n:02}" for n in range(books)]),
        Vocabulary("Author", authors),
        Vocabulary("Reader", [f"r{n}" for n in range(readers)]),
    )
    titles = [f"Tale {n}" if named else f"b{n:02}" for n in range(books)]
    rows = [(*loan, 5) if len(loan) == 2 else loan for loan in sorted(loans)]
    user, item, stars = np.array(rows, np.int64).reshape(-1, 3).T
    return GraphSnapshot(
        SCHEMA,
        vocabularies,
        (*titles, *authors, *vocabularies[2].ids),
        tuple(f"{THEMES[n % N_AUTHORS]} {n}" if text else "" for n in range(books)),
        Triples(items, np.zeros(len(items), np.int32), (books + items % N_AUTHORS).astype(np.int32)),
        Interactions(
            user.astype(np.int32),
            item.astype(np.int32),
            stars.astype(np.float32),
            np.arange(len(rows), dtype=np.int64) * 1000 if times else np.full(len(rows), NO_TIME),
            np.zeros(len(rows), np.int8),
            stars >= 3,
        ),
    )


class ThemeEncoder:
    """One dimension for each theme, and a little of each text's own: its number."""

    name = "themes"
    dim = N_AUTHORS + 2
    scripts = None

    def encode(self, texts, report=None):
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for row, words in zip(vectors, map(str.split, texts), strict=True):
            row[:N_AUTHORS] = [theme in words for theme in THEMES]
            number = next((int(word) for word in words if word.isdigit()), 0)
            if words:
                row[N_AUTHORS:] = 0.2 * np.cos(number), 0.2 * np.sin(number)
            row /= max(float(np.linalg.norm(row)), 1e-9)
        return vectors
