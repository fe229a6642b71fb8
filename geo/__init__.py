"""The data of BART: areas, reports, events, and all the SQL. Knows no GraphQL and no HTTP."""
