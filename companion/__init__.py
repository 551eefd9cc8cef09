"""Calendar Companion: the appointment book, carried to Google Calendar and private .ics links."""

__version__ = "0.1.0"
