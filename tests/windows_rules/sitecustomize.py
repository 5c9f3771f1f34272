"""Python imports this file at its start where this folder is on PYTHONPATH, also in processes that tests start."""

import windows_rules

windows_rules.install()
