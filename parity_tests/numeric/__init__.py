"""Numbers that one side computes alone: operations, gradients, optimisers, data, files."""
