"""What became of users since a snapshot: who was made, changed or deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kg.item_changes import ItemChange
from kg.user_profiles import PROFILE_PROPERTIES, UserProfile


@dataclass(frozen=True)
class UsersSince:
    """The users whom a change concerned."""

    deleted: frozenset[str] = frozenset()
    """Users whose events in the snapshot are gone, whatever came after."""
    made: frozenset[str] = frozenset()
    """Users who were put or patched and not deleted after."""
    replaced: Mapping[str, UserProfile] = field(default_factory=dict)
    """What the users state now who were put or deleted."""
    patched: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Properties of profiles that were patched since."""

    def changed(self, changes: Sequence[ItemChange]) -> "UsersSince":
        """After some changes of users, in order."""
        deleted, made = set(self.deleted), set(self.made)
        replaced, patched = dict(self.replaced), {user: dict(x) for user, x in self.patched.items()}
        for change in changes:
            own = {name: x for name, x in change.properties.items() if name in PROFILE_PROPERTIES}
            if change.operation == "patch":
                patched.setdefault(change.id, {}).update(own)
            else:
                patched.pop(change.id, None)
                replaced[change.id] = UserProfile().changed(own)
            if change.operation == "delete":
                deleted.add(change.id)
                made.discard(change.id)
            else:
                made.add(change.id)
        return UsersSince(frozenset(deleted), frozenset(made), replaced, patched)

    def profile(self, user_id: str, before: UserProfile) -> UserProfile:
        """What a user states now, who stated that in the snapshot."""
        return self.replaced.get(user_id, before).changed(self.patched.get(user_id, {}))
