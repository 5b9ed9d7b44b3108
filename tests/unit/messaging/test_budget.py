from shared.messaging.budget import DeadLetterBudget
from shared.messaging.limits import BudgetLimits


def test_single_bad_events_between_good_ones_never_spend_the_budget() -> None:
    budget = DeadLetterBudget(BudgetLimits(consecutive=3, ratio=0.5, window=10))
    for _ in range(100):
        budget.dead_lettered()
        budget.acted_on()
        budget.acted_on()
    assert budget.spent is None


def test_too_many_in_a_row_spend_it() -> None:
    budget = DeadLetterBudget(BudgetLimits(consecutive=3))
    budget.dead_lettered()
    budget.dead_lettered()
    assert budget.spent is None
    budget.dead_lettered()
    assert budget.spent == "3 events in a row went to dead-letter"


def test_too_large_a_share_spends_it_once_enough_were_seen() -> None:
    budget = DeadLetterBudget(BudgetLimits(consecutive=100, ratio=0.5, window=10))
    for _ in range(4):
        budget.dead_lettered()
        budget.dead_lettered()
        budget.acted_on()
    assert budget.spent == "6 of the last 10 events went to dead-letter"


def test_where_anybody_publishes_one_tenant_alone_never_spends_it() -> None:
    budget = DeadLetterBudget(BudgetLimits(consecutive=3, window=10, tenants=2))
    for _ in range(50):
        budget.dead_lettered("mallory")
    assert budget.spent is None
    budget.dead_lettered("acme")
    assert budget.spent == "51 events in a row went to dead-letter"
