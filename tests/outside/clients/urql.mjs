import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient } from "graphql-ws";
import { pipe, subscribe } from "wonka";
import WebSocket from "ws";
import { given, headers, play } from "./story.mjs";

const socket = createClient({ url: given.ws, webSocketImpl: WebSocket, connectionParams: headers, retryAttempts: 0 });
const client = new Client({
  url: given.http,
  preferGetMethod: false,
  fetchOptions: { headers },
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: (request) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ ...request, query: request.query ?? "" }, sink) }),
      }),
    }),
  ],
});
const plain = ({ data, error }) => ({ data, error: error && String(error) });

await play({
  query: async (query, variables) => plain(await client.query(query, variables).toPromise()),
  mutate: async (query, variables) => plain(await client.mutation(query, variables).toPromise()),
  listen(query, variables, hear) {
    const running = pipe(
      client.subscription(query, variables),
      subscribe((answer) => hear(plain(answer))),
    );
    return () => running.unsubscribe();
  },
  close: () => socket.dispose(),
});
