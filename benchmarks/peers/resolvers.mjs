// Resolvers that Mercurius, Apollo and Yoga share. Relations are listed apart: each server batches them its own way.
import { readFileSync } from 'node:fs'
import { decodeId, encodeId } from './ids.mjs'
import * as reads from './reads.mjs'
import * as writes from './writes.mjs'

export const typeDefs = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8')

const identified = (type) => ({ id: (row) => encodeId(type, row.id) })
const places = (event) => ({
  capacity: event.capacity,
  taken: event.taken,
  free: event.capacity === null ? null : event.capacity - event.taken,
})

function listed(filter, args) {
  if (filter?.timings?.join() !== 'UPCOMING') throw new Error('only upcoming events are benchmarked')
  const [categoryId = null] = (filter.categoryIds ?? []).map((id) => decodeId(id, 'EventCategory'))
  return reads.upcoming({ after: args.after, first: args.first ?? 20, text: filter.text, categoryId })
}

export const resolvers = {
  Query: {
    events: (_root, args) => listed(args.filter, args),
    event: (_root, { id }, { userId }) => reads.event(decodeId(id, 'Event'), userId),
    chat: (_root, { id }, { userId }) => reads.chat(decodeId(id, 'Chat'), userId),
    viewer: (_root, _args, { userId }) => (userId ? { id: userId } : null),
  },
  Mutation: {
    registerForEvent: (_root, { input }, { userId }) => writes.register(userId, decodeId(input.eventId, 'Event'), input.note),
    sendMessage: (_root, { input }, { userId }) => writes.send(userId, decodeId(input.chatId, 'Chat'), input),
    markChatRead: (_root, { input }, { userId }) => writes.markRead(userId, decodeId(input.chatId, 'Chat')),
  },
  Event: {
    ...identified('Event'),
    availability: places,
    priceFrom: (event) => ({ amount: event.priceAmount, currency: event.priceCurrency }),
    participants: (event, { first }, { userId }) => reads.participants(event.id, first ?? 20, userId),
  },
  Chat: {
    ...identified('Chat'),
    messages: (chat, { first }, { userId }) => reads.messages(chat, first ?? 20, userId),
    viewerMember: (chat) => ({ readSequence: chat.readSequence }),
  },
  Viewer: {
    unreadNotificationCount: (viewer) => reads.unread(viewer.id),
    notifications: (viewer, { first }) => reads.notifications(viewer.id, first ?? 20),
  },
  User: identified('User'),
  Venue: identified('Venue'),
  EventCategory: identified('EventCategory'),
  Interest: identified('Interest'),
  Club: identified('Club'),
  Message: identified('Message'),
  Notification: identified('Notification'),
  Registration: identified('Registration'),
}

// Of a type: field, how to find the key in the parent, and the batch. `needsViewer` batches get the caller, too.
export const relations = {
  Event: {
    venue: { key: (event) => event.venueId, batch: reads.byId.venues },
    category: { key: (event) => event.categoryId, batch: reads.byId.categories },
    club: { key: (event) => event.clubId, batch: reads.byId.clubs },
    organizers: { key: (event) => event.id, batch: reads.byEvent.organizers },
    interests: { key: (event) => event.id, batch: reads.byEvent.interests },
    ratingSummary: { key: (event) => event.id, batch: reads.byEvent.ratings },
  },
  Message: { author: { key: (message) => message.authorId, batch: reads.byId.users } },
  Notification: {
    actor: { key: (notification) => notification.actorId, batch: reads.byId.users },
    subject: { key: (notification) => notification, batch: reads.subjects },
  },
}
