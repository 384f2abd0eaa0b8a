#!/bin/sh
# Installs the system packages that some tests use, where that can be done without asking: as root on Debian.
# Elsewhere those tests are skipped, and the end of the test run counts them aloud.
missing=""
PATH="$PATH:/usr/sbin:/sbin" # where sshd is, also for who is not root
for pair in rsync:rsync ssh:openssh-client sshd:openssh-server bwrap:bubblewrap chromium:chromium node:nodejs; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing for the tests:$missing"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    (apt-get install -y -qq --no-install-recommends $missing ||
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; }) >/dev/null 2>&1 && exit 0
    echo "could not install:$missing" >&2
else
    echo "not installed, so the tests that need them are skipped:$missing" >&2
fi
exit 0
