"""The commands, by what they are about; `companion.cli` joins them."""
