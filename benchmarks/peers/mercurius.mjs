// Mercurius on Fastify: its JIT from the first request on, its loaders for relations.
import Fastify from 'fastify'
import mercurius from 'mercurius'
import { relations, resolvers, typeDefs } from './resolvers.mjs'

const app = Fastify()

// Without its cache, which would turn every parent into text to find it again; the batches drop repeats themselves.
const loaders = {}
for (const [type, fields] of Object.entries(relations)) {
  loaders[type] = {}
  for (const [field, { key, batch }] of Object.entries(fields)) {
    loaders[type][field] = {
      loader: (queries, { userId }) => batch(queries.map(({ obj }) => key(obj)), userId),
      opts: { cache: false },
    }
  }
}

app.register(mercurius, {
  schema: typeDefs,
  resolvers,
  loaders,
  jit: 1,
  graphiql: false,
  context: (request) => ({ userId: request.headers['x-user'] ?? null }),
})
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
