"""Events on disk and in memory."""
