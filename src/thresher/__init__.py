"""Curate web crawls into pretraining data: measure once, judge many, prove every drop."""
