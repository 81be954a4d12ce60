"""Lets the tests of this folder import what they share: tests are files, not a package."""

import importlib.util
import sys
from pathlib import Path

_spec = importlib.util.spec_from_file_location("servers", Path(__file__).with_name("servers.py"))
sys.modules["servers"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sys.modules["servers"])
