"""`Model` to `Program`: readable PyMC source that runs without dagreg."""
