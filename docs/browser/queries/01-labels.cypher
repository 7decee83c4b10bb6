// What is in the graph: how many nodes each label has
MATCH (n)
WITH labels(n)[0] AS label, count(n) AS nodes
WHERE NOT label STARTS WITH 'Trailmix'
RETURN label, nodes
ORDER BY nodes DESC, label
