"""The practice's and the practitioners' settings: checked, kept as documents, said in words."""
