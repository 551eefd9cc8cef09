"""Where exports come from by themselves: watched folders and what came of each file."""
