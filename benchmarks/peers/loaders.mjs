// Relations through DataLoader, for servers without batching of their own: one loader for each field and request.
import DataLoader from 'dataloader'
import { relations, resolvers } from './resolvers.mjs'

const fields = Object.entries(relations).flatMap(([type, found]) =>
  Object.entries(found).map(([field, relation]) => ({ type, field, name: `${type}.${field}`, ...relation })),
)

export const context = (userId) => ({ userId, loaders: {} })

function loader(found, { name, batch }) {
  return (found.loaders[name] ??= new DataLoader((keys) => batch(keys, found.userId)))
}

// All resolvers, the relations among them. What the parent has already is not loaded, nor what has no key.
export const everything = { ...resolvers }
for (const relation of fields) {
  const { type, field, key } = relation
  everything[type] = {
    ...everything[type],
    [field]: (parent, _args, found) => {
      if (parent[field] !== undefined) return parent[field]
      const wanted = key(parent)
      return wanted === null ? null : loader(found, relation).load(wanted)
    },
  }
}
