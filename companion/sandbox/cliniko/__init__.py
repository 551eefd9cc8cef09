"""A simulated Cliniko: one account's book, its REST interface, and pages for people.

`account` is the model, `wire` how records look outside, `queries` what a list may be asked,
`service` the interface with its key, limits and errors, `people` what a person sees and
does. Where Cliniko's documents leave a choice it is strict, or `ClinikoPolicy` has a switch.
"""
