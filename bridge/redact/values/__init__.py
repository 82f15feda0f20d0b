"""What is a value? Where it ends, how much it weighs, whether it is visibly harmless."""
