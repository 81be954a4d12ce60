"""Stages: read, extract, measure, dedup, judge, materialize. Each is shard in, manifest out."""
