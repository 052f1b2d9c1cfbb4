// The pool that all peers share in kind: prepared statements, times as text in the shape of our DateTime.
import postgres from 'postgres'

const rfc3339 = (text) => `${text.slice(0, 10)}T${text.slice(11, -3)}+00:00`

export const sql = postgres({
  host: process.env.PGHOST,
  database: process.env.PGDATABASE,
  username: process.env.PGUSER,
  max: Number(process.env.POOL_SIZE ?? 10),
  onnotice: () => {},
  connection: { TimeZone: 'UTC', jit: 'off' },
  types: {
    time: { to: 1184, from: [1184], serialize: (value) => value, parse: rfc3339 },
    bigint: { to: 20, from: [20], serialize: (value) => String(value), parse: Number },
  },
})
