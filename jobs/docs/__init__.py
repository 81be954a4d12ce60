"""The reference pages, made from the registries, the settings and the commands."""
