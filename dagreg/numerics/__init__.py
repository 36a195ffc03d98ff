"""Numbers without models: quadrature, quantiles, tails, convergence. Nothing here knows a graph
or a table.
"""
