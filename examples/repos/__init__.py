"""The invented repositories: what is in them, and what can be asked of them. One file each."""

from repos import (
    brackenweb,
    cobaltine,
    fernpost,
    hedgemaze,
    larkspur,
    pepperjar,
    quillbox,
    saltmarsh,
    tidepool,
    wickerlog,
)
from repos.shape import Repo

ALL: tuple[Repo, ...] = (
    tidepool.REPO,
    larkspur.REPO,
    quillbox.REPO,
    fernpost.REPO,
    cobaltine.REPO,
    hedgemaze.REPO,
    saltmarsh.REPO,
    brackenweb.REPO,
    pepperjar.REPO,
    wickerlog.REPO,
)
