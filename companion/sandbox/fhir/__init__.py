"""A simulated FHIR R4 server: appointments and their people, searched as HAPI's server is.

`store` holds the resources and when each last changed, `queries` what a search may ask, `tokens`
signs programs in as SMART's backend services do, `service` is the interface with its pages, limits
and errors. Where the specification leaves a choice it is strict, or `FhirPolicy` has a switch.
"""
