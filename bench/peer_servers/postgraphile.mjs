// PostGraphile 5 on one table whose trigger notifies; `reportChanged` tells an area of it. The environment has URL and PORT.
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { context, lambda, listen } from "postgraphile/grafast";
import { grafserv } from "postgraphile/grafserv/node";
import { jsonParse } from "postgraphile/@dataplan/json";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { extendSchema, gql } from "postgraphile/utils";

const FIELDS = ["version", "id", "number", "status", "urgency", "description", "lon", "lat"];

const reportChanged = extendSchema(() => ({
  typeDefs: gql`
    type ReportChange {
      version: Int!, id: String!, number: String!, status: String!, urgency: String!, description: String!
      lon: Float!, lat: Float!
    }
    extend type Subscription { reportChanged(area: String!): ReportChange }
  `,
  objects: {
    Subscription: {
      plans: {
        reportChanged: {
          subscribePlan: (_, { $area }) =>
            listen(context().get("pgSubscriber"), lambda($area, (area) => `area_${area.toLowerCase()}`), jsonParse),
          plan: ($change) => $change,
        },
      },
    },
    ReportChange: { plans: Object.fromEntries(FIELDS.map((field) => [field, ($change) => $change.get(field)])) },
  },
}));

const preset = {
  extends: [PostGraphileAmberPreset],
  plugins: [reportChanged],
  pgServices: [makePgService({ connectionString: process.env.URL, schemas: ["public"], pubsub: true })],
  grafserv: { graphiql: false, websockets: true },
  grafast: { explain: false },
};
const server = createServer();
await postgraphile(preset).createServ(grafserv).addTo(server);
server.listen(Number(process.env.PORT), "127.0.0.1", 4096, () => console.log("Serving"));
