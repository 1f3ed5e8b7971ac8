"""Events from first principles: parton-level generator, detector, derived columns."""
