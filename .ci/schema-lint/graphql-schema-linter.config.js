// All rules of graphql-schema-linter but those that cannot hold here:
//
// - type-fields-sorted-alphabetically, interface-fields-sorted-alphabetically and
//   input-object-fields-sorted-alphabetically: fields stand in the order in which they are read and explained, what
//   names an object first. In alphabetical order `capacity` and `taken` would be far apart.
// - enum-values-sorted-alphabetically: several enums are scales (`Role`, `ClubRole`: weakest first) or ways through
//   states (`EventStatus`, `Admission`), which only their own order shows.
module.exports = {
  schemaPaths: ["../../schema.graphql"],
  rules: [
    "arguments-have-descriptions",
    "defined-types-are-used",
    "deprecations-have-a-reason",
    "descriptions-are-capitalized",
    "enum-values-all-caps",
    "enum-values-have-descriptions",
    "fields-are-camel-cased",
    "fields-have-descriptions",
    "input-object-values-are-camel-cased",
    "input-object-values-have-descriptions",
    "relay-connection-arguments-spec",
    "relay-connection-types-spec",
    "relay-page-info-spec",
    "types-are-capitalized",
    "types-have-descriptions",
  ],
};
