// Apollo Server on Fastify, with DataLoader; subscriptions as its documentation has them, by graphql-ws on ws.
import { ApolloServer } from '@apollo/server'
import { fastifyApolloHandler } from '@as-integrations/fastify'
import Fastify from 'fastify'
import { useServer } from 'graphql-ws/use/ws'
import { createSchema } from 'graphql-yoga'
import { WebSocketServer } from 'ws'
import { context, everything } from './loaders.mjs'
import { subscriptions } from './live.mjs'
import { typeDefs } from './resolvers.mjs'

const schema = createSchema({ typeDefs, resolvers: { ...everything, ...subscriptions } })
const server = new ApolloServer({ schema, introspection: false, csrfPrevention: false })
await server.start()

const app = Fastify()
app.post(
  '/graphql',
  fastifyApolloHandler(server, { context: async (request) => context(request.headers['x-user'] ?? null) }),
)
const sockets = new WebSocketServer({ server: app.server, path: '/graphql' })
useServer({ schema, context: ({ connectionParams }) => context(connectionParams?.user ?? null) }, sockets)
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1', backlog: 2048 })
