"""What users state of themselves, kept as properties of their nodes: what they like, mute and block."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

PREFIX = "profile_"
"""The properties are called `profile_likes`, `profile_mutes` and `profile_blocks`."""


@dataclass(frozen=True)
class UserProfile:
    """Entities and items, each written `Label:id`."""

    likes: tuple[str, ...] = ()
    mutes: tuple[str, ...] = ()
    """What has less weight than it would have."""
    blocks: tuple[str, ...] = ()
    """What must not be recommended, nor anything with a fact to it."""

    def __bool__(self) -> bool:
        return bool(self.likes or self.mutes or self.blocks)

    def changed(self, properties: Mapping[str, Any]) -> Self:
        """The profile with those of a user's properties that are its own, where they are given."""
        given = {
            x.name: _texts(properties[PREFIX + x.name]) for x in fields(self) if PREFIX + x.name in properties
        }
        return replace(self, **given)

    def lines(self) -> Iterable[str]:
        """The content, for a hash."""
        return (f"{x.name} {name}" for x in fields(self) for name in getattr(self, x.name))


PROFILE_PROPERTIES = tuple(PREFIX + x.name for x in fields(UserProfile))
"""The names of the properties."""


def _texts(value: Any) -> tuple[str, ...]:
    """A list of texts; whatever another program stored in its place counts as far as it is one."""
    values = value if isinstance(value, list) else [value]
    return tuple(x for x in values if isinstance(x, str))
