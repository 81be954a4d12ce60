"""The pages of reasons: all with what has them, and those of junk on a page of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from thresher.filters.junk.examples import examples, site_examples
from thresher.filters.policy.published import published
from thresher.jobs.docs.blocks import Verbatim, markdown, table
from thresher.jobs.docs.entries import Entry, Kind, entries
from thresher.pipeline.inspect.reasons import reference, stage_reasons

_KINDS: Mapping[Kind, tuple[str, str]] = {
    "gated": (
        "Gated",
        "Fine but not wanted, and stopped before measuring. The view `quarantine` has a sample.",
    ),
    "failed": (
        "Failed",
        "Damaged, or more than the tools can bear. The view `quarantine` has them all.",
    ),
    "rule": (
        "Dropped by a published rule",
        "Measured, and dropped by a rule that others published, or that stands beside such rules.",
    ),
    "junk": ("Dropped as junk", "Measured, and dropped by a rule of Thresher's own."),
    "stage": (
        "Dropped by a stage",
        "Measured, and dropped for another document, or for what the transforms left of it.",
    ),
}
_HOW_TO_READ: Mapping[Kind, str] = {
    "gated": (
        "In the examples of what no rule decides, `gates.min_characters` is 1 and "
        "`gates.languages` is empty unless it is said, so that a page may be short. "
        "`{ferry:20 words}` stands for the first 20 words of a text below. A test lets the "
        "pipeline read every file."
    ),
    "rule": (
        "A rule drops where every line of a policy's column holds; where a signal is NULL, it does "
        "not. All texts are composed for this page: `{prose:49 words}` stands for the first 49 "
        "words of a text below, which begins again at its end, `{entry*3}` for three of them "
        "below each other. A test measures and judges every one under every policy that has the "
        "rule, and finds it within a tenth of the bound."
    ),
}


def reasons_page() -> Iterator[str]:
    """The page of all reasons, paragraph by paragraph; of those of junk it has the list."""
    yield "# Reasons"
    yield (
        "Why a record is not in the curated shards: what each reason measures, the exact test "
        "under every shipped policy, who published it and where readings of it differ, and what "
        "just has it and what just has not. `thresher reasons NAME` prints the same; `thresher "
        "explain` and the report of a run point here. The decision of a dropped document lists "
        "all its reasons, and the first of them is the one that it is counted under."
    )
    for kind, (title, what) in _KINDS.items():
        mine = [each for each in entries() if each.kind == kind]
        yield f"# {title}"
        yield what
        yield _index(mine, "reasons.md")
        if kind == "junk":
            continue
        if kind in _HOW_TO_READ:
            yield _HOW_TO_READ[kind]
        for each in mine:
            yield from section(each, "reasons.md")
    yield from _texts({**stage_reasons().parts, **published().parts})


def junk_page() -> Iterator[str]:
    """The page of junk, paragraph by paragraph."""
    yield "# Junk"
    yield (
        "The junk rules of `junk-gentle`, `web-en` and `junk-strict`, which differ in bounds "
        "only, each with texts that `web-en` drops and near misses that it keeps; of the three "
        "texts `junk-gentle` drops one at least, and `junk-strict` keeps one at least. A rule "
        "drops where every line of a policy's column holds; where a signal is NULL, it does not. "
        "All texts are composed for this page, and a test measures and judges every one. `{name}` "
        "stands for a text below, `{name*3}` for three of them; what begins with `<html>` is a "
        "page, which is extracted first."
    )
    yield (
        "Rules that ask `junk.*` ask the junk model, learned from judged pages in two additive "
        "steps, both plain files: `filters/junk/terms.txt` weighs words and pairs, and the trees "
        "of `filters/junk/model.json` add up what every signal of the text and these weights say. "
        "The model only measures: the bounds are in the policy. Rules that name a kind of junk "
        "by other signals may ask `junk.any_score` for a second opinion, with a lower bound."
    )
    junk = [each for each in entries() if each.kind == "junk"]
    yield _index(junk, "junk.md")
    about_sites = {rule.reason for rule in site_examples().rules}
    for each in junk:
        if each.reason not in about_sites:
            yield from section(each, "junk.md")
    yield "# Rules about sites"
    yield (
        "These look at the sums over a site (`site.*`), which are NULL without a registered domain "
        "or with fewer pages than `sites.min_pages`; then the rule does not fire. Each also asks "
        "the page itself, so that a page unlike its site stays. No rule names `collapse.*`: it "
        "says how far a shard or site is from the others of the run, which depends on these and "
        "blames no page; the report and `thresher diversity` show it. None names "
        "`site.ticker_fraction`: the rules of single pages drop every composed page of quotes."
    )
    for each in junk:
        if each.reason in about_sites:
            yield from section(each, "junk.md")
    yield from _texts(examples().parts)


def section(each: Entry, page: str) -> Iterator[str]:
    """A reason on a page, paragraph by paragraph."""
    yield f"## {each.reason}"
    yield from map(markdown, each.blocks)
    if each.related:
        yield f"Related: {', '.join(link(name, page) for name in each.related)}."


def link(reason: str, page: str) -> str:
    """A link to a reason from one of the pages; just its name where it has no place."""
    where = reference(reason).rpartition("/")[2]
    return f"[`{reason}`]({where.removeprefix(page)})" if where else f"`{reason}`"


def _index(mine: Iterable[Entry], page: str) -> str:
    rows = sorted(
        (link(each.reason, page), each.meaning, ", ".join(each.policies)) for each in mine
    )
    if not any(policies for _, _, policies in rows):
        return table(("reason", "meaning"), [row[:2] for row in rows])
    return table(("reason", "meaning", "policies"), rows)


def _texts(parts: Mapping[str, str]) -> Iterator[str]:
    yield "# Texts"
    for name, text in parts.items():
        yield f"## {name}"
        yield markdown(Verbatim(text))
