"""Golden vectors: every tensor of one training step as files, for implementations in any language.

`content` takes them from the reference, `formats` writes and reads them, `judge` holds somebody's
tensors against them and `causes` says what would explain a difference; the last two import neither
torch nor a twin. The goldens of a bundle (`harness.goldens`) are another thing: samples and
outputs that travel with an exported file.
"""
