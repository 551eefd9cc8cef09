"""What differs between the desktops of Windows, macOS and Linux: starting without a window and at
sign-in, the entry in the menu, the tray, and notices. Everything else works without it."""
