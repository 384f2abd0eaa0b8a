#!/bin/sh
# The hook of the plugin: finds a Python without asking a shim (which takes 70 ms each time), and runs capture.py with
# it. The path is remembered in $BASHGYM_HOME/python. Without any Python the event goes into a file of its own, which
# `bashgym capture rescue` takes into the spool. `bashgym capture install` writes the Python's path instead.
umask 077
home="${BASHGYM_HOME:-$HOME/.bashgym}"
here="${0%/*}"

# true for a Python that works; macOS has a stub of that name that would open a window
works() {
    [ -x "$1" ] || return 1
    [ "$1" != /usr/bin/python3 ] || [ ! -x /usr/bin/xcode-select ] || /usr/bin/xcode-select -p >/dev/null 2>&1 || return 1
    python=$("$1" -I -S -c 'import fcntl, sys; print(sys.executable if sys.version_info >= (3, 8) else "")' </dev/null) || return 1
    [ -x "$python" ]
}

# true when a Python is found, in $python; a shim answers with what is behind it
find_python() {
    for python in "$(command -v python3)" /usr/bin/python3 /usr/local/bin/python3 /opt/homebrew/bin/python3; do
        if works "$python"; then
            mkdir -p "$home" && echo "$python" >"$home/python.$$" && mv "$home/python.$$" "$home/python"
            return 0
        fi
    done
    return 1
}

# true when the event may not be kept. The shell does not understand the rules of `exclude`, so any of them says no.
kept_out() {
    [ -e "$home/paused" ] || [ -s "$home/exclude" ] || [ -s "$home/forgotten" ] && return 0
    folder="${CLAUDE_PROJECT_DIR:-$PWD}"
    while [ -n "$folder" ]; do
        [ -e "$folder/.bashgymignore" ] && return 0
        [ "$folder" = "${folder%/*}" ] && return 1
        folder="${folder%/*}"
    done
    [ -e /.bashgymignore ]
}

# true when the settings have the hooks too: one of the two is enough
installed() {
    project="${CLAUDE_PROJECT_DIR:-$PWD}/.claude"
    grep -qs hooks/capture.py "${CLAUDE_CONFIG_DIR:-$HOME/.claude}/settings.json" "$project/settings.json" \
        "$project/settings.local.json"
}

installed && exec cat >/dev/null
python=
[ -r "$home/python" ] && read -r python <"$home/python"
if [ -x "$python" ] || find_python; then
    exec "$python" -I -S "$here/capture.py"
fi
kept_out && exec cat >/dev/null
loose="$home/spool/claude_code/loose"
mkdir -p "$loose" && file=$(mktemp "$loose/.XXXXXXXX") || exit 0
if cat >"$file"; then mv "$file" "$loose/${file##*/.}.json"; else rm -f "$file"; fi
exit 0
