"""Price lists in the columns of SkyPilot's catalogue v8. Every price is INVENTED; none is what a cloud takes."""

import csv
from pathlib import Path

from bashgym.rented import catalogue

COLUMNS = {
    "runpod": "InstanceType AcceleratorName AcceleratorCount vCPUs MemoryGiB Region SpotPrice Price AvailabilityZone "
    "GpuInfo",
    "lambda": "InstanceType AcceleratorName AcceleratorCount vCPUs MemoryGiB Price Region GpuInfo SpotPrice",
    "vast": "InstanceType AcceleratorName AcceleratorCount vCPUs MemoryGiB GpuInfo Price SpotPrice Region HostingType",
    "aws": "InstanceType AcceleratorName AcceleratorCount vCPUs MemoryGiB GpuInfo Price SpotPrice Region "
    "AvailabilityZone Arch LocalDiskType NVMeSupported LocalDiskSize LocalDisksCount",
}


def machine(name: str, card: str, price: float, region: str, count: int = 1, **more: object) -> dict[str, object]:
    values = {"InstanceType": name, "AcceleratorName": card, "AcceleratorCount": count, "Price": price}
    return values | {"Region": region} | more


MACHINES = {
    "runpod": [
        machine("1x_RTX4090_SECURE", "RTX4090", 0.77, "CZ", SpotPrice=0.11),
        machine("1x_RTX4090_SECURE", "RTX4090", 0.77, "US", SpotPrice=0.11),
        machine("2x_RTX4090_SECURE", "RTX4090", 1.54, "US", 2, SpotPrice=0.22),
        machine("1x_L4_SECURE", "L4", 0.55, "US", SpotPrice=0.22),
        machine("1x_A100-80GB_SECURE", "A100-80GB", 3.33, "US", SpotPrice=1.0),
        machine("1x_RTXA6000_SECURE", "RTXA6000", 0.93, "US", SpotPrice=0.5),
        machine("1x_A40_SECURE", "A40", 0.0, "US"),
    ],
    "lambda": [
        machine("gpu_1x_a10", "A10", 0.91, "us-east-1"),
        machine("gpu_1x_a100", "A100", 1.51, "us-west-1"),
        machine("gpu_8x_h100", "H100", 19.0, "us-east-1", 8),
    ],
    "vast": [
        machine("1x-RTX_4090-32-65536", "RTX4090", 0.31, "Home", HostingType=0),
        machine("1x-RTX_4090-32-65536", "RTX4090", 0.42, "Hall", HostingType=1),
        machine("1x-RTX_3090-16-32768", "RTX3090", 0.21, "Home", HostingType=0),
        machine("1x-L40S-16-65536", "L40S", 0.81, "Hall", HostingType=1),
    ],
    "aws": [machine("g6.xlarge", "L4", 0.83, "us-east-1", AvailabilityZone="us-east-1a", Arch="x86_64")],
}
ZONES = {"CZ": "EU-CZ-1", "US": "US-TX-1"}
REST = {"vCPUs": 8, "MemoryGiB": 64, "SpotPrice": 0.0}


def price_list(home: Path, cloud: str, machines: list[dict] | None = None, without: str = "") -> None:
    """Writes a cloud's list where SkyPilot would look for it below `home`, without the column `without`."""
    file = home / catalogue.PRICES / cloud / "vms.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    columns = [name for name in COLUMNS[cloud].split() if name != without]
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, columns, extrasaction="ignore")
        writer.writeheader()
        for values in MACHINES[cloud] if machines is None else machines:
            row = REST | {"AvailabilityZone": ZONES.get(str(values["Region"]), "")} | values
            gpu = {"Name": row["AcceleratorName"], "Count": 1.0, "MemoryInfo": {"SizeInMiB": 24576}}
            writer.writerow(row | {"GpuInfo": str({"Gpus": [gpu], "TotalGpuMemoryInMiB": 24576})})
