// What the service knows of a user: the events, newest first
// :param user => '15'
MATCH (u:User {id: $user})-[r:RATED]->(m:Movie)
RETURN m.title AS title, r.value AS rating, r.value >= 4 AS liked, toString(datetime({epochSeconds: r.time})) AS rated_at
ORDER BY r.time DESC, title
