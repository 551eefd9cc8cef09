"""What run.py does before the program itself: the environment `.venv`. Standard library only."""
