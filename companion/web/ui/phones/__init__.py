"""Links for phones: the page, the wizard, and the state of each device."""
