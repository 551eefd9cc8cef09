"""Google Calendar and Google sign-in.

    service.py      GoogleGateway: the `Google` port; accounts, calendars, one pool of threads
    account.py      one practitioner's token: kept, renewed in one place, sealed
    sign_in.py      the loopback sign-in with PKCE      loopback.py  the command line's listener
    delegation.py   tokens that the practice's service account signs for, and its refusals
    client_file.py  the practice's client_secret.json, or the key of its service account
    calendar.py     GoogleCalendar: the `RemoteCalendar` port
    selftest.py     what we assume of Google, tried on a calendar of its own
    wire.py         CalendarEvent to Google's JSON and back      batch.py  many calls in one
    transport.py    the libraries and one connection per thread  threads.py  the threads
    errors.py       the one table from Google's refusals to ours

Google's libraries take about half a second to import, so only `transport` and functions inside
`sign_in` and `errors` do it, and they run in a thread: `run.py status` never pays.
"""
