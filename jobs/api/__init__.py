"""What a program imports: `import thresher` and its functions, one module for each.

The names are those of `thresher.__all__`, which loads each of these modules when it is asked for
the first time. docs/python.md shows them at work. The command line stands on the same functions.
"""
