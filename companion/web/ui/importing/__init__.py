"""Import: the pages by which exports come into the book, and what they are made of.

`page` (choose, look, apply) and `sources` (watched folders) are the pages. Both show a file in a
`review`: the `questions` that it leaves open, its `columns`, the `rows` of the preview. `history`
lists the imports so far and undoes them; `waiting` is about files that a watched folder set aside.
"""
