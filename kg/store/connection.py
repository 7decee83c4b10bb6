"""The address and login of a graph server; importing this module does not import the driver."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr


@dataclass(frozen=True)
class Connection:
    """The address and login of a graph server; an empty password means no authentication."""

    uri: str
    username: str
    password: SecretStr
    database: str

    @property
    def auth(self) -> tuple[str, str] | None:
        """The `auth` argument for the driver: (user name, password), or None."""
        password = self.password.get_secret_value()
        return (self.username, password) if password else None

    @property
    def address(self) -> str:
        """The URI without a user name and password that it may contain."""
        parts = urlsplit(self.uri)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
