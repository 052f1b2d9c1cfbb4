// Live streams: Redis tells every process that a stream has grown. One subscription for each chat, one reading for each
// message, however many listen here.
import Redis from 'ioredis'
import { decodeId, streamCursor } from './ids.mjs'
import * as reads from './reads.mjs'

const PREFIX = 'wingding:'
const path = new URL(process.env.REDIS_URL).pathname
const publisher = new Redis({ path, enableAutoPipelining: true })
const subscriber = new Redis({ path })
const listeners = new Map()

export function publish(stream, sequence) {
  publisher.publish(PREFIX + stream, JSON.stringify({ sequence, name: 'live' })).catch(() => {})
}

subscriber.on('message', async (channel, text) => {
  const listening = listeners.get(channel)
  if (!listening) return
  const chatId = channel.slice(PREFIX.length + 'chat:'.length)
  const message = await reads.message(chatId, JSON.parse(text).sequence)
  if (!message) return
  const event = { messageSent: { __typename: 'MessageSent', cursor: streamCursor(chatId, message.sequence), message } }
  for (const put of listening) put(event)
})

// An async iterator over what is said from now on. Unlike an async generator it ends at once when it is told to.
async function listen(chatId) {
  const channel = `${PREFIX}chat:${chatId}`
  const queue = []
  let waiting = null
  const put = (event) => {
    if (waiting) {
      waiting({ value: event, done: false })
      waiting = null
    } else queue.push(event)
  }
  if (!listeners.has(channel)) {
    listeners.set(channel, new Set())
    await subscriber.subscribe(channel)
  }
  listeners.get(channel).add(put)
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next: () =>
      queue.length
        ? Promise.resolve({ value: queue.shift(), done: false })
        : new Promise((resolve) => {
            waiting = resolve
          }),
    return: async () => {
      const listening = listeners.get(channel)
      listening?.delete(put)
      if (listening?.size === 0) {
        listeners.delete(channel)
        await subscriber.unsubscribe(channel)
      }
      waiting?.({ value: undefined, done: true })
      return { value: undefined, done: true }
    },
  }
}

export const subscriptions = {
  Subscription: {
    messageSent: {
      subscribe: async (_root, args, { userId }) => {
        const chatId = decodeId(args.chatId, 'Chat')
        if (!(await reads.chat(chatId, userId))) throw new Error('NOT_FOUND')
        return listen(chatId)
      },
    },
  },
}
