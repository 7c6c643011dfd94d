"""The proof that the two twins are one; the only library that imports both.

`harness` is the instrument: it pairs the twins, traces every named module, compares with derived
bounds, names the first divergence and plants faults to show that it would have seen them.
`python -m parity_tests <chapter>` is its front door. The other folders are the tests, one rung
each, from `mirror` (do the two sources say the same?) to `training` and `export` (do they stay the
same?).
"""
