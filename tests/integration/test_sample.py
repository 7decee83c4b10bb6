"""The sample's real rows through all of ingestion."""

from kg.adapters.sample import write_sample
from kg.ingestion.ingest import ingest
from kg.ingestion.mapping_file import load_mapping


def test_the_sample_arrives(tmp_path, fake_store):
    write_sample(tmp_path)
    report = ingest(load_mapping(tmp_path / "mapping.yaml"), tmp_path, fake_store)
    assert report.rejected == 0
    counts = fake_store.counts()
    assert (counts.nodes["User"], counts.nodes["Movie"]) == (671, 9_066)
    assert counts.relations["RATED"] == 100_004
    assert set(counts.relations) == {
        *("RATED", "HAS_GENRE", "DIRECTED_BY", "WRITTEN_BY", "STARS", "IN_LANGUAGE", "FROM_COUNTRY"),
        *("PRODUCED_BY", "RELEASED_IN"),
    }
    alien = next(x for x in fake_store.nodes["Movie"].values() if x["title"] == "Alien")
    assert alien["year"] == 1979
    assert alien["text"].startswith("Alien (1979). Genres: Horror, Sci-Fi, Thriller, Mystery")
    assert ". Directed by Ridley Scott. Written by Dan O'Bannon" in alien["text"]
    assert alien["text"].endswith(" Language: English. Made in United Kingdom, United States.")
    assert fake_store.nodes["User"]["1"] == {"name": "User 1"}
    assert fake_store.edges["RATED"]["1", "31"] == {"value": 2.5, "time": 1260759144}
