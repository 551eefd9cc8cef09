"""The practice's and the practitioners' settings: checked, kept as documents, formatted as text."""
