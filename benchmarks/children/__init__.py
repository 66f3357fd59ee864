"""Scripts that are run in a process of their own, so that what they take is theirs alone."""
