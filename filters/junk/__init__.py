"""The junk families: their phrases, their model and the kinds of junk they speak of."""
