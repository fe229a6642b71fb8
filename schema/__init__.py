"""The GraphQL API: one file a noun, merged by `schema.root`. Knows no SQL."""
