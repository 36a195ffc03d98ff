"""`Model` to `Model` with the same posterior for less work: one pass a file, each with its proof."""
