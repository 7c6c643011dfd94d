"""Properties that hold for every layer, shape, value and memory layout that chance draws."""
