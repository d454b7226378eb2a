"""How fast crmkit is, beside what else answers the same questions; run by hand."""
