import { createGraphiQLFetcher } from '@graphiql/toolkit';

const endpoint = new URL('/graphql', window.location.href);
const socket = new URL(endpoint);
socket.protocol = endpoint.protocol === 'https:' ? 'wss:' : 'ws:';

/**
 * Sends queries and mutations by fetch and subscriptions by graphql-transport-ws, both to /graphql on this page's origin.
 * Browsers can't set headers on a socket, so the headers editor's content goes along as the payload of connection_init.
 */
export const fetcher = createGraphiQLFetcher({
  url: endpoint.href,
  subscriptionUrl: socket.href,
  enableIncrementalDelivery: false,
});
