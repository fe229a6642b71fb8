"""The sequences that need several nouns, one module each; a resolver calls them with one line."""
