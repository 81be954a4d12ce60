"""What a document is: signals, rules, policies, transforms and the compiled text kernels.

The lowest layer. It knows no Ray, no DuckDB and no files; everything above imports it.
"""
