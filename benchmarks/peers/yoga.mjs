// GraphQL Yoga on Node's own HTTP server, with DataLoader. Its caches of parsed and validated documents are on.
import { createServer } from 'node:http'
import { createSchema, createYoga } from 'graphql-yoga'
import { context, everything } from './loaders.mjs'
import { typeDefs } from './resolvers.mjs'

const yoga = createYoga({
  schema: createSchema({ typeDefs, resolvers: everything }),
  context: ({ request }) => context(request.headers.get('x-user')),
  logging: false,
  graphiql: false,
  landingPage: false,
  multipart: false,
  maskedErrors: false,
})
createServer(yoga).listen(Number(process.env.PORT), '127.0.0.1')
