"""What others say to tags, in their own unit."""

from crmkit.tags.service import tag_customers as tag
from crmkit.tags.service import untag_customers as untag

__all__ = ["tag", "untag"]
