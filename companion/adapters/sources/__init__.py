"""Sources that are fetched, one module for each kind; `services/sources/remote` is their port."""
