import "./workers.js";
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import "./explorer.css";

import { explorerPlugin } from "@graphiql/plugin-explorer";
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { createRoot } from "react-dom/client";

import live from "./documents/live.graphql";
import signIn from "./documents/sign_in.graphql";
import welcome from "./documents/welcome.graphql";

// The page lies at the endpoint itself, wherever a proxy has put it.
const endpoint = new URL(location.pathname, location.href);
const socket = new URL(endpoint);
socket.protocol = endpoint.protocol === "https:" ? "wss:" : "ws:";

// A subscription opens a socket of its own and sends the headers editor's content in connection_init:
// a browser cannot set headers on a WebSocket, and a changed token must count from the next run on.
const fetcher = createGraphiQLFetcher({
  url: endpoint.href,
  subscriptionUrl: socket.href,
  enableIncrementalDelivery: false,
});

const HEADERS = `{
  // "Authorization": "Bearer <accessToken of signIn>"
}`;

const TABS = [
  { query: welcome, headers: HEADERS },
  { query: signIn, variables: '{ "login": "anna", "password": "wingding-demo" }', headers: HEADERS },
  { query: live, variables: '{ "eventId": "" }', headers: HEADERS },
];

createRoot(document.getElementById("explorer")).render(
  <GraphiQL
    fetcher={fetcher}
    plugins={[HISTORY_PLUGIN, explorerPlugin()]}
    defaultTabs={TABS}
    defaultHeaders={HEADERS}
    defaultEditorToolsVisibility="headers"
    shouldPersistHeaders={false}
    inputValueDeprecation
  >
    <GraphiQL.Logo>Wingding</GraphiQL.Logo>
  </GraphiQL>,
);
