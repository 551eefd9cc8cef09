"""A practitioner's Google account and calendar: signing in, choosing, checking, disconnecting."""
