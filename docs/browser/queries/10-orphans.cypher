// Orphans: nodes that nothing is joined to
MATCH (n)
WHERE NOT (n)--()
WITH labels(n)[0] AS label, n
WHERE NOT label STARTS WITH 'Trailmix'
RETURN label, n.id AS id, coalesce(n.title, n.name) AS name
ORDER BY label, id
LIMIT 100
