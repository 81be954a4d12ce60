"""What every scan stands on: decoding, character tables, hashing, blocks of 32 bytes, the cache."""
