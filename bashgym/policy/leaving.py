"""Commands that send what is private to another machine: keys, credentials, passwords, in whatever way."""

import re
from collections.abc import Sequence

from bashgym.signals.shell import Command, split

PRIVATE = re.compile(
    r"(?:^|[\s/~@=:])\.(?:aws|ssh|gnupg|kube|docker|azure|netrc|npmrc|pypirc|pgpass|bash_history)\b"
    r"|\.config/(?:gh|gcloud|op|rclone|doctl)\b|\bid_(?:rsa|ed25519|ecdsa|dsa)(?!\.pub)\b|(?:^|[\s/@])\.env(?:\.\w+)?(?:\s|$)"
    r"|\bcredentials(?:\.json|\.csv)?(?:\s|$)|\.(?:pem|kdbx|p12|pfx|keystore)\b|/etc/shadow\b|Keychains"
    r"|Login Data|logins\.json|key4\.db|wallet\.dat|\bprintenv\b|^env$"
)
SENDS = re.compile(
    r"^(?:curl\s.*(?:\s-(?:T|d|F)|\s--(?:upload-file|data\S*|form\S*|json)\b|\s-X\s*(?:POST|PUT))"
    r"|wget\s.*--post-(?:file|data)"
    r"|(?:nc|ncat|netcat|socat|telnet|ftp|sftp|lftp|mail|mailx|sendmail|mutt|swaks)\s|gh\s+gist\s+create|(?:http|xh)\s+(?:POST|PUT)"
    r"|(?:scp|rsync)\s.*\s\S*[\w.-]+@?[\w.-]*:\S*$|(?:aws\s+s3|gsutil|azcopy|rclone)\s+(?:cp|sync|copy|mv)\b"
    r"|(?:python[\d.]*|node|ruby|perl|php)\s.*(?:requests\.(?:post|put)|urlopen|fetch\(|Net::HTTP|http\.request))"
)
OWN = re.compile(r"localhost|127\.0\.0\.1|\[::1\]|\.internal\b|\.local\b")


def leaves(line: str) -> str:
    """What of a line sends something private away; empty where nothing does."""
    commands = split(line)
    for end, command in enumerate(commands):
        words = " ".join(command.words)
        if SENDS.match(words) and not OWN.search(words):
            fed = pipeline(commands, end)
            if any(PRIVATE.search(" ".join((*one.words, *one.reads))) for one in fed):
                return " | ".join(" ".join(one.words) for one in fed)
    return ""


def pipeline(commands: Sequence[Command], end: int) -> Sequence[Command]:
    """The commands whose output the one at `end` is fed with, and itself."""
    start = end
    while start and commands[start].before == "|":
        start -= 1
    return commands[start : end + 1]
