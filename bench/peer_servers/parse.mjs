// Parse Server with LiveQuery for the class Report. The environment has URL, PORT and KEY.
import { createServer } from "node:http";
import express from "express";
import { ParseServer } from "parse-server";

const { URL: databaseURI, PORT: port, KEY: key } = process.env;
const { host, user } = Object.fromEntries(new URL(databaseURI).searchParams); // Parse Server itself passes over these
const server = { appId: "bench", masterKey: key, serverURL: `http://127.0.0.1:${port}/parse`, silent: true };
const parse = new ParseServer({
  ...server,
  databaseURI,
  databaseOptions: { host, user },
  logsFolder: null,
  liveQuery: { classNames: ["Report"] },
  schema: {
    definitions: [
      {
        className: "Report",
        fields: {
          version: { type: "Number" },
          number: { type: "String" },
          status: { type: "String" },
          urgency: { type: "String" },
          description: { type: "String" },
          location: { type: "GeoPoint" },
        },
        classLevelPermissions: { find: { "*": true }, get: { "*": true }, create: { "*": true } },
      },
    ],
  },
});
await parse.start();
const http = createServer(express().use("/parse", parse.app));
await ParseServer.createLiveQueryServer(http, server);
http.listen(Number(port), "127.0.0.1", 4096, () => console.log("Serving"));
