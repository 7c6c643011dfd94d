"""From a network in torch to a file that runs without it."""

from ref_torch.export.onnx import ExportError, export_onnx

__all__ = ["ExportError", "export_onnx"]
