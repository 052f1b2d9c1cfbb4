// PostGraphile over the tables and the functions of postgraphile.sql. Its schema is its own, so it has its own documents.
// The caller goes into a setting of the transaction; for a guest there is none, and so no transaction.
import './old_node.mjs'
import { createServer } from 'node:http'
import { postgraphile } from 'postgraphile'
import { makePgService } from 'postgraphile/adaptors/pg'
import { grafserv } from 'postgraphile/grafserv/node'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'

const { PGHOST, PGDATABASE, PGUSER, POOL_SIZE, PORT } = process.env
const preset = {
  extends: [PostGraphileAmberPreset],
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
