"""GPU names and their memory, per cloud, as SkyPilot's catalogue spells them.

Why a table: recipes ask for memory, every cloud has names of its own (`A100` is 40 GB on Lambda, 40 or 80 on Vast,
unknown on RunPod), and the memory column of the catalogues is not usable (RunPod's is in the wrong unit, Vast's is
the sum over all cards). Sources: the vendors' data sheets; names from SkyPilot 0.14.1 (sky/catalog/data_fetchers).
Only NVIDIA cards from Ampere on, for x86: the recipes train in bf16 with a CUDA image."""

# GB per card; where a name covers two sizes, the smaller one
MEMORY: dict[str, dict[str, int]] = {
    "runpod": {
        "RTXA4000": 16,
        "RTXA4500": 20,
        "RTX4000-Ada": 20,
        "RTXA5000": 24,
        "RTX3090": 24,
        "RTX4090": 24,
        "L4": 24,
        "RTX5090": 32,
        "A40": 48,
        "RTXA6000": 48,
        "RTX6000-Ada": 48,
        "L40": 48,
        "L40S": 48,
        "A100-80GB": 80,
        "A100-80GB-SXM": 80,
        "H100": 80,
        "H100-SXM": 80,
        "H100-NVL": 94,
        "RTXPRO6000": 96,
        "H200-SXM": 141,
        "B200": 180,
    },
    "lambda": {"A10": 24, "A100": 40, "A6000": 48, "A100-80GB": 80, "H100": 80, "B200": 180},
    "vast": {
        "RTX3080": 10,
        "RTX3060": 12,
        "RTX3090": 24,
        "RTX4090": 24,
        "RTX5090": 32,
        "A100": 40,
        "A40": 48,
        "RTXA6000": 48,
        "RTX6000-Ada": 48,
        "L40S": 48,
        "H100": 80,
        "RTXPRO6000S": 96,
        "RTXPRO6000WS": 96,
        "H200": 141,
        "B200": 180,
    },
}
# names on clouds that have no table here, as SkyPilot's catalogues spell them
ANYWHERE: dict[str, int] = {
    "A10": 24,
    "A10G": 24,
    "L4": 24,
    "RTX4090": 24,
    "RTX5090": 32,
    "A100": 40,
    "A40": 48,
    "A6000": 48,
    "RTXA6000": 48,
    "L40": 48,
    "L40S": 48,
    "A100-80GB": 80,
    "A100-80GB-SXM": 80,
    "H100": 80,
    "H100-SXM": 80,
    "RTXPRO6000": 96,
    "H200": 141,
    "B200": 180,
}


# 10^12 operations a second in bf16 with accumulation in fp32, without sparsity, as NVIDIA's data sheets have it and not
# measured by us; a name with an ending (-80GB, -SXM, -Ada, WS) counts as the longest of these it begins with, and where
# a name covers two cards (H100 is the PCIe one on RunPod, either on Lambda) the slower one counts
SPEED: dict[str, float] = {
    "RTXA4000": 77,
    "RTXA4500": 95,
    "RTX4000-Ada": 107,
    "RTXA5000": 111,
    "RTXA6000": 155,
    "RTX6000-Ada": 364,
    "RTXPRO6000": 500,
    "RTX3060": 25,
    "RTX3080": 60,
    "RTX3090": 71,
    "RTX4090": 165,
    "RTX5090": 210,
    "A6000": 155,
    "A100": 312,
    "A10G": 70,
    "A10": 125,
    "A40": 150,
    "L40S": 362,
    "L40": 181,
    "L4": 121,
    "H100-NVL": 835,
    "H100-SXM": 989,
    "H100": 756,
    "H200": 989,
    "B200": 2250,
}
USED = 0.25  # share of that a fine-tuning of small batches reaches; 0.2 to 0.4 is usual for one card
READY = 0.25  # hours until a rented machine trains: started, packages and model fetched


def hours(flops: float | None, accelerators: str, machines: int = 1) -> float | None:
    """Hours a training of so many operations takes on `L4:1` and the like, getting ready included: an estimate.

    None where the work or the card's speed is not known."""
    name, _, count = accelerators.partition(":")
    speed = next((SPEED[known] for known in sorted(SPEED, key=len, reverse=True) if name.startswith(known)), None)
    if not flops or speed is None:
        return None
    return READY + flops / (speed * 1e12 * USED * int(count or 1) * machines) / 3600


def memory(cloud: str) -> dict[str, int]:
    """Name -> GB of the cards that a cloud may have."""
    return MEMORY.get(cloud, ANYWHERE)


def fitting(cloud: str, min_vram_gb: float, prefer: tuple[str, ...]) -> list[str]:
    """Names with at least so much memory a card, smallest first; only preferred ones where one of those fits.

    A preferred name that no table knows is taken at its user's word."""
    known = memory(cloud)
    enough = [name for name, size in known.items() if size >= min_vram_gb]
    return [name for name in prefer if name in enough or name not in known] or enough
