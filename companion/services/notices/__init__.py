"""Telling people of troubles they can mend: on the desktop, by e-mail and by a webhook."""
