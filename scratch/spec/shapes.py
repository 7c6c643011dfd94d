"""Names of the generated pictures of chapter 18."""

COLOURS = ("red", "green", "blue", "yellow", "cyan", "magenta")
SHAPES = ("circle", "rectangle", "triangle", "diamond", "line")
COLOUR_SHAPES = tuple(f"{colour} {shape}" for colour in COLOURS[:3] for shape in SHAPES[:3])
