"""A small crawl and recipes over it."""

from __future__ import annotations

import pytest
from small_runs import Lake

from thresher.jobs.sample import write_sample


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """The sample crawl, written once."""
    return write_sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """A finished run with every stage on a small crawl, for tests that change nothing of it."""
    return Lake(tmp_path_factory.mktemp("small"), 1)


@pytest.fixture
def recipe_for(tmp_path, sample):
    """Writes a recipe over the sample crawl and returns its path."""

    def write(lake, urls=None, extra="[curated]\nvalidation_fraction = 0.05"):
        urls = urls or [str(shard) for shard in sample.shards]
        path = tmp_path / "recipe.toml"
        listed = ", ".join(f'"{url}"' for url in urls)
        path.write_text(
            f'name = "test"\nlake = "{lake}"\n[input]\nurls = [{listed}]\n{extra}',
            encoding="utf-8",
        )
        return path

    return write
