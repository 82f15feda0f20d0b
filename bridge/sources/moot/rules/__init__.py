"""What is asked next of a space, given what was seen. No I/O and no clock: instants come in."""
