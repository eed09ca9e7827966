"""The search: shapes, dominance, the integer programme, placement, explanation."""
