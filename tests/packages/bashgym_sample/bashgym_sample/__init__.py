"""A third-party package of BashGym plugins, installed by the tests."""
