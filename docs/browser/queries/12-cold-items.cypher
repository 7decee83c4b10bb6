// Cold items: films that nobody rated, and what there is to recommend them by
MATCH (m:Movie)
WHERE NOT (m)<-[:RATED]-()
OPTIONAL MATCH (m)-[fact]->(entity)
WITH m, count(entity) AS facts
RETURN m.id AS id, m.title AS title, facts, coalesce(m.text, '') <> '' AS has_text
ORDER BY facts, id
LIMIT 100
