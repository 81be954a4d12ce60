"""The first stage: an input shard is read, gated, extracted and measured."""
