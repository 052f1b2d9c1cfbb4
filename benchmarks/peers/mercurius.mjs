// Mercurius on Fastify with its JIT from the first request on. Relations through its own loaders, or, with
// RELATIONS=dataloader, through DataLoader: its loaders turn every parent into text to find it again, which costs more.
import Fastify from 'fastify'
import mercurius from 'mercurius'
import { context, everything } from './loaders.mjs'
import { subscriptions } from './live.mjs'
import { relations, resolvers, typeDefs } from './resolvers.mjs'

const app = Fastify()

// Without the loaders' cache: the batches drop repeats themselves.
function ownLoaders() {
  const made = {}
  for (const [type, fields] of Object.entries(relations)) {
    made[type] = {}
    for (const [field, { key, batch }] of Object.entries(fields)) {
      made[type][field] = {
        loader: (queries, { userId }) => batch(queries.map(({ obj }) => key(obj)), userId),
        opts: { cache: false },
      }
    }
  }
  return made
}

const withDataLoader = process.env.RELATIONS === 'dataloader'
app.register(mercurius, {
  schema: typeDefs,
  resolvers: { ...(withDataLoader ? everything : resolvers), ...subscriptions },
  ...(withDataLoader ? {} : { loaders: ownLoaders() }),
  jit: 1,
  graphiql: false,
  context: (request) => context(request.headers['x-user'] ?? null),
  subscription: {
    onConnect: ({ payload }) => ({ userId: payload?.user ?? null }),
    context: () => ({}),
  },
})
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1', backlog: 2048 })
