// Apollo Server on Fastify, with DataLoader.
import { ApolloServer } from '@apollo/server'
import { fastifyApolloHandler } from '@as-integrations/fastify'
import Fastify from 'fastify'
import { context, everything } from './loaders.mjs'
import { typeDefs } from './resolvers.mjs'

const server = new ApolloServer({ typeDefs, resolvers: everything, introspection: false, csrfPrevention: false })
await server.start()

const app = Fastify()
app.post(
  '/graphql',
  fastifyApolloHandler(server, { context: async (request) => context(request.headers['x-user'] ?? null) }),
)
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
