"""The contracts of a registered type, by what they are about."""
