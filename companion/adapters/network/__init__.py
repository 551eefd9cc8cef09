"""The network as this program uses it: `interfaces` are this machine's addresses, `route` says
through which proxy a request goes and which certificates it trusts, `http` makes every request.
Other adapters use this package; it uses none of them.
"""
