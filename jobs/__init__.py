"""Drivers: the recipe, the executors (Ray and in-process) and the command line."""
