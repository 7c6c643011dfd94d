"""Do the two sources say the same? Files, names, signatures, forward passes, keys and facts."""
