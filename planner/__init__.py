"""Plan metropolitan entanglement-distribution networks, from streets and ducts to a checked, phased plan."""
