"""Every leaf layer and loss through the levels, and the contract of `Module`."""
