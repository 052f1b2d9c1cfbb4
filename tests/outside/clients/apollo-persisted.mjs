import { createHash } from "node:crypto";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { OperationTypeNode } from "graphql";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { EVENT, given, headers, play } from "./story.mjs";

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const socket = createClient({ url: given.ws, webSocketImpl: WebSocket, connectionParams: headers, retryAttempts: 0 });

// What goes over the wire: whether by GET, and whether with the text.
const sent = [];
async function watching(uri, options) {
  const text = options.method === "GET" ? new URL(uri).searchParams.get("query") : JSON.parse(options.body).query;
  sent.push(`${options.method} ${text ? "text" : "hash"}`);
  return fetch(uri, options);
}

const http = new PersistedQueryLink({ sha256, useGETForHashedQueries: true }).concat(
  new HttpLink({ uri: given.http, headers, fetch: watching }),
);
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    http,
  ),
});
const query = (text, variables) => client.query({ query: gql(text), variables, fetchPolicy: "network-only" });

// The first asking teaches the server the text, the second one goes without.
await query(EVENT, { id: given.eventId });
await play({
  query,
  mutate: (mutation, variables) => client.mutate({ mutation: gql(mutation), variables }),
  listen(text, variables, hear) {
    const running = client.subscribe({ query: gql(text), variables }).subscribe({ next: hear, error: hear });
    return () => running.unsubscribe();
  },
  close() {
    client.stop();
    return socket.dispose();
  },
  sent,
});
