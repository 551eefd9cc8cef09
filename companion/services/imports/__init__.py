"""An export into the book: which layout, which rows, what would change, and the change itself."""
