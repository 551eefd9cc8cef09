"""A practice's database as a source: one query that reads.

`source` is the RemoteSource, `statement` takes a query's text apart, `systems` knows what differs
between database systems, `errors` what their errors mean, `values` how a value looks in a file.
"""
