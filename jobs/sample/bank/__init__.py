"""The hand-written text bank of the sample crawl: TOML grammars, read by `grammar`."""
