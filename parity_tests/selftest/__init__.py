"""The proof of the proof: what is wrong is found and named, what proves nothing is not believed."""
