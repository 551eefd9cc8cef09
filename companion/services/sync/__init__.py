"""Keeping Google Calendars equal to the book: when (worker), how (passes), how fast (pacing)."""
