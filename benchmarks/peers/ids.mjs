// Opaque global ids, as schema/core/ids.py makes them: base64url of type name, colon and the 16 bytes of the UUID.

export function encodeId(type, uuid) {
  const bytes = Buffer.allocUnsafe(type.length + 17)
  bytes.latin1Write(type, 0)
  bytes[type.length] = 58
  bytes.hexWrite(uuid.replaceAll('-', ''), type.length + 1)
  return bytes.base64urlSlice()
}

export function decodeId(id, type) {
  const bytes = Buffer.from(id, 'base64url')
  if (bytes.length !== type.length + 17 || bytes.latin1Slice(0, type.length) !== type) throw new Error('INVALID_ID')
  const hex = bytes.hexSlice(type.length + 1)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

export const encodeCursor = (values) => Buffer.from(JSON.stringify(values)).toString('base64url')
export const decodeCursor = (cursor) => JSON.parse(Buffer.from(cursor, 'base64url').toString())

// Our streams' cursors: see realtime/cursors.py. A peer's own form does, for cursors are opaque.
export const streamCursor = (owner, sequence) => encodeCursor([owner, sequence])

export function page(rows, first, cursorOf) {
  const hasNextPage = rows.length > first
  const nodes = hasNextPage ? rows.slice(0, first) : rows
  return {
    nodes,
    pageInfo: {
      hasNextPage,
      hasPreviousPage: false,
      startCursor: nodes.length ? cursorOf(nodes[0]) : null,
      endCursor: nodes.length ? cursorOf(nodes[nodes.length - 1]) : null,
    },
  }
}
