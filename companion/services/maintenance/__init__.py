"""Maintenance of an installation: the doctor, support bundles, backups."""
