"""What a fit has found: the record of every effect, its folder, and the way back from there."""
