"""The settings, and the only reader of the environment."""

from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from kg.errors import SettingsError


class Settings(BaseSettings):
    """All settings; the defaults suit a single laptop.

    The variables begin with `TRAILMIX_`, except `NEO4J_*`, `JAVA_HOME` and `XDG_CACHE_HOME`.
    """

    model_config = SettingsConfigDict(
        env_prefix="TRAILMIX_", frozen=True, extra="ignore", populate_by_name=True
    )

    home: Path = Path(".trailmix")
    """Folder of the embedded graph, snapshots, models, caches and logs."""

    neo4j_uri: str | None = Field(None, validation_alias=AliasChoices("neo4j_uri", "NEO4J_URI"))
    """A Neo4j server to use instead of the one that Trailmix manages, e.g. `bolt://localhost:7687`."""

    neo4j_username: str = Field("neo4j", validation_alias=AliasChoices("neo4j_username", "NEO4J_USERNAME"))
    """The user name for that server."""

    neo4j_password: SecretStr = Field(
        SecretStr(""), validation_alias=AliasChoices("neo4j_password", "NEO4J_PASSWORD")
    )
    """The password for that server; empty means no authentication."""

    neo4j_database: str = Field("neo4j", validation_alias=AliasChoices("neo4j_database", "NEO4J_DATABASE"))
    """The database on that server."""

    neo4j_home: Path | None = Field(None, validation_alias=AliasChoices("neo4j_home", "NEO4J_HOME"))
    """An unpacked Neo4j distribution for `trailmix graph start --engine neo4j`."""

    java_home: Path | None = Field(None, validation_alias=AliasChoices("java_home", "JAVA_HOME"))
    """The installation of Java 17 or 21 for that Neo4j; none: the java on the PATH."""

    cache_home: Path | None = Field(None, validation_alias=AliasChoices("cache_home", "XDG_CACHE_HOME"))
    """The folder of the downloaded Neo4j jars, shared by all graphs; none: `~/.cache`."""

    text_model: str | None = None
    """The Hugging Face name or local folder of a sentence encoder; none: all-MiniLM-L6-v2 from a package."""

    log_level: str | None = None
    """The minimum severity to log; none: INFO for the service, WARNING for every other command."""

    event_types: dict[str, str] = {}
    """Further types of events, as JSON: by name the interaction that such an event is, or with `=value`."""

    model_margin: float = Field(0.05, ge=0, le=1)
    """How much worse a model may be than the one in use, as a share of its NDCG@20, to come into use."""

    admin_token: SecretStr | None = None
    """What a request must bear to change which model is active; none: it must come from this machine."""

    rule_interval: float = Field(60.0, ge=1, allow_inf_nan=False)
    """Seconds after which the service evaluates a rule again."""

    rule_timeout: float = Field(10.0, gt=0, le=300, allow_inf_nan=False)
    """Seconds that the query of a rule may take."""

    rule_procedures: tuple[str, ...] = ()
    """The procedures that the query of a rule may call, as a JSON list."""

    paths_through_users: bool = True
    """Whether an explanation may pass through another user (never named in its text)."""

    @property
    def cache_folder(self) -> Path:
        """The cache shared by all home folders; its content can be downloaded again."""
        return (self.cache_home or Path("~/.cache").expanduser()).absolute() / "trailmix"

    @property
    def graph_folder(self) -> Path:
        """The data folder of the graph server that Trailmix manages."""
        return self.home.absolute() / "graph"

    @property
    def snapshots_folder(self) -> Path:
        """Cached graph snapshots, one folder each, named by fingerprint."""
        return self.home.absolute() / "snapshots"

    @property
    def models_folder(self) -> Path:
        """Trained models, one immutable folder per training run."""
        return self.home.absolute() / "models"

    @property
    def outbox_folder(self) -> Path:
        """The events that the service accepted."""
        return self.home.absolute() / "outbox"

    @property
    def rules_folder(self) -> Path:
        """The rules with their last results."""
        return self.home.absolute() / "rules"

    @property
    def text_cache_folder(self) -> Path:
        """Cached text vectors, keyed by the encoded content."""
        return self.home.absolute() / "text-vectors"


def load_settings(**overrides: object) -> Settings:
    """Read the environment; `overrides` that are not None take precedence.

    Raises:
        SettingsError: a variable has an invalid value; the message names the variable.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise SettingsError(f"settings: {problems}") from None
