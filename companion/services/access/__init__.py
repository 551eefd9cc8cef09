"""What each role may do, and the rules that stand beside the services' methods."""
