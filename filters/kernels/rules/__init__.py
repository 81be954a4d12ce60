"""The scans behind the published rules: Gopher, C4, FineWeb, DCLM, Dolma, RedPajama."""
