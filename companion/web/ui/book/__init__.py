"""The Appointment Book screen: the page, its calendar and its dialogs."""
