"""The Appointment Book: what it shows, and its edits."""
