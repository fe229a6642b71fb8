// A client as anybody could write one, with graphql-ws over ws. It prints each event as one JSON line, and comes back
// by itself after a lost connection, behind the last event it received. It ends when its input does.
import { setTimeout } from "node:timers/promises";

import { createClient } from "graphql-ws";
import WebSocket from "ws";

const { url, query, variables, connectionParams } = JSON.parse(process.argv[2]);

const client = createClient({
  url,
  connectionParams,
  webSocketImpl: WebSocket,
  retryAttempts: Infinity,
  retryWait: () => setTimeout(50),
  shouldRetry: () => true,
});

client.subscribe(
  { query, variables },
  {
    next({ data, errors }) {
      if (errors) throw new Error(JSON.stringify(errors));
      const [event] = Object.values(data);
      // Every reconnect sends these variables again: without this it would get everything since the first `after`.
      variables.after = event.cursor;
      process.stdout.write(`${JSON.stringify(event)}\n`);
    },
    error(error) {
      throw new Error(JSON.stringify(error));
    },
    complete() {
      throw new Error("The server completed the subscription.");
    },
  },
);

process.stdin.resume().on("end", () => process.exit());
