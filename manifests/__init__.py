"""Truth on disk: Arrow schemas, the atomic store, shard manifests, the ledger and the catalog."""
