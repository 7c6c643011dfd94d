"""Inputs that somebody else wrote: PyTorch's module samples and ONNX's operator test data."""
