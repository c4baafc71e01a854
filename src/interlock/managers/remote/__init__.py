"""Managers by TCP: the same classes and proxies, served by an `ObjectServer` without pickles."""
