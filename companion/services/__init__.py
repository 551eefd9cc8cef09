"""Use cases over ports: asyncio and the standard library only."""
