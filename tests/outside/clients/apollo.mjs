import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { OperationTypeNode } from "graphql";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { given, headers, play } from "./story.mjs";

const socket = createClient({ url: given.ws, webSocketImpl: WebSocket, connectionParams: headers, retryAttempts: 0 });
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    new HttpLink({ uri: given.http, headers }),
  ),
});

await play({
  query: (query, variables) => client.query({ query: gql(query), variables }),
  mutate: (mutation, variables) => client.mutate({ mutation: gql(mutation), variables }),
  listen(query, variables, hear) {
    const running = client.subscribe({ query: gql(query), variables }).subscribe({ next: hear, error: hear });
    return () => running.unsubscribe();
  },
  close() {
    client.stop();
    return socket.dispose();
  },
});
