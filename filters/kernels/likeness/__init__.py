"""What two texts have in common: shingles, hashes of lines, overlaps."""
