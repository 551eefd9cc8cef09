"""Private calendar links: what each shows, and answering phones from memory."""
