"""The policies Thresher ships, as TOML files beside this module."""
