"""`trailmix recommend`: recommendations at the command line, as the service gives them."""

import uuid
from typing import Annotated

import typer


def command(
    user: Annotated[
        str | None, typer.Argument(help="A user's id; one that nobody has is a new user.")
    ] = None,
    k: Annotated[int, typer.Option("--k", help="How many items.")] = 10,
    history: Annotated[
        list[str] | None, typer.Option("--history", help="The id of an item they liked.")
    ] = None,
    like: Annotated[list[str] | None, typer.Option("--like", help="An entity they like, `Label:id`.")] = None,
    text: Annotated[str | None, typer.Option("--text", help="What they want, in their own words.")] = None,
    score_contributions: Annotated[
        bool, typer.Option("--score-contributions", help="What each scorer contributed to each score.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="The answer of POST /recommend.")] = False,
) -> None:
    """Recommend items to a user, each with the path that explains it.

    Example: trailmix recommend 15 --k 5 --text "something scary"
    """
    from pydantic import ValidationError

    from kg.errors import UsageError
    from kg.settings import load_settings
    from scripts.printing import print_recommendation
    from service.contract import RecommendRequest
    from service.loading import load_recommender

    try:
        request = RecommendRequest(
            user_id=user,
            history=history or [],
            likes=like or [],
            text=text,
            k=k,
            score_contributions=score_contributions,
        )
    except ValidationError as error:
        raise UsageError(
            "; ".join(f"{'.'.join(map(str, x['loc']))}: {x['msg']}" for x in error.errors())
        ) from None
    recommender = load_recommender(load_settings(), warm_up=bool(text))
    answer = recommender.recommend(request, request_id=uuid.uuid4().hex)
    if json:
        print(answer.model_dump_json(indent=2))
    else:
        print_recommendation(
            f"user {user}" if user else "you", recommender.liked(user) if user else [], answer
        )
