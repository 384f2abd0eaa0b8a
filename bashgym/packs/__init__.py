"""Packs: recipes, presets and plugins of others, fetched at one commit, kept whole, and data until they are trusted.

A pack is any git repository, Hub repository or folder with `recipes/`, `conf/` or `plugins/`. What is fetched is only
these folders, `pack.yaml` and the texts beside it; it is read out of git's own store, so that no hook, filter, link or
submodule of it is ever followed."""
