"""`Draws` and an estimand to effects: the g-formula by draws, contrasts, mediation."""
