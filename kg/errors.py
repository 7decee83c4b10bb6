"""The exception hierarchy: every error that Trailmix raises deliberately.

    TrailmixError
    ├── UsageError               the request of the caller is invalid                  exit 2, HTTP 400
    │   ├── MappingError         invalid mapping file; names the file, key and nearest valid name
    │   ├── SettingsError        invalid environment variable or option; names it
    │   ├── InvalidFieldsError   fields of a request name what the graph does not have  HTTP 422
    │   └── UnknownIdError       no node of the label has the id                       HTTP 404
    ├── DataError                invalid input; names the file, row, column and value  exit 1, HTTP 422
    │   └── MissingDataError     data that are needed are not there, such as times or a file
    ├── GraphError               the graph store failed                                exit 1, HTTP 503
    │   ├── GraphUnavailableError  no server answers at the address, or it refused the login
    │   ├── GraphServerError     a local server could not be installed, started or stopped
    │   ├── GraphSchemaError     the stored schema conflicts with the requested one, or does not exist
    │   └── QueryError           the server refused a statement
    ├── OutboxError              the outbox of events cannot be read or written         exit 1, HTTP 503
    │   └── OutboxFullError      there is no space left for it                         HTTP 507
    ├── ModelWorseError          a model is worse than the one in use                  exit 1, HTTP 409
    └── ArtifactError            a model, snapshot or cache on disk is missing, damaged or of another version
                                                                                       exit 1, HTTP 503

Exit codes and HTTP statuses are assigned in `scripts/main.py` and `service/problems.py`, and nowhere else.
A message says what is wrong, where, and what to do; it never holds a password.
"""

from collections.abc import Sequence


class TrailmixError(Exception):
    """The base class of all Trailmix errors."""


class UsageError(TrailmixError):
    """The request of the caller is invalid."""


class MappingError(UsageError):
    """A mapping file is wrong; the message names the file, the key and the nearest valid name."""


class SettingsError(UsageError):
    """An environment variable or option is wrong; the message names it."""


class InvalidFieldsError(UsageError):
    """Fields of a request name what the graph does not have, or compare what cannot be compared."""

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        """`fields` are JSON Pointers (RFC 6901) into the request, each with what is wrong there."""
        super().__init__("; ".join(detail for _, detail in fields[:5]))
        self.fields = tuple(fields)


class UnknownIdError(UsageError, KeyError):
    """No node of this label has this id."""

    def __init__(self, label: str, external_id: str) -> None:
        super().__init__(f"no {label} has the id {external_id!r}")
        self.label = label
        self.external_id = external_id

    def __str__(self) -> str:  # KeyError.__str__ returns the repr of the message
        return str(self.args[0])


class DataError(TrailmixError):
    """Input data is wrong; the message names the file, row, column and value."""


class MissingDataError(DataError):
    """Data that are needed are not there, such as the times of events or a file of a folder."""


class GraphError(TrailmixError):
    """The graph store failed."""


class GraphUnavailableError(GraphError):
    """No graph server answers at the address, or it refused the login."""


class GraphServerError(GraphError):
    """A graph server that Trailmix manages could not be installed, started or stopped."""


class GraphSchemaError(GraphError):
    """The stored schema conflicts with the requested one, or the graph has no schema yet."""


class QueryError(GraphError):
    """The server refused a statement."""


class ArtifactError(TrailmixError):
    """A model, snapshot or cache on disk is missing, damaged or of another version."""


class OutboxError(TrailmixError):
    """The outbox of events cannot be read or written; nothing of the request was kept."""


class OutboxFullError(OutboxError):
    """There is no space left for the outbox; nothing of the request was kept."""


class ModelWorseError(TrailmixError):
    """A model is worse than the one in use by more than the margin; it was not activated."""
