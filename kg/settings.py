"""The settings, and the only reader of the environment."""

from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from kg.errors import SettingsError


class Settings(BaseSettings):
    """Everything that can be set from outside; the defaults run all of it on one laptop.

    Variables begin with `TRAILMIX_`, except Neo4j's own usual four.
    """

    model_config = SettingsConfigDict(
        env_prefix="TRAILMIX_", frozen=True, extra="ignore", populate_by_name=True
    )

    home: Path = Path(".trailmix")
    """Folder of the embedded graph, snapshots, models, caches and logs."""

    neo4j_uri: str | None = Field(None, validation_alias=AliasChoices("neo4j_uri", "NEO4J_URI"))
    """A Neo4j server to use instead of the one Trailmix starts by itself, e.g. `bolt://localhost:7687`."""

    neo4j_username: str = Field("neo4j", validation_alias=AliasChoices("neo4j_username", "NEO4J_USERNAME"))
    """The user name at that server."""

    neo4j_password: SecretStr = Field(
        SecretStr(""), validation_alias=AliasChoices("neo4j_password", "NEO4J_PASSWORD")
    )
    """The password at that server; empty means no authentication."""

    neo4j_database: str = Field("neo4j", validation_alias=AliasChoices("neo4j_database", "NEO4J_DATABASE"))
    """The database at that server."""

    neo4j_home: Path | None = Field(None, validation_alias=AliasChoices("neo4j_home", "NEO4J_HOME"))
    """An unpacked Neo4j distribution for `trailmix graph start --engine neo4j`."""

    java_home: Path | None = Field(None, validation_alias=AliasChoices("java_home", "JAVA_HOME"))
    """The Java 17 or 21 for that Neo4j; none: the one on the PATH."""

    cache_home: Path | None = Field(None, validation_alias=AliasChoices("cache_home", "XDG_CACHE_HOME"))
    """Where an assembled Neo4j is kept for all graphs; none: `~/.cache`."""

    text_model: str | None = None
    """A Hugging Face name or local folder of a sentence encoder; none: all-MiniLM-L6-v2 from its package."""

    log_level: str | None = None
    """The least severe level that is logged; none: INFO by the service, WARNING by every other command."""

    paths_through_users: bool = True
    """Whether an explanation may pass through another user (never named in its text)."""

    @property
    def cache_folder(self) -> Path:
        """What is the same for every home folder and can be fetched again."""
        return (self.cache_home or Path("~/.cache").expanduser()).absolute() / "trailmix"

    @property
    def graph_folder(self) -> Path:
        """The data folder of the graph server that Trailmix starts by itself."""
        return self.home.absolute() / "graph"

    @property
    def snapshots_folder(self) -> Path:
        """Cached graph snapshots, one folder each, named by fingerprint."""
        return self.home.absolute() / "snapshots"

    @property
    def models_folder(self) -> Path:
        """Trained models, one immutable folder a run."""
        return self.home.absolute() / "models"

    @property
    def text_cache_folder(self) -> Path:
        """Text vectors, keyed by the content they were made from."""
        return self.home.absolute() / "text-vectors"


def load_settings(**overrides: object) -> Settings:
    """Read the environment; `overrides` (those not None) win.

    Raises:
        SettingsError: a variable has a value that cannot be; the message names it.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise SettingsError(f"settings: {problems}") from None
