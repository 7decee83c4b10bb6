"""Where a graph server is and how to log in; no driver is needed to say so."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr


@dataclass(frozen=True)
class Connection:
    """Where a graph server is and how to log in; an empty password means no authentication."""

    uri: str
    username: str
    password: SecretStr
    database: str

    @property
    def auth(self) -> tuple[str, str] | None:
        """What the driver wants to log in with."""
        password = self.password.get_secret_value()
        return (self.username, password) if password else None

    @property
    def address(self) -> str:
        """The URI without any user and password that someone put into it."""
        parts = urlsplit(self.uri)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
