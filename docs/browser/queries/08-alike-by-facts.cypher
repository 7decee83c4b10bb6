// Films alike by facts: those that share the most entities with a film
// :param item => '1'
MATCH (item:Movie {id: $item})-[a]->(entity)<-[b]-(other:Movie)
WHERE other.id <> item.id
WITH other, count(DISTINCT entity) AS shared, collect(DISTINCT entity.name) AS entities
RETURN other.title AS film, shared, entities
ORDER BY shared DESC, film
LIMIT 25
