"""Pure values and rules: no I/O, no clock, and of libraries only ``dateutil.rrule``."""
