"""Short lines that are furniture, and headings behind which the text is over, in many languages.

A line is compared without case, digits, marks and spaces: `12 Comments »` is `comments`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FURNITURE = """
share|tweet|print|email|e-mail|pin|pin it|save|like|reply|report|quote|permalink|link|edit|menu|
search|home|login|log in|log out|logout|sign in|sign up|register|subscribe|follow|next|previous|
prev|back|top|close|loading|advertisement|advertisements|ad|ads|sponsored|promoted|facebook|
twitter|pinterest|linkedin|whatsapp|reddit|tumblr|google|instagram|youtube|comment|comments|
shares|likes|views|more|read more|learn more|view more|see more|show more|load more|view all|
see all|show all|continue reading|click here|back to top|go to top|scroll to top|
toggle navigation|download|buy now|add to cart|tags|category|categories|uncategorized|photo|image|
video|author|posted|published|updated|share this|share article|share this article|share this post|
share this page|tweet this|email this|print this|no comments|no comments yet|comments off|
table of contents|contents|opens in a new window|view profile|view post|upvote|downvote|vote|
vote up|vote down|flag|hide|share on facebook|share on twitter|share on linkedin|copy link|
link copied|listen|play|pause|mute|skip|cancel|submit|send|ok|yes|no|accept|accept all|reject all|
manage preferences|dismiss|min read|minute read|mins read|am|pm|by|on|in|at|source|via|credit|
filed under|tagged|posted in|posted on|posted by|rss|atom|xml|feed|about|contact|contact us|
about us|privacy|terms|help|faq|sitemap|site map|newsletter|jump to|go to|skip to content|
skip to main content|skip navigation|all rights reserved|powered by|privacy policy|cookie policy|
cookie settings|terms of use|terms of service|terms and conditions|get directions|write a review|
sort by|filter|filters|new|old|hot|best|popular|latest|trending|featured|related|archive|archives|
blog|news|forum|forums|teilen|drucken|kommentar|kommentare|antworten|mehr|mehr lesen|weiterlesen|
anzeige|werbung|startseite|nach oben|suche|suchen|anmelden|registrieren|abonnieren|merken|zurück|
weiter|autor|kategorien|schlagwörter|impressum|datenschutz|datenschutzerklärung|kontakt|
newsletter|zum inhalt springen|quelle|bild|foto|von|twittern|partager|imprimer|répondre|
lire la suite|publicité|accueil|recherche|rechercher|commentaire|commentaires|suivant|précédent|
retour|envoyer|s'abonner|connexion|mentions légales|par|tweeter|compartir|imprimir|responder|
leer más|publicidad|inicio|buscar|comentario|comentarios|siguiente|anterior|volver|enviar|
suscribirse|iniciar sesión|seguir leyendo|por|tuitear|condividi|stampa|rispondi|leggi tutto|
pubblicità|cerca|commenti|successivo|precedente|compartilhar|comentários|pesquisar|próximo|delen|
reacties|zoeken|lees meer|lees verder|udostępnij|komentarze|szukaj|czytaj więcej|поделиться|
комментарии|ответить|читать далее|поиск|главная|реклама|dela|kommentarer|sök|läs mer|jaa|
kommentit|haku|lue lisää|sdílet|komentáře
"""

FURNITURE_STARTS = """
share this|share on|share via|share with|follow us|like us|find us|no comments|leave a comment|
leave a reply|add a comment|add comment|post a comment|comments are|comments off|log in to|
login to|sign in to|you must be|you need to|skip to|jump to|posted by|posted on|posted in|
filed under|tagged|tags|category|categories|copyright|all rights|privacy policy|terms of|
terms and|cookie|cookies|we use cookies|this site uses|this website uses|powered by|
your email address|required fields|notify me|click to share|click here to|opens in|subscribe to|
sign up for|enter your|photo by|photo credit|image credit|image source|image via|getty images|
last updated|last modified|last edited|updated on|published on|written by|reviewed by|edited by|
email this|print this|tweet this|view all|see all|show all|load more|read more|join the|get our|
get the latest|copy link|save my name|receive notifications|by using this|by continuing|
by clicking|by submitting|this page was|this entry was|this post was|posts by|view all posts|
article tags|listen to this|advertisement|sponsored|affiliate|disclosure|report this|reply to|
in reply to|members online|users browsing|you are here|bookmark the|trackback|trackbacks|
both comments|subscribe in|teilen auf|teilen sie|kommentar schreiben|kommentar abgeben|
schreibe einen|schreiben sie|jetzt anmelden|melden sie|veröffentlicht|geschrieben von|copyright|
alle rechte|wir verwenden|diese website|diese seite|ihre e-mail|deine e-mail|foto von|bild|
erforderliche felder|anzeige|partager sur|laisser un|publié le|publié par|tous droits|
ce site utilise|nous utilisons|votre adresse|crédit photo|compartir en|deja un|publicado por|
publicado el|todos los derechos|este sitio|utilizamos cookies|tu dirección|condividi su|lascia un|
pubblicato da|tutti i diritti
"""

TAILS = """
related|related articles|related posts|related stories|related content|related news|
related topics|related links|related reading|related products|related resources|related items|
comments|comment|discussion|discussions|responses|replies|reader comments|user comments|
leave a reply|leave a comment|post a comment|add a comment|add comment|write a comment|
your comment|join the conversation|join the discussion|what do you think|recommended|
recommended for you|recommended reading|recommendations|you may also like|you might also like|
you may like|you might like|you may also be interested in|you might also be interested in|
you'll also like|also on|see also|further reading|more stories|more articles|more news|more posts|
more like this|more from us|more to explore|more to read|read next|up next|what to read next|
keep reading|don't miss|most read|most popular|most viewed|most recent|most commented|
popular posts|popular articles|popular stories|popular now|latest news|latest posts|
latest articles|latest stories|latest|recent posts|recent articles|recent news|recent comments|
recent stories|trending|trending now|trending stories|top stories|similar articles|similar posts|
similar stories|about the author|about author|about the authors|author|author bio|share|
share this|tags|categories|archives|newsletter|subscribe|sign up|stay connected|stay informed|
stay up to date|follow us|connect with us|contact us|get in touch|next article|previous article|
next post|previous post|post navigation|trackbacks|pingbacks|references|footnotes|sponsored links|
from around the web|around the web|you may have missed|editor's picks|editors' picks|explore more|
discover more|kommentare|kommentar|diskussion|ähnliche artikel|ähnliche beiträge|ähnliche themen|
verwandte artikel|verwandte themen|verwandte beiträge|weitere artikel|weitere beiträge|
weitere themen|weitere nachrichten|weitere meldungen|mehr zum thema|mehr dazu|lesen sie auch|
auch interessant|das könnte dich auch interessieren|das könnte sie auch interessieren|
das könnte ihnen auch gefallen|schreibe einen kommentar|kommentar schreiben|
kommentar hinterlassen|kommentar verfassen|neueste beiträge|neueste kommentare|meistgelesen|
über den autor|schlagwörter|empfehlungen|zum thema|commentaires|commentaire|articles similaires|
articles liés|articles associés|à lire aussi|à lire également|lire aussi|sur le même sujet|
sur le même thème|voir aussi|laisser un commentaire|les plus lus|à propos de l'auteur|
derniers articles|comentarios|artículos relacionados|noticias relacionadas|
también te puede interesar|te puede interesar|deja un comentario|deja una respuesta|
entradas relacionadas|lo más leído|relacionados|sobre el autor|entradas recientes|commenti|
articoli correlati|potrebbe interessarti anche|leggi anche|lascia un commento|comentários|
artigos relacionados|notícias relacionadas|leia também|veja também|deixe um comentário|reacties|
gerelateerde artikelen|lees ook|meer nieuws|geef een reactie|komentarze|podobne artykuły|
zobacz także|zobacz również|czytaj także|dodaj komentarz|комментарии|похожие статьи|читайте также|
похожие новости|по теме|добавить комментарий|kommentarer|relaterade artiklar|läs också|läs mer|
kommentit|lue myös|komentáře|související články
"""

TAIL_STARTS = """
related articles|related posts|related stories|related|recommended|you may also|you might also|
you'll also|you may be interested|more from|more in|more on|more articles|more stories|more news|
more about|more posts|more by|read next|read also|also read|also on|similar|popular posts|
most read|most popular|most viewed|latest news|latest from|latest posts|latest stories|
recent posts|recent news|trending|keep reading|leave a reply|leave a comment|leave a|
post a comment|write a comment|add a comment|add your comment|join the conversation|
join the discussion|comments are closed|comments on|responses to|thoughts on|replies to|
view all comments|show comments|see all comments|view comments|read comments|all comments|
about the author|about the|share this|subscribe to|sign up|get the latest|get our|
what do you think|next post|previous post|tags|tagged|filed under|posted in|categories|stay up to|
stay in the|want more|enjoyed this|did you enjoy|was this article|was this page|was this helpful|
did you find|rate this|ähnliche|verwandte|weitere artikel|mehr zum|mehr aus|mehr von|das könnte|
lesen sie|schreibe einen|kommentar schreiben|kommentare zu|articles similaires|sur le même|à lire|
laisser un|artículos relacionados|noticias relacionadas|también te|te puede|deja un|deja una
"""


def _hash(phrase: str) -> int:
    """The hash that `read_lines` gives a line of these letters."""
    value = 0xCBF29CE484222325
    for byte in phrase.encode():
        folded = byte | 32 if 65 <= byte <= 90 else byte
        if byte >= 128 or 97 <= folded <= 122:
            value = (value ^ folded) * 0x100000001B3 % 2**64
    return value


def _hashes(phrases: str) -> npt.NDArray[np.uint64]:
    names = [name.strip() for name in phrases.replace("\n", "").split("|")]
    return np.array(sorted({_hash(name) for name in names if name}), np.uint64)


FURNITURE_KEYS = _hashes(FURNITURE)
FURNITURE_START_KEYS = _hashes(FURNITURE_STARTS)
TAIL_KEYS = _hashes(TAILS)
TAIL_START_KEYS = _hashes(TAIL_STARTS)
EMPTY_KEY = np.uint64(_hash(""))
"""Of a line without letters."""
