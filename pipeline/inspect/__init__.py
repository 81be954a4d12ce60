"""What a person asks of a finished run: why a document, what differs, how diverse."""
