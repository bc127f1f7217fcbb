"""Right derivations, one a file, in the styles of different people, and their variants."""
