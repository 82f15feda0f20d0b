"""A system that nobody in the package has heard of: the proof that a new one is a wing alone."""
