"""A finished run of part of the sample crawl."""

from __future__ import annotations

import pytest

import thresher


@pytest.fixture(scope="session")
def recipe_mapping(tmp_path_factory, sample):
    """A recipe over two shards, as a mapping; its lake is made anew for each call."""

    def made(**changes):
        return {
            "name": "api",
            "lake": tmp_path_factory.mktemp("lake"),
            "input": {"urls": list(sample.shards[:2])},
            "gates": {"retain_fraction": 1.0},
            "sites": {"min_pages": 3},
            "curated": {"validation_fraction": 0.1},
            "run": {"executor": "in-process"},
        } | changes

    return made


@pytest.fixture(scope="session")
def finished(recipe_mapping):
    """The result of that run."""
    return thresher.run(recipe_mapping())
