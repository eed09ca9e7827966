"""How sure a plan is of its memory."""

CONFIDENCE = 0.99
"""How sure a plan must be that the engine does not run out of memory, unless a request says otherwise."""
