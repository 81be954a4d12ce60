"""The lists of phrases find what they are for, and leave alone what people write."""

from __future__ import annotations

import pyarrow as pa
import pytest

from thresher.filters.junk.phrases import written_out
from thresher.filters.measure import measure


def counts(text, signal):
    family, _, name = signal.partition(".")
    measured = measure(pa.array([text]), None)
    return measured.column(measured.schema.get_field_index(family)).field(name)[0].as_py()


def test_a_listed_phrase_is_written_out():
    assert written_out("sold out") == ["sold out"]
    assert written_out("(a|b) c (d|e)") == ["a c d", "a c e", "b c d", "b c e"]
    assert written_out("[ your (name|bank account)") == ["[ your name", "[ your bank account"]


@pytest.mark.parametrize(
    "text",
    [
        "Sure, here is a revised version of the letter:",
        "Certainly! Here's a draft that you can send to the landlord.",
        "Here is a polished version of your paragraph.",
        "Absolutely! Here are some ideas.",
        "Here’s an SEO-optimized article about lamps:",
        "Here is a 500-word essay on lamps.",
        "I’m sorry, but I can’t assist with that.",
        "I'm unable to fulfill your request.",
        "As an AI, I do not have lamps.",
        "As a language model, I cannot see the lamp.",
        "As of my last update in 2021, the lamp was sold.",
        "My knowledge cut-off is in June.",
        "I don't have access to real-time prices.",
        "Let me know if you need any further changes!",
        "Would you like me to expand on the third lamp?",
        "If you'd like, I can also draft a letter to the shop.",
        "Okay, the user wants a page about lamps.",
        "<|im_start|>assistant",
        "The lamp was made in 1931. :contentReference[oaicite:2]{index=2}",
        "Als KI-Sprachmodell kann ich das nicht sagen.",
        "En tant que modèle de langage, je ne peux pas le dire.",
        "Como modelo de lenguaje, no lo sé.",
    ],
)
def test_one_leftover_of_an_assistant_is_found(text):
    assert counts(text, "slop.assistant_phrase_count") >= 1


@pytest.mark.parametrize(
    "text",
    [
        "Not sure? Here's a list of our lamps.",
        "I am not sure. Here is the article that I meant.",
        "Of course, here are some photographs of the lamp.",
        "I hope this helps. Let me know if you need anything else.",
        "I'm sorry, but I can't come on Friday.",
        "Let me know if you want me to bring the lamp.",
        "Would you like me to bring the lamp?",
        "Here is an example of a lamp. Here's a possible reason.",
        "Here is a revised version of the patch.",
        "We trained a large language model; as a language model it does well.",
        "She asked whether an AI might write her column.",
        "I don't have personal experience with oil lamps.",
    ],
)
def test_what_people_say_is_no_leftover(text):
    assert counts(text, "slop.assistant_phrase_count") == 0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("To read the entire article, you must be a subscriber.", "access"),
        ("This content is only available to members.", "access"),
        ("Subscribe or log in to access all content.", "access"),
        ("Sie müssen angemeldet sein.", "access"),
        ("Abonnez-vous pour lire la suite.", "access"),
        ("Making sure you're not a bot!", "error"),
        ("Sorry, the advert you were looking for has expired.", "error"),
        ("We couldn't find any results.", "error"),
        ("There are currently no products.", "error"),
        ("Ein Fehler ist aufgetreten.", "error"),
        ("No se encontraron resultados.", "error"),
        ("These marketing cookies are set by our partners.", "consent"),
        ("Please enter the code. Showing all comment threads.", "forum"),
        ("Deemed reliable but not guaranteed.", "copyright"),
    ],
)
def test_furniture_is_found(text, kind):
    assert counts(text, f"furniture.{kind}_phrase_count") >= 1
