"""`trailmix recommend`: recommendations at the command line, as the service gives them."""

import uuid
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from kg.errors import UsageError
from kg.settings import load_settings
from scripts.printing import print_recommendation
from service.contract import RecommendRequest
from service.loading import load_recommender


def command(
    user: Annotated[
        str | None, typer.Argument(help="A user's id; an id that is not in the graph is a new user.")
    ] = None,
    k: Annotated[int, typer.Option("--k", help="The number of items to recommend.")] = 10,
    history: Annotated[
        list[str] | None, typer.Option("--history", help="The id of an item the user liked; may be repeated.")
    ] = None,
    like: Annotated[
        list[str] | None,
        typer.Option("--like", help="An entity the user likes, as `Label:id`; may be repeated."),
    ] = None,
    text: Annotated[str | None, typer.Option("--text", help="What the user wants, in free text.")] = None,
    rule: Annotated[
        list[str] | None,
        typer.Option("--rule", help="A rule that applies, beside those that always do; may be repeated."),
    ] = None,
    score_contributions: Annotated[
        bool, typer.Option("--score-contributions", help="Show what each scorer contributed to each score.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print the answer that POST /recommend gives, as JSON.")
    ] = False,
) -> None:
    """Recommend items to a user, each with the path that explains it.

    Example: trailmix recommend 15 --k 5 --text "something scary"
    """
    request = _request(
        user_id=user,
        history=history or [],
        likes=like or [],
        text=text,
        k=k,
        rules=rule or None,
        score_contributions=score_contributions,
    )
    recommender = load_recommender(load_settings(), warm_up=bool(text))
    answer = recommender.recommend(request, request_id=uuid.uuid4().hex)
    if json:
        print(answer.model_dump_json(indent=2))
        return
    liked = recommender.liked(user) if user else []
    print_recommendation(f"user {user}" if user else "you", liked, answer)


def _request(**fields: Any) -> RecommendRequest:
    try:
        return RecommendRequest(**fields)
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, x['loc']))}: {x['msg']}" for x in error.errors())
        raise UsageError("; ".join(wrong)) from None
