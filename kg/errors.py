"""Every error Trailmix raises on purpose, as one tree.

    TrailmixError
    ├── UsageError               the caller asked for something that cannot be         exit 2, HTTP 400
    │   ├── MappingError         a mapping file: names the file, the key, a near name
    │   ├── SettingsError        the environment or an option: names the variable
    │   └── UnknownIdError       an id that no node of the label has                   HTTP 404
    ├── DataError                input data: names the file, row, column and value     exit 1, HTTP 422
    ├── GraphError               the graph store                                       exit 1, HTTP 503
    │   ├── GraphUnavailableError  no server answers there, or it refused the login
    │   ├── GraphServerError     a server of our own could not be assembled, started or stopped
    │   ├── GraphSchemaError     the stored schema and the asked-for one disagree, or there is none
    │   └── QueryError           the server refused a statement
    └── ArtifactError            a model, snapshot or cache on disk: missing, damaged or of another version
                                                                                       exit 1, HTTP 503

Exit codes and HTTP statuses are assigned in `scripts/main.py` and `service/problems.py`, and nowhere else.
A message says what is wrong, where, and what to do; it never holds a password.
"""


class TrailmixError(Exception):
    """The root of the tree."""


class UsageError(TrailmixError):
    """The caller asked for something that cannot be."""


class MappingError(UsageError):
    """A mapping file is wrong; the message names the file, the key and the nearest valid name."""


class SettingsError(UsageError):
    """An environment variable or option is wrong; the message names it."""


class UnknownIdError(UsageError, KeyError):
    """No node of this label has this id."""

    def __init__(self, label: str, external_id: str) -> None:
        super().__init__(f"no {label} has the id {external_id!r}")
        self.label = label
        self.external_id = external_id

    def __str__(self) -> str:  # KeyError would print the message quoted
        return str(self.args[0])


class DataError(TrailmixError):
    """Input data is wrong; the message names the file, row, column and value."""


class GraphError(TrailmixError):
    """The graph store failed."""


class GraphUnavailableError(GraphError):
    """No graph server answers there, or it refused the login."""


class GraphServerError(GraphError):
    """A graph server of our own could not be assembled, started or stopped."""


class GraphSchemaError(GraphError):
    """The stored schema and the asked-for one disagree, or the graph has none yet."""


class QueryError(GraphError):
    """The server refused a statement."""


class ArtifactError(TrailmixError):
    """A model, snapshot or cache on disk is missing, damaged or of another version."""
