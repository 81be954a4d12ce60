"""HTML around the texts: site furniture to be told from the article, and markup gone wrong."""

from __future__ import annotations

import random
from collections.abc import Sequence
from html import escape
from string import Template

from thresher.jobs.sample.grammar import Text, bank

_PAPER = Template("""<!DOCTYPE html>
<html lang="$language"><head>$charset<title>$title - $site</title>
<meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="/assets/site.css"><script>window.site = "$site";</script></head>
<body><header><a class="logo" href="/">$site</a><nav><ul>$menu</ul></nav></header>
<div id="cookie-banner" class="cookie-consent" role="dialog"><p>$cookie</p>
<button>$button</button></div>
<main><article><h1>$title</h1><p class="byline">By the editors, $date</p>
$body
</article><aside class="sidebar"><h3>$blurb</h3><ul>$links</ul></aside></main>
<footer><p>Copyright $site. All rights reserved.</p><ul>$menu</ul></footer></body></html>
""")
_BLOG = Template("""<!DOCTYPE html>
<html lang="$language"><head>$charset<title>$title | $site</title>
<style>.post { margin: 0 auto } .widget { float: right }</style></head>
<body class="single"><div id="header" class="site-header"><div class="menu"><ul>$menu</ul></div>
<form class="search"><input name="q"><button>Search</button></form></div>
<div id="content" class="content"><div class="post"><h1 class="entry-title">$title</h1>
<div class="entry-content">
$body
</div><div class="share social">Share this page</div></div>
<div class="widget sidebar related"><h4>$blurb</h4><ul>$links</ul></div></div>
<div id="footer" class="footer">$site - $date - <a href="/privacy">Privacy</a></div>
<script src="/js/track.js"></script></body></html>
""")
_WIKI = Template("""<!DOCTYPE html>
<html lang="$language"><head>$charset<title>$title</title></head>
<body><div id="mw-head" class="noprint nav"><ul>$menu</ul></div>
<div id="content" role="main"><h1 id="firstHeading">$title</h1>
<div id="bodyContent"><div class="mw-parser-output">
$body
</div></div></div>
<div id="mw-panel" class="navigation"><h3>$blurb</h3><ul>$links</ul></div>
<div id="footer" role="contentinfo"><ul><li>Last edited on $date</li><li>$site</li></ul></div>
</body></html>
""")
_OLD = Template("""<html><head>$charset<title>$title</title></head>
<body bgcolor="#ffffff" text="#000000"><center><font size="5" color="#990000">$site</font></center>
<hr><div class="menu"><ul>$links</ul></div><hr>
<h2>$title</h2>
$body
<hr><div class="footer"><font size="1">$site, last changed $date</font></div></body></html>
""")
THEMES = {"paper": _PAPER, "blog": _BLOG, "wiki": _WIKI, "old": _OLD}
# Deeper than what silences trafilatura and readability, and than the depth a reader should allow.
NESTING = 900


def page(
    title: str,
    body: str,
    rng: random.Random,
    *,
    theme: str = "",
    language: str = "en",
    charset: str = "utf-8",
) -> str:
    """A whole page: `body` (HTML) in the furniture of an invented site.

    Args:
        title: the headline, as plain text.
        body: the main content, as HTML.
        rng: draws the site, its menu and, where none is asked for, the theme.
        theme: one of `THEMES`.
        language: the `lang` attribute.
        charset: what a meta tag declares; no meta tag where empty.
    """
    walls, names = bank("walls"), bank("names")
    theme = theme or rng.choice(sorted(THEMES))
    site = f"The {rng.choice(names['towns'])} {rng.choice(('Review', 'Courier', 'Notebook'))}"
    return THEMES[theme].substitute(
        title=escape(title),
        body=body,
        site=site,
        language=language,
        charset=f'<meta charset="{charset}">' if charset else "",
        menu=links(rng.sample(walls["menu"], 9)),
        links=links(rng.sample(walls["menu"], 6)),
        blurb=rng.choice(walls["blurb"][1:]),
        cookie=rng.choice(walls["cookie"][:4]),
        button=rng.choice(walls["cookie_buttons"]),
        date=f"{rng.randint(1, 28)} {rng.choice(names['months'])} {rng.randint(2009, 2024)}",
    )


def article(text: Text) -> str:
    """Paragraphs, the way a content system writes them."""
    return "\n".join(f"<p>{escape(paragraph, quote=False)}</p>" for paragraph in text.paragraphs)


def links(labels: Sequence[str]) -> str:
    """List items that lead somewhere."""
    return "".join(
        f'<li><a href="/{label.lower().replace(" ", "-")}">{escape(label)}</a></li>'
        for label in labels
    )


def table(rows: Sequence[Sequence[str]]) -> str:
    """A table, its first row the heading."""
    cells = ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows]
    return f'<table class="data">{"".join(cells)}</table>'


def unclosed(html: str) -> str:
    """The page as careless hands write it: end tags missing, others closed in the wrong order."""
    for tag in ("</p>", "</li>", "</ul>", "</aside>", "</header>", "</html>", "</body>"):
        html = html.replace(tag, "")
    return html.replace("</h1>", "</b></h1>").replace("<p>", "<p><i><b></i>", 2)


def deeply_nested(html: str) -> str:
    """The page with a pile of open elements before its end, as templates in a loop produce."""
    return html.replace("</body>", "<div><span>" * NESTING + "</body>")


def with_nuls(html: str) -> str:
    """The page with stray NUL characters between its elements and one inside a word."""
    head, found, tail = html.partition("</p>")
    assert found, "a page of paragraphs was expected"
    return head + "\0" + found + "\0\0" + tail.replace(" the ", " t\0he ", 1)
