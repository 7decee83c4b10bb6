// What the service knows of a user, as a picture: liked films and their facts
// :param user => '15'
MATCH (u:User {id: $user})-[r:RATED]->(m:Movie)
WHERE r.value >= 4
WITH u, r, m ORDER BY r.time DESC LIMIT 5
OPTIONAL MATCH (m)-[fact]->(entity)
RETURN u, r, m, fact, entity
