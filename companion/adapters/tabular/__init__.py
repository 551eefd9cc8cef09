"""Exports as workbooks: any file that may hold appointments, read by a bounded process.

`files` is the port's side; `process` runs and watches the reading process; `worker` and everything
it calls run inside of that and know nothing of the program but the form of a workbook.
"""
