"""HetRec 2011 Last.fm 2K (GroupLens): tab-separated tables with headers; names contain unpaired quotes."""

from pathlib import Path
from typing import Any

from kg.adapters.files import rows, write_table


def convert(folder: Path, workdir: Path, _mapping: dict[str, Any]) -> None:
    """Leaves out assignments whose artist is not in `artists.dat` or whose tag is not in `tags.dat`."""
    artists = {values[0]: values[1] for values in rows(folder / "artists.dat", "\t", 2, header=True)}
    write_table(workdir / "artists.csv", ("id", "name"), artists.items())
    tags = {values[0]: values[1] for values in rows(folder / "tags.dat", "\t", 2, "latin-1", header=True)}
    write_table(workdir / "tags.csv", ("id", "name"), tags.items())
    listened = (values[:3] for values in rows(folder / "user_artists.dat", "\t", 3, header=True))
    write_table(workdir / "listened.csv", ("user", "artist", "plays"), listened)
    given = (
        (artist, tag)
        for _, artist, tag, *_ in rows(folder / "user_taggedartists.dat", "\t", 3, header=True)
        if artist in artists and tag in tags
    )
    write_table(workdir / "tagged.csv", ("artist", "tag"), given)
    friends = (values[:2] for values in rows(folder / "user_friends.dat", "\t", 2, header=True))
    write_table(workdir / "friends.csv", ("user", "friend"), friends)
