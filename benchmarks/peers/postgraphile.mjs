// PostGraphile over the tables and the functions of postgraphile.sql. Its schema is its own, so it has its own documents.
// The caller goes into a setting of the transaction; for a guest there is none, and so no transaction.
import './old_node.mjs'
import { createServer } from 'node:http'
import { postgraphile } from 'postgraphile'
import { makePgService } from 'postgraphile/adaptors/pg'
import { grafserv } from 'postgraphile/grafserv/node'
import { TYPES } from 'postgraphile/@dataplan/pg'
import { lambda } from 'postgraphile/grafast'
import { sql } from 'postgraphile/pg-sql2'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'
import { extendSchema } from 'postgraphile/utils'

const ratings = ($event, aggregate, type) =>
  $event.select(
    sql`(SELECT ${aggregate} FROM reviews
      WHERE event_id = ${$event.getClassStep().alias}.id AND status = 'PUBLISHED')`,
    type,
  )

// Objects of our schema around columns and expressions, which fold into the statement of the row. (A function that gives
// an object would be asked in a statement of its own, with the whole row as its argument.)
const objects = extendSchema({
  typeDefs: `
    type Places { capacity: Int taken: Int free: Int }
    type Ratings { average: Float count: Int }
    type Marker { readSequence: Int }
    extend type Event { availability: Places ratingSummary: Ratings }
    extend type Chat { viewerMember: Marker }
  `,
  objects: {
    Event: { plans: { availability: ($event) => $event, ratingSummary: ($event) => $event } },
    Chat: { plans: { viewerMember: ($chat) => $chat } },
    Places: {
      plans: {
        capacity: ($event) => $event.get('capacity'),
        taken: ($event) => $event.get('taken'),
        free: ($event) =>
          lambda([$event.get('capacity'), $event.get('taken')], ([all, taken]) => (all === null ? null : all - taken), true),
      },
    },
    Ratings: {
      plans: {
        average: ($event) => ratings($event, sql`avg(rating)::double precision`, TYPES.float),
        count: ($event) => ratings($event, sql`count(*)::integer`, TYPES.int),
      },
    },
    Marker: {
      plans: {
        readSequence: ($chat) =>
          $chat.select(sql`public.chats_own_read_sequence(${$chat.getClassStep().alias})`, TYPES.int),
      },
    },
  },
})

const { PGHOST, PGDATABASE, PGUSER, POOL_SIZE, PORT } = process.env
const preset = {
  extends: [PostGraphileAmberPreset],
  plugins: [objects],
  pgServices: [
    makePgService({
      connectionString: `postgres://${PGUSER}@/${PGDATABASE}?host=${encodeURIComponent(PGHOST)}`,
      schemas: ['public', 'bench'],
      poolConfig: { max: Number(POOL_SIZE), options: '-c jit=off -c timezone=UTC' },
    }),
  ],
  grafserv: { graphiql: false, watch: false },
  grafast: {
    explain: false,
    context: (request) => {
      const caller = request.node?.req.headers['x-user']
      return caller ? { pgSettings: { 'bench.caller': caller } } : { pgSettings: {} }
    },
  },
}
const serv = postgraphile(preset).createServ(grafserv)
const server = createServer()
server.on('error', (error) => console.error(error))
await serv.addTo(server)
server.listen(Number(PORT), '127.0.0.1')
