"""Managers as programs use them: the kinds, their proxies, the server and the manager."""
