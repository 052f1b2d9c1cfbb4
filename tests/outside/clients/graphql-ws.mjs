import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { given, headers, play } from "./story.mjs";

const client = createClient({ url: given.ws, webSocketImpl: WebSocket, connectionParams: headers, retryAttempts: 0 });

const once = (query, variables) =>
  new Promise((resolve, reject) => {
    let answer;
    const sink = { next: (value) => (answer = value), error: reject, complete: () => resolve(answer) };
    client.subscribe({ query, variables }, sink);
  });

await play({
  query: once,
  mutate: once,
  listen: (query, variables, hear) =>
    client.subscribe({ query, variables }, { next: hear, error: (error) => hear({ error }), complete: () => {} }),
  close: () => client.dispose(),
});
