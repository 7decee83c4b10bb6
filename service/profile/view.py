"""A user's profile: interests from the events, and what the user stated."""

from collections.abc import Iterable

from kg.errors import UnknownIdError
from kg.schema import LONGEST_ID
from service.contract import PathNode, RecommendRequest
from service.found.item import node_ref
from service.profile.contract import ProfileAnswer, StatedProfile
from service.profile.interests import Interests
from service.request_reader import Lookups, read_request


class ProfileView:
    """Shows profiles over one snapshot; safe to share between threads."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups, self._interests = lookups, Interests(lookups.snapshot)

    def show(self, user_id: str) -> ProfileAnswer:
        """The profile of a user.

        Raises:
            UnknownIdError: neither the graph nor a later event or change has the user.
        """
        lookups, snapshot = self._lookups, self._lookups.snapshot
        if len(user_id) > LONGEST_ID:
            raise UnknownIdError(snapshot.users.label, user_id)
        context = read_request(RecommendRequest(user_id=user_id), lookups)
        stated = lookups.profile(user_id)
        if context.user is None and not context.seen and not stated and not lookups.is_made(user_id):
            raise UnknownIdError(snapshot.users.label, user_id)
        seen = context.seen.union(lookups.seen_in_snapshot(context.user).tolist())
        liked = [item for item, kind in context.history.items() if kind is not None]
        interests, avoided = self._interests.of(liked, sorted(seen - set(liked)))
        return ProfileAnswer(
            user_id=user_id,
            user_state=context.user_state(lookups.config.hot_from),
            liked_items=len(liked),
            disliked=[node_ref(snapshot, x) for x in context.disliked if x in seen],
            stated=StatedProfile(
                likes=self._nodes(stated.likes),
                mutes=self._nodes(stated.mutes),
                blocks=self._nodes(stated.blocks),
            ),
            interests=interests,
            avoided=avoided,
        )

    def _nodes(self, names: Iterable[str]) -> list[PathNode]:
        """Those that the graph still has."""
        return [node_ref(self._lookups.snapshot, x) for name in names for x in self._lookups.nodes(name)[:1]]
