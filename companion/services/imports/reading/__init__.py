"""Reading an export by its headings and its values.

`read_workbook` finds the sheets and header rows, takes each column for a field only when its
values agree, proves the order of day and month, tells what each status word means, and gives the
rows as drafts. What the file leaves open is a `Question` with a guess; the rest is read under
that guess, so that a preview can be shown beside the questions. Pure: no I/O, no clock.
"""
