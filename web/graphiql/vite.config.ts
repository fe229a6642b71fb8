import { defineConfig } from 'vite';

export default defineConfig({
  // The API serves the page at /graphql and everything the page asks for below /graphiql/.
  base: '/graphiql/',
  build: {
    target: 'es2023',
    // Monaco is one indivisible editor, loaded after the first paint.
    chunkSizeWarningLimit: 3000,
    // GraphiQL's parts carry hundreds of "use client" marks, which mean nothing without server rendering.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
});
