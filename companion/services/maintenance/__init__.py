"""Looking after the house: the doctor, support bundles, backups."""
