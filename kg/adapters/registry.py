"""The registry of published formats: each has a mapping and a converter of its files to tables."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from kg.errors import DataError, UsageError
from kg.nearest_name import nearest_name

Convert = Callable[[Path, Path, dict[str, Any]], None]
"""`convert(folder, workdir, mapping)` writes tables to `workdir` and may extend the mapping by what the files
contain."""


@dataclass(frozen=True)
class Adapter:
    """One format."""

    convert: str
    """`module:function` of the converter in this folder; loaded when used."""
    needs: tuple[str, ...]
    """The required files."""


ADAPTERS = {
    "movielens-100k": Adapter("movielens:convert_100k", ("u.data", "u.item", "u.user", "u.genre")),
    "movielens-1m": Adapter("movielens:convert_1m", ("ratings.dat", "movies.dat", "users.dat")),
    "movielens": Adapter("movielens:convert_csv", ("ratings.csv", "movies.csv")),
    "hetrec-lastfm": Adapter(
        "lastfm:convert",
        ("artists.dat", "tags.dat", "user_artists.dat", "user_taggedartists.dat", "user_friends.dat"),
    ),
    "amazon-2023": Adapter("amazon:convert", ()),
    "recbole": Adapter("recbole:convert", ()),
    "kgat": Adapter("kg_final:convert_kgat", ("train.txt", "test.txt", "kg_final.txt")),
    "kgcn": Adapter("kg_final:convert_kgcn", ("ratings_final.txt", "kg_final.txt")),
    "ntriples": Adapter("ntriples:convert", ("interactions.csv",)),
}


def adapted(name: str, folder: Path, workdir: Path) -> Path:
    """Convert a published data set to tables and a mapping file; equal input gives equal output.

    `workdir` is created if needed, may hold an earlier conversion, and must exist as long as the mapping is
    in use. Returns the path of the mapping file in `workdir`.

    Raises:
        UsageError: no format has that name.
        DataError: a file is missing, or differs from the published format.
    """
    adapter = ADAPTERS.get(name)
    if adapter is None:
        raise UsageError(f"there is no format {name!r}{nearest_name(name, ADAPTERS)}")
    missing = [x for x in adapter.needs if not (folder / x).is_file()]
    if missing:
        raise DataError(
            f"{folder}: has no {', '.join(missing)}; the format {name} needs {', '.join(adapter.needs)}"
        )
    workdir.mkdir(parents=True, exist_ok=True)
    mapping: dict[str, Any] = yaml.safe_load(
        Path(__file__).with_name(f"{name}.yaml").read_text(encoding="utf-8")
    )
    for source in mapping["sources"].values():
        source["file"] = source["file"].replace("{folder}", str(folder.absolute()))
    try:
        _converter(adapter)(folder, workdir, mapping)
    except (ValueError, IndexError, TypeError) as error:
        raise DataError(f"{folder}: is not as {name} is published: {error}") from error
    path = workdir / "mapping.yaml"
    path.write_text(yaml.safe_dump(mapping, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def _converter(adapter: Adapter) -> Convert:
    module, _, function = adapter.convert.partition(":")
    convert: Convert = getattr(import_module(f"kg.adapters.{module}"), function)
    return convert
