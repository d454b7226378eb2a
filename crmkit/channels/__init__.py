"""Channels: the media and the named places through which customers meet us."""
