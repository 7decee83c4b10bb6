"""Rules as the API shows them."""

from service.rules.compiled import iso_time
from service.rules.contract import RuleState, RuleView
from service.rules.store import StoredRule


def rule_view(rule: StoredRule) -> RuleView:
    """A rule with what its query returned last."""
    return RuleView(
        name=rule.name,
        rule=rule.definition,
        state=RuleState(
            items=len(rule.result.ids),
            unknown=rule.result.unknown,
            evaluated_at=iso_time(rule.evaluated_at),
            seconds=rule.result.seconds,
            stale_since=None if rule.stale_since is None else iso_time(rule.stale_since),
            reason=rule.reason or None,
        ),
    )
