import { createClient } from "graphql-sse";
import { given, headers, play } from "./story.mjs";

const client = createClient({ url: given.stream, headers, retryAttempts: 0 });

async function post(query, variables) {
  const answer = await fetch(given.http, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  return answer.json();
}

await play({
  query: post,
  mutate: post,
  listen: (query, variables, hear) =>
    client.subscribe({ query, variables }, { next: hear, error: (error) => hear({ error }), complete: () => {} }),
  close: () => client.dispose(),
});
