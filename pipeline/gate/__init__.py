"""What is stopped before it costs, and the book of all that was."""
