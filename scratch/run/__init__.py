"""What both training loops need around the mathematics: files, folders, metrics, pictures."""
