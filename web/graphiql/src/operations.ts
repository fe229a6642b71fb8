import type { GraphiQLProps } from 'graphiql';

const queries = import.meta.glob<string>('./operations/*.graphql', { query: '?raw', import: 'default', eager: true });
const variables = import.meta.glob<string>('./operations/*.json', { query: '?raw', import: 'default', eager: true });

/** The story's operations in the order of their file names; the variables of `name.graphql` stand in `name.json`. */
export const operations: NonNullable<GraphiQLProps['defaultTabs']> = Object.entries(queries).map(([path, query]) => ({
  query,
  variables: variables[path.replace(/\.graphql$/, '.json')] ?? null,
}));
