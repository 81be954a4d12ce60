"""Which categories a junk rule's reason stands for: the one place that says so."""

from __future__ import annotations

from filters.policy import Policy
from filters.policy_types import Rule

FURNITURE = (
    "consent_notice",
    "access_notice",
    "error_page",
    "navigation",
    "forum_chrome",
    "boilerplate_only",
    "code_or_data",
    "mojibake",
)

FAMILIES: dict[str, tuple[str, ...]] = {
    "market": ("market_table", "number_table"),
    "commerce": ("product_grid", "coupon_or_listing"),
    "seo": ("seo_spam",),
    "furniture": FURNITURE,
    "slop": ("machine_slop",),
}
"""What a rule over a family's signals stands for where its reason is not in `REASONS`."""

REASONS: dict[str, tuple[str, ...]] = {
    "ticker_table": ("market_table",),
    "ticker_list": ("market_table",),
    "quote_lines": ("market_table", "number_table"),
    "price_list": ("number_table", "market_table", "product_grid"),
    "mostly_numbers": ("number_table", "market_table"),
    "consent_notice": ("consent_notice",),
    "access_notice": ("access_notice",),
    "menu_page": ("navigation",),
    "assistant_text": ("machine_slop",),
    "stock_phrases": ("machine_slop",),
    "lorem_ipsum": ("boilerplate_only",),
}
"""A page dropped for the reason is one of these; any of them counts as right."""


def categories_of(rule: Rule) -> tuple[str, ...]:
    """The categories of a rule; none for a rule that is not about a kind of junk."""
    if rule.reason in REASONS:
        return REASONS[rule.reason]
    families = {condition.signal.partition(".")[0] for condition in rule.conditions}
    return tuple(name for family in FAMILIES if family in families for name in FAMILIES[family])


def reason_categories(policy: Policy) -> dict[str, tuple[str, ...]]:
    """The categories of every junk rule of a policy, by reason."""
    found = {rule.reason: categories_of(rule) for rule in policy.rules}
    return {reason: categories for reason, categories in found.items() if categories}
