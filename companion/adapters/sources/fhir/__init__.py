"""A FHIR R4 server as a source.

`source` is the RemoteSource; `server` makes requests and words what is refused, `search` follows a
search through its pages, `resources` keeps of each resource what an import needs, `sign_in` gets
tokens as SMART's backend services do, with the keys of `keys`.
"""
