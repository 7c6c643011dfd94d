"""Every chapter through the levels."""
