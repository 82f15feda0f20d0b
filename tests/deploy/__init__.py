"""The files in deploy/, checked by the programs that will read them."""
