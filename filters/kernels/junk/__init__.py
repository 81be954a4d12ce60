"""The scan behind the junk families: one pass over words, phrases and lines."""
