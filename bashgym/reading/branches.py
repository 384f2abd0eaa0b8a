"""The branches of a session whose messages name their parents: an edited prompt or a second answer begins one."""

from collections.abc import Sequence

from bashgym.trace import Branch, Step


def branches(steps: Sequence[Step], parents: Sequence[int | None], leaf: int | None) -> list[Branch]:
    """One branch for each leaf, the one that ends in step `leaf` last; marks `active` in every step.

    `parents` says for each step, by its index, which one it followed."""
    inner = {parent for parent in parents if parent is not None}
    others = [number for number in range(len(steps)) if number not in inner and number != leaf]
    active = set(path(leaf, parents))
    for number, step in enumerate(steps):
        step.extra.bashgym.active = number in active
    ends = others if leaf is None else [*others, leaf]
    return [branch(end, steps, parents, end == leaf) for end in ends]


def branch(leaf: int, steps: Sequence[Step], parents: Sequence[int | None], active: bool) -> Branch:
    uuids = steps[leaf].info.uuids
    numbers = sorted(path(leaf, parents))
    name = uuids[-1] if uuids else f"step-{leaf + 1}"
    return Branch(leaf=name, step_ids=[steps[number].step_id for number in numbers], active=active)


def path(leaf: int | None, parents: Sequence[int | None]) -> list[int]:
    """From `leaf` up to its root; a circle, which only a broken file has, is left where it closes."""
    found: dict[int, None] = {}
    while leaf is not None and leaf not in found:
        found[leaf] = None
        leaf = parents[leaf]
    return list(found)
