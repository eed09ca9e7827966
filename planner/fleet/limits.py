"""How large an inventory may be."""

MOST_NODES = 1_000_000
MOST_GPUS_A_NODE = 1024
RENTED_OF_A_TYPE = 1000
"""Instances of one type that a purchase may take where no quota is stated."""
MOST_USD = 1e9
"""An hour, for anything: what is dearer is a slip of the pen, and more than solvers can add to cents."""
