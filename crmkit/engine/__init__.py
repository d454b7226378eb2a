"""GraphQL operations as plans over declared fields; knows SQLAlchemy, no domain word."""
