"""One module a revision, never changed once it has been in a release."""
