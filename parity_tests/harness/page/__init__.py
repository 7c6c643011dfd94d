"""The page that `python -m parity_tests --html` writes, for people who have never seen the project.

`content` says what stands on it, `shares` and `training_plot` draw, `faults` reads the mutation
table and `render` fills the template. The page holds everything it shows and asks no network.
"""
