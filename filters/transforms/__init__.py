"""What changes a text after it was judged: each has a name, a version, and says what it removed."""
