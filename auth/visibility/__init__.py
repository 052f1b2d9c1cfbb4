"""Rows that a viewer may see, as SELECTs, by area. Resolvers and loaders build on these and repeat no filter."""
