"""Links for phones: the page, the wizard, and what is said about each device."""
