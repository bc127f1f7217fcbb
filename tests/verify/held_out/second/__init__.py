"""A second set, by another person: right derivations, one a file, and their variants."""
