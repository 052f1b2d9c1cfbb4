"""What a viewer may see, as SELECTs, by area. Resolvers and loaders build on these; nobody writes the filters again."""
