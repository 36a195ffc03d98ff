"""The data behind a few questions (`Source`): types, levels, counts, moments, columns; never held whole."""
