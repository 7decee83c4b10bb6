// Hubs: entities that join so much that they explain little
MATCH (entity)<-[r]-(:Movie)
WITH entity, count(r) AS relations
RETURN labels(entity)[0] AS kind, entity.name AS entity, relations
ORDER BY relations DESC, kind, entity
LIMIT 25
