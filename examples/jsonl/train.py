"""Read the curated shards as a trainer does: batches of texts, the validation split apart."""

from __future__ import annotations

import pyarrow.dataset

import thresher

lake = thresher.Lake("lake")
for split in ("train", "validation"):
    texts = tokens = 0
    shards = pyarrow.dataset.dataset(lake.curated(split=split))
    for batch in shards.to_batches(columns=["text", "token_estimate"], batch_size=32):
        texts += batch.num_rows  # batch["text"] goes to the tokenizer
        tokens += sum(batch["token_estimate"].to_pylist())
    print(f"{split}: {texts} texts, about {tokens:,} tokens")
