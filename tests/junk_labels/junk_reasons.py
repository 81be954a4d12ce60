"""Which categories a junk rule's reason stands for: the one place that says so."""

from __future__ import annotations

from thresher.filters.policy import Policy
from thresher.filters.policy.types import Rule

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

_TABLES = ("market_table", "number_table")
_SELLING = ("product_grid", "coupon_or_listing", "seo_spam")

FAMILIES: dict[str, tuple[str, ...]] = {
    "market": _TABLES,
    "commerce": ("product_grid", "coupon_or_listing"),
    "seo": ("seo_spam",),
    "furniture": FURNITURE,
    "slop": ("machine_slop",),
    "junk": (*_TABLES, *_SELLING, *FURNITURE),
}
"""What a rule over a family's signals stands for where its reason is not in `REASONS`."""

_MENUS = ("navigation", "forum_chrome", "boilerplate_only")

REASONS: dict[str, tuple[str, ...]] = {
    "ticker_table": ("market_table",),
    "ticker_list": ("market_table",),
    "quote_page": ("market_table",),
    "price_list": (*_TABLES, "product_grid"),
    "mostly_numbers": _TABLES,
    "number_rows": _TABLES,
    "schedule_table": (*_TABLES, "navigation"),
    "figures_page": _TABLES,
    "part_list": (*_TABLES, "code_or_data"),
    "product_grid": _SELLING,
    "price_lines": (*_SELLING, "number_table"),
    "coupon_page": _SELLING,
    "listing_page": _SELLING,
    "doorway_page": ("seo_spam",),
    "sales_pitch": _SELLING,
    "affiliate_page": ("seo_spam",),
    "phrase_stuffing": ("seo_spam", "coupon_or_listing", "navigation"),
    "link_farm": ("navigation", "seo_spam", "boilerplate_only"),
    "no_grammar": ("navigation", "seo_spam", "number_table", "code_or_data"),
    "consent_notice": ("consent_notice",),
    "access_notice": ("access_notice",),
    "members_only": ("access_notice", "forum_chrome"),
    "error_page": ("error_page",),
    "menu_page": _MENUS,
    "navigation_page": _MENUS,
    "link_page": _MENUS,
    "archive_page": _MENUS,
    "forum_page": ("forum_chrome", "navigation"),
    "copyright_only": ("boilerplate_only", "navigation"),
    "small_print": ("boilerplate_only", "consent_notice"),
    "no_prose": (*_MENUS, *_TABLES, "code_or_data"),
    "raw_code": ("code_or_data",),
    "encoded_data": ("code_or_data",),
    "mojibake": ("mojibake",),
    "placeholder_latin": ("boilerplate_only",),
    "assistant_text": ("machine_slop",),
    "unfilled_template": ("machine_slop", "boilerplate_only"),
    "machine_style": ("machine_slop",),
    "lorem_ipsum": ("boilerplate_only",),
    "market_junk": _TABLES,
    "commerce_junk": ("product_grid", "coupon_or_listing"),
    "seo_junk": ("seo_spam",),
    "furniture_junk": FURNITURE,
    "junk_page": (*_TABLES, *_SELLING, *FURNITURE),
}
"""A page dropped for the reason is one of these; any of them counts as right."""


ANY_KIND = "junk_page"
"""The reason that names no kind: right where the page is junk, but it finds none of a kind."""

GROUPS: dict[str, tuple[str, ...]] = {
    "market and numbers": _TABLES,
    "commerce and SEO": _SELLING,
    "page furniture": FURNITURE,
    "machine slop": ("machine_slop",),
}
"""The kinds, by dimension."""


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
