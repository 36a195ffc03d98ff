"""`Program` or `Model` and data to `Draws`: exact or NUTS. The only layer that loads PyMC."""
