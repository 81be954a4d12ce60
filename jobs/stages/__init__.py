"""The stages of a run, in their order: what each needs, and the tasks it is cut into."""
