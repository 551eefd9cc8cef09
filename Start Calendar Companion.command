#!/bin/sh
# Starts Calendar Companion by a double click (macOS; on Linux through the .desktop file beside it):
# finds Python, sets up the first time, opens the app.
cd "$(dirname "$0")" || exit 1

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

for python in python3 python3.14 python3.13 python3.12 python3.11 python \
    /opt/homebrew/bin/python3 /usr/local/bin/python3 \
    /Library/Frameworks/Python.framework/Versions/Current/bin/python3; do
    # Without its own tools macOS has a python3 that only offers to install them.
    [ "$python" = python3 ] && [ "$(uname)" = Darwin ] && ! xcode-select -p >/dev/null 2>&1 &&
        [ "$(command -v python3)" = /usr/bin/python3 ] && continue
    if new_enough "$python"; then
        "$python" run.py start "$@" && exit 0
        problem=yes
        break
    fi
done

if [ -z "$problem" ]; then
    echo
    echo "Calendar Companion needs Python 3.11 or newer, and this computer has none."
    if [ "$(uname)" = Darwin ]; then
        echo "Install it from https://www.python.org/downloads/ and start Calendar Companion again."
    elif command -v apt >/dev/null 2>&1; then
        echo "Install it, then start Calendar Companion again:"
        echo "    sudo apt install python3 python3-venv"
    else
        echo "Install it with this computer's software centre, then start Calendar Companion again."
    fi
fi
echo
echo "Press Enter to close this window."
read -r _
exit 1
