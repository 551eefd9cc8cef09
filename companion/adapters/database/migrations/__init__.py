"""How a database of an older program becomes one of this program; run by `opening`.

A change of the tables takes three steps: `schema.py`; a module in `versions/` with the next
`revision`, its `down_revision` and an `upgrade()`; `schema.HEAD`. A test compares what the
migrations make with `schema`. There is no way down: a backup is.
"""
