// A user's taste: which entities recur in what they liked
// :param user => '15'
MATCH (u:User {id: $user})-[r:RATED]->(m:Movie)-[fact]->(entity)
WHERE r.value >= 4
RETURN labels(entity)[0] AS kind, entity.name AS entity, count(DISTINCT m) AS liked_films
ORDER BY liked_films DESC, kind, entity
LIMIT 25
