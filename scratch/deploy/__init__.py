"""What a trained network needs where it is used: the bundle's schema and prediction, no torch."""
