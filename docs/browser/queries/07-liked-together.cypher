// Why this item, by other people: films that were liked by those who liked it
// :param item => '1'
MATCH (item:Movie {id: $item})<-[a:RATED]-(u:User)-[b:RATED]->(other:Movie)
WHERE a.value >= 4 AND b.value >= 4 AND other.id <> item.id
RETURN other.title AS film, count(DISTINCT u) AS people
ORDER BY people DESC, film
LIMIT 25
