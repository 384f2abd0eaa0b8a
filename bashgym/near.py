"""Whether an address is of this machine or of its own network: what is sent there leaves for nobody else."""

import ipaddress


def is_near(host: str) -> bool:
    """`localhost`, or an address that is loopback or private; a name is not looked up, so no other name is near."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False
