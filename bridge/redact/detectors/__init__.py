"""Where may a secret stand in a text? One module a notation, one value a detector."""
