// What is live reaches other processes through Redis, in the form in which our hub speaks there.
import Redis from 'ioredis'

const PREFIX = 'wingding:'
const path = new URL(process.env.REDIS_URL).pathname
const publisher = new Redis({ path, enableAutoPipelining: true, lazyConnect: true })

export function publish(stream, sequence) {
  publisher.publish(PREFIX + stream, JSON.stringify({ sequence, name: 'live' })).catch(() => {})
}
