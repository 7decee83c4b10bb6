// Why this item: what joins it to the films that a user liked
// :param user => '15'
// :param item => '1'
MATCH (item:Movie {id: $item})
MATCH (u:User {id: $user})-[r:RATED]->(liked:Movie)-[a]->(entity)<-[b]-(item)
WHERE r.value >= 4 AND liked.id <> item.id
RETURN liked.title AS because_of, type(a) AS its, entity.name AS shared, type(b) AS also, item.title AS item
ORDER BY because_of, its, shared, also
